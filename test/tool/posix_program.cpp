// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// What posix_test.cpp runs: reads the start of its own file by aio_read, tells where that function
// came from, what it was given, and ends with status 3. With IN_PLACE_OF_STANDARD_ERROR=FILE it has
// that open as descriptor 2 by then.

#include <array>
#include <cstdio>
#include <cstdlib>

#include <aio.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

namespace {

void print_variable(const char* name) {
    const char* const value = std::getenv(name);
    std::printf("%s=%s\n", name, value != nullptr ? value : "(none)");
}

/// Whether it is done, where that is asked for.
bool replace_standard_error() {
    const char* const path = std::getenv("IN_PLACE_OF_STANDARD_ERROR");
    return path == nullptr ||
           (::close(STDERR_FILENO) == 0 && ::open(path, O_WRONLY | O_CLOEXEC) == STDERR_FILENO);
}

} // namespace

int main(int argc, char** argv) {
    std::array<char, 4> start{};
    aiocb block{};
    block.aio_fildes = ::open(argv[0], O_RDONLY | O_CLOEXEC);
    block.aio_buf = start.data();
    block.aio_nbytes = start.size();
    const aiocb* const blocks[] = {&block};
    if (::aio_read(&block) != 0 || ::aio_suspend(blocks, 1, nullptr) != 0 ||
        ::aio_return(&block) != 4 || start[1] != 'E') {
        return 1;
    }
    Dl_info info{};
    void* const function = ::dlsym(RTLD_DEFAULT, "aio_read");
    ::dladdr(function, &info);
    std::printf("aio_read is in %s\n", info.dli_fname);
    print_variable("LD_PRELOAD");
    print_variable("AIOXX_POSIX_STATS");
    print_variable("OF_THE_CALLER");
    for (int i = 1; i < argc; ++i) {
        std::printf("argument <%s>\n", argv[i]);
    }
    return replace_standard_error() ? 3 : 2;
}
