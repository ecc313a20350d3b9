// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Writes for which write(2) sends SIGPIPE or SIGXFSZ.

#include "child.hpp"
#include "queue/files.hpp"

#include <csignal>
#include <string>

#include <sys/resource.h>

#include <doctest/doctest.h>

namespace aioxx::test {

inline std::int64_t result_of_write(Queue& queue, const File& file,
                                    std::span<const std::byte> bytes, std::int64_t at,
                                    RwFlags flags = RwFlags::none) {
    std::int64_t result = 1;
    queue.write(file, bytes, at).with(flags).start([&result](const Completion& done) {
        result = done.result();
    });
    queue.run();
    return result;
}

/// To a pipe and to a socket without a peer; 0 when both fail as they should.
inline int write_to_nobody(Queue& queue) {
    for (const bool sockets : {false, true}) {
        Ends ends = sockets ? make_sockets() : make_pipe();
        ends.reader.close();
        for (int i = 0; i < 3; ++i) {
            if (result_of_write(queue, ends.writer, bytes_of("content"), 0) != -EPIPE) {
                return sockets ? 1 : 2;
            }
        }
    }
    return 0;
}

/// Beyond the limit on the size of a file, which is of 4096 bytes; 0 when all fail as they should.
inline int write_beyond_limit(Queue& queue) {
    AlignedBuffer block{4096, 4096};
    const rlimit limit{4096, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int number = 10;
    for (const char* const directory : {"/var/tmp", "/dev/shm"}) {
        for (const int flags : {O_RDWR, O_RDWR | O_DIRECT, O_WRONLY | O_APPEND}) {
            if ((flags & O_DIRECT) != 0 && !takes_direct_io(directory)) {
                continue;
            }
            const File file = disk_file(flags, std::string(4096, 'x'), directory);
            for (const std::int64_t at : {4096, 1 << 20}) {
                ++number;
                if (result_of_write(queue, file, block, at) != -EFBIG) {
                    return number;
                }
            }
            ++number;
            if ((flags & O_APPEND) == 0 &&
                result_of_write(queue, file, block, 0, RwFlags::append) != -EFBIG) {
                return number;
            }
        }
    }
    return 0;
}

/// Runs `body` where the two signals end the process, where they are blocked and would stay
/// pending, and where one of the program's own is pending already.
template <typename Body>
void check_without_signals(Body body) {
    const ChildEnd end = run_in_child([&] {
        ::signal(SIGPIPE, SIG_DFL);
        ::signal(SIGXFSZ, SIG_DFL);
        if (const int status = body(); status != 0) {
            return status;
        }
        sigset_t both;
        ::sigemptyset(&both);
        ::sigaddset(&both, SIGPIPE);
        ::sigaddset(&both, SIGXFSZ);
        ::pthread_sigmask(SIG_BLOCK, &both, nullptr);
        if (const int status = body(); status != 0) {
            return 100 + status;
        }
        sigset_t pending;
        ::sigpending(&pending);
        if (::sigismember(&pending, SIGPIPE) + ::sigismember(&pending, SIGXFSZ) != 0) {
            return 90;
        }
        ::raise(SIGPIPE);
        ::raise(SIGXFSZ);
        if (const int status = body(); status != 0) {
            return 200 + status;
        }
        ::sigpending(&pending);
        return ::sigismember(&pending, SIGPIPE) + ::sigismember(&pending, SIGXFSZ) == 2 ? 0 : 91;
    });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

} // namespace aioxx::test
