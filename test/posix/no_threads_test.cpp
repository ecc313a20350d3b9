// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Where no thread can be made: requests that need one fail with EAGAIN, and all others go on.

#include "posix/answer.hpp"
#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"
#include "privileges.hpp"

#include <algorithm>
#include <atomic>

#include <sys/resource.h>

namespace aioxx::test {
namespace {

constexpr uid_t ordinary_user = 65534;

void permit_processes(rlim_t count) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NPROC, &limit);
    limit.rlim_cur = std::min(count, limit.rlim_max);
    ::setrlimit(RLIMIT_NPROC, &limit);
}

/// Runs `body` as an ordinary user that may have one thread, and has it.
template <typename Body>
void check_without_threads(Body body) {
    if (!may_become_another_user()) {
        SKIP_CASE("needs root who may become an ordinary user: RLIMIT_NPROC counts the user's "
                  "other processes as well");
    }
    const ChildEnd end = run_in_child([&body] {
        permit_processes(1);
        return ::setuid(ordinary_user) == 0 ? body() : 100;
    });
    CAPTURE(end.errors);
    CHECK(end.status == 0);
}

POSIX_CASE("a write that needs a thread fails with EAGAIN when there is none, and works later") {
    NOT_UNDER_TSAN("its own thread is one too many");
    const TemporaryFile file{"content"};
    const TemporaryFile appended{"content", O_RDWR | O_APPEND};
    check_without_threads([&] {
        for (const TemporaryFile* const each : {&file, &appended}) {
            const Block write{*each, std::string_view{", and more"}, 7};
            const std::string answered = answer([&] { return aio_write(write); });
            if (answered != differs<std::string>("-1 EAGAIN", accepted)) {
                return 1;
            }
            if (write.await_result() != -EAGAIN || each->content() != "content") {
                return 2;
            }
        }
        permit_processes(RLIM_INFINITY);
        for (const TemporaryFile* const each : {&file, &appended}) {
            const Block write{*each, std::string_view{", and more"}, 7};
            if (aio_write(write) != 0 || write.await_result() != 10 ||
                each->content() != "content, and more") {
                return 3;
            }
        }
        return 0;
    });
}

POSIX_CASE("a read that has to wait fails with EAGAIN when there is no thread for that") {
    NOT_UNDER_TSAN("its own thread is one too many");
    const Pipe pipe;
    const Sockets sockets;
    check_without_threads([&] {
        for (const int reader : {int{pipe.reader}, int{sockets.one}}) {
            const Block read{reader};
            const std::string answered = answer([&] { return aio_read(read); });
            if (answered != differs<std::string>("-1 EAGAIN", accepted)) {
                return 1;
            }
            if (read.await_result() != -EAGAIN) {
                return 2;
            }
        }
        return 0;
    });
}

POSIX_CASE("a thread of a notice that cannot be made comes when it can") {
    NOT_ON_GLIBC("the notice is lost");
    NOT_UNDER_TSAN("its own thread is one too many");
    const Pipe pipe;
    check_without_threads([&] {
        static std::atomic<int> called{0};
        static std::atomic<int> told{0};
        permit_processes(RLIM_INFINITY);
        Block read{pipe.reader};
        read->aio_sigevent.sigev_notify = SIGEV_THREAD;
        read->aio_sigevent.sigev_notify_function = [](sigval) { ++called; };
        read->aio_sigevent.sigev_notify_attributes = nullptr;
        if (aio_read(read) != 0) { // the attendant is there
            return 1;
        }
        permit_processes(1);
        pipe.fill("x");
        if (read.await_result() != 1) {
            return 2;
        }
        // A signal that is told of by the attendant as well: it has tried the thread before.
        ::signal(SIGUSR1, [](int) { ++told; });
        Block failing{closed_descriptor()};
        if (aio_read(failing.signals(SIGUSR1)) != 0 || !eventually([] { return told == 1; }) ||
            called != 0) {
            return 3;
        }
        permit_processes(RLIM_INFINITY);
        return eventually([] { return called == 1; }) ? 0 : 4;
    });
}

POSIX_CASE("direct reads need no thread, unless they ask for a notice by one") {
    SKIP_WITHOUT_KERNEL_AIO("they need workers");
    NOT_ON_GLIBC("each of its requests needs one");
    NOT_UNDER_TSAN("its own thread is one too many");
    const TemporaryFile file{std::string(4096, 'x'), O_RDONLY | O_DIRECT};
    check_without_threads([&file] {
        for (int i = 0; i < 10; ++i) {
            Block read{file, 4096};
            if (aio_read(read) != 0 || read.await_result() != 4096) {
                return 1;
            }
        }
        Block read{file, 4096};
        read->aio_sigevent.sigev_notify = SIGEV_THREAD;
        read->aio_sigevent.sigev_notify_function = [](sigval) {};
        read->aio_sigevent.sigev_notify_attributes = nullptr;
        return answer([&] { return aio_read(read); }) == "-1 EAGAIN" ? 0 : 2;
    });
}

} // namespace
} // namespace aioxx::test
