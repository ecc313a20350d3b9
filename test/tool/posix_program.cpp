// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// What posix_test.cpp runs: reads the start of its own file by aio_read, tells where that function
// came from, what it was given, and ends with status 3. With IN_PLACE_OF_STANDARD_ERROR=FILE it has
// that open as descriptor 2 by then. With a first argument "ends" it ends in other ways after the
// read: "ends by-signal", "ends by-exit", "ends all", which is a process of each of these, one that
// closes all descriptors before, and one that becomes another program.

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <aio.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
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

[[noreturn]] void end(const char* how, char* const* arguments);

/// Whether the start of the program is read.
bool read_start(const char* path) {
    std::array<char, 4> start{};
    aiocb block{};
    block.aio_fildes = ::open(path, O_RDONLY | O_CLOEXEC);
    block.aio_buf = start.data();
    block.aio_nbytes = start.size();
    const aiocb* const blocks[] = {&block};
    return ::aio_read(&block) == 0 && ::aio_suspend(blocks, 1, nullptr) == 0 &&
           ::aio_return(&block) == 4 && start[1] == 'E';
}

void end_in_child(const char* how, char* const* arguments) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (std::strcmp(how, "closed") == 0) {
            for (int fd = 0; fd < 10'000; ++fd) {
                ::close(fd);
            }
        }
        if (!read_start(arguments[0])) {
            ::abort();
        }
        end(how, arguments);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
}

void end(const char* how, char* const* arguments) {
    if (std::strcmp(how, "all") == 0) {
        for (const char* const each : {"by-signal", "by-exit", "closed", "other"}) {
            end_in_child(each, arguments);
        }
    } else if (std::strcmp(how, "by-signal") == 0) {
        ::raise(SIGKILL);
    } else if (std::strcmp(how, "other") == 0) {
        ::execl(arguments[0], arguments[0], "ends", "by-exit", nullptr);
    }
    ::_exit(4);
}

} // namespace

int main(int argc, char** argv) {
    if (!read_start(argv[0])) {
        return 1;
    }
    if (argc == 3 && std::strcmp(argv[1], "ends") == 0) {
        end(argv[2], argv);
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
