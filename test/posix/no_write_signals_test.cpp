// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A write for which write(2) sends SIGPIPE or SIGXFSZ fails, and sends none.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"

#include <sys/resource.h>

namespace aioxx::test {
namespace {

/// Runs `body` where the two signals end the process, and then where they are blocked and would
/// stay pending.
template <typename Body>
void check_without_signals(Body body) {
    const ChildEnd end = run_in_child([&] {
        ::signal(SIGPIPE, SIG_DFL);
        ::signal(SIGXFSZ, SIG_DFL);
        const int status = body();
        if (status != 0) {
            return status;
        }
        sigset_t both;
        ::sigemptyset(&both);
        ::sigaddset(&both, SIGPIPE);
        ::sigaddset(&both, SIGXFSZ);
        ::pthread_sigmask(SIG_BLOCK, &both, nullptr);
        const int blocked = body();
        if (blocked != 0) {
            return blocked + 100;
        }
        sigset_t pending;
        ::sigpending(&pending);
        return ::sigismember(&pending, SIGPIPE) + ::sigismember(&pending, SIGXFSZ) == 0 ? 0 : 99;
    });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

POSIX_CASE("a write into a pipe without a reader is EPIPE") {
    check_without_signals([] {
        Pipe pipe;
        pipe.reader.close();
        Block write{pipe.writer, "content"};
        return aio_write(write) == 0 && write.wait() == EPIPE && write.result() == -1 ? 0 : 1;
    });
}

POSIX_CASE("a write that waits when the last reader goes is EPIPE, or short") {
    check_without_signals([] {
        Pipe pipe;
        const std::string much(200'000, 'w');
        Block write{pipe.writer, much};
        Block next{pipe.writer, much};
        if (aio_write(write) != 0 || aio_write(next) != 0 ||
            !eventually([&] { return readable_bytes(pipe.reader) > 0; })) {
            return 1;
        }
        pipe.reader.close();
        const ssize_t written = write.await_result();
        if (written != -EPIPE && (written <= 0 || written >= ssize_t{200'000})) {
            return 2;
        }
        return next.wait() == EPIPE ? 0 : 3;
    });
}

POSIX_CASE("a write to a socket whose peer is gone is EPIPE") {
    check_without_signals([] {
        Sockets sockets;
        sockets.other.close();
        Block write{sockets.one, "content"};
        return aio_write(write) == 0 && write.wait() == EPIPE ? 0 : 1;
    });
}

POSIX_CASE("a write past the limit on the file's size is EFBIG, and one across it is short") {
    const rlimit limit{8192, RLIM_INFINITY};
    for (const int flags : {O_RDWR, O_RDWR | O_DIRECT}) {
        const TemporaryFile file{std::string(4096, 'x'), flags};
        check_without_signals([&] {
            ::setrlimit(RLIMIT_FSIZE, &limit);
            Block beyond{file, std::string(4096, 'w'), 8192};
            if (aio_write(beyond) != 0 || beyond.wait() != EFBIG) {
                return 1;
            }
            Block across{file, std::string(8192, 'w'), 4096};
            if (aio_write(across) != 0 || across.await_result() != 4096) {
                return 2;
            }
            Block below{file, std::string(4096, 'w')};
            return aio_write(below) == 0 && below.await_result() == 4096 ? 0 : 3;
        });
    }
}

POSIX_CASE("an append past the limit on the file's size is EFBIG") {
    const rlimit limit{4096, RLIM_INFINITY};
    const TemporaryFile file{std::string(4096, 'x'), O_WRONLY | O_APPEND};
    check_without_signals([&] {
        ::setrlimit(RLIMIT_FSIZE, &limit);
        Block write{file, "content"};
        return aio_write(write) == 0 && write.wait() == EFBIG ? 0 : 1;
    });
    CHECK(file.content().size() == 4096);
}

} // namespace
} // namespace aioxx::test
