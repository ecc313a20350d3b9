// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Appends a line to a log and makes it durable before it says so: flush_log FILE LINE
//
// The kernel orders fdatasync after nothing. The write has to be complete before it is submitted.

#include <aioxx/aioxx.hpp>

#include <exception>
#include <iostream>
#include <span>
#include <string>

#include <fcntl.h>

namespace {

/// Submits one operation and waits for it. Its failure is thrown in the name of `what`.
std::int64_t finish(aioxx::Context& context, aioxx::Iocb& iocb, const char* what) {
    aioxx::EventBatch events{1};
    context.submit(iocb);
    std::error_code error;
    do {
        context.wait(events, 1, error); // a signal interrupts it when nothing has completed
    } while (error == std::errc::interrupted);
    if (error || (error = events[0].error())) {
        throw std::system_error(error, what);
    }
    return events[0].result();
}

void append(const char* path, const std::string& line) {
    const aioxx::File log = aioxx::File::open(path, O_WRONLY | O_CREAT | O_APPEND);
    aioxx::Iocb iocb;
    aioxx::Context context{1}; // declared last, so it goes first

    std::span<const std::byte> rest = std::as_bytes(std::span{line});
    while (!rest.empty()) {                    // a write may be short: a full disk, a limit
        iocb.prepare_write(log.fd(), rest, 0); // O_APPEND: at the end, whatever the offset
        const std::int64_t written = finish(context, iocb, "write");
        rest = rest.subspan(static_cast<std::size_t>(written));
    }
    iocb.prepare_fdatasync(log.fd());
    finish(context, iocb, "fdatasync"); // after an error here, what was written may be lost
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: flush_log FILE LINE\n";
        return 2;
    }
    try {
        append(argv[1], std::string{argv[2]} + '\n');
        std::cout << "on disk\n";
    } catch (const std::exception& error) {
        std::cerr << argv[1] << ": " << error.what() << '\n';
        return 1;
    }
}
