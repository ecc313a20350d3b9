// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A program without exceptions and run-time types, on the thin layer: reads itself.
#include <aioxx/aioxx.hpp>

#include <array>
#include <cstdio>
#include <system_error>

#include <fcntl.h>

namespace {

int fail(const char* call, const std::error_code& error) {
    std::fprintf(stderr, "%s: error %d\n", call, error.value());
    return 1;
}

} // namespace

int main(int, char** arguments) {
    std::error_code error;
    const aioxx::File file = aioxx::File::open(arguments[0], O_RDONLY, 0, error);
    if (error) {
        return fail("open", error);
    }
    aioxx::Context context{8, error};
    if (error) {
        return fail("io_setup", error);
    }
    std::array<std::byte, 4> magic{};
    aioxx::Iocb iocb;
    iocb.prepare_read(file.fd(), magic, 0);
    context.submit(iocb, error);
    if (error) {
        return fail("io_submit", error);
    }
    aioxx::EventBatch events{8};
    context.wait(events, 1, error);
    if (error) {
        return fail("io_getevents", error);
    }
    return magic[1] == std::byte{'E'} && magic[2] == std::byte{'L'} ? 0 : 1;
}
