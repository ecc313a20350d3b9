// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Requests in flight when the process forks, becomes another program, or ends; and when a thread
// ends.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"

#include <atomic>
#include <pthread.h>
#include <thread>

namespace aioxx::test {
namespace {

/// A few requests of every kind; 0 when they are right.
int use_it() {
    const TemporaryFile file{std::string(4096, 'x'), O_RDWR | O_DIRECT};
    const TemporaryFile buffered{"content"};
    const Pipe pipe;
    const BlockedSignal signal{SIGRTMIN};
    Block waiting{pipe.reader};
    Block cancelled{pipe.reader};
    Block direct{file, 4096};
    Block read{buffered, 7};
    Block sync{buffered};
    if (aio_read(waiting) != 0 || aio_read(cancelled) != 0 || aio_read(direct) != 0 ||
        aio_read(read.signals(signal)) != 0 || aio_fsync(O_SYNC, sync) != 0) {
        return 1;
    }
    if (aio_cancel(pipe.reader, cancelled) != AIO_CANCELED || cancelled.wait() != ECANCELED) {
        return 2;
    }
    pipe.fill("y");
    if (waiting.await_result() != 1 || waiting.text() != "y") {
        return 3;
    }
    if (direct.await_result() != 4096 || read.await_result() != 7 || sync.await_result() != 0) {
        return 4;
    }
    return signal.next() ? 0 : 5;
}

std::atomic<bool> is_forking{false};
std::atomic<bool> has_looked{false};

/// Runs after the layer's own preparation for a fork, as what the C library does there: it waits
/// for the locks of malloc. The thread that has them may be in a handler that calls aio_suspend.
void wait_for_the_other_thread() {
    is_forking = true;
    is_forking.notify_all();
    has_looked.wait(false);
}

POSIX_CASE("a fork waits for no thread that calls aio_suspend meanwhile, nor that for the fork") {
    REQUIRE(::pthread_atfork(wait_for_the_other_thread, nullptr, nullptr) == 0);
    const Pipe pipe;
    Block waiting{pipe.reader};
    REQUIRE(aio_read(waiting) == 0); // registers its own preparation, which runs before ours
    int error = 0;
    std::thread other{[&] {
        is_forking.wait(false);
        const aiocb* const list[] = {waiting};
        const timespec now{};
        error = ::aio_suspend(list, 1, &now) == 0 ? 0 : errno;
        has_looked = true;
        has_looked.notify_all();
    }};
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(0);
    }
    other.join();
    CHECK(wait_for_child(child).status == 0);
    CHECK(error == EAGAIN);
    pipe.fill("x");
    CHECK(waiting.await_result() == 1);
}

POSIX_CASE("a child starts clean, its requests complete, and so do its parent's") {
    NOT_UNDER_TSAN("it does not support a child of many threads that goes on");
    NOT_ON_GLIBC("a child counts on its parent's threads, and waits for ever");
    REQUIRE(use_it() == 0);
    const Pipe pipe;
    const TemporaryFile file{std::string(4096, 'x'), O_RDWR | O_DIRECT};
    const BlockedSignal signal{SIGRTMIN + 1};
    Block waiting{pipe.reader};
    Block direct{file, 4096};
    REQUIRE(aio_read(waiting.signals(signal)) == 0);
    REQUIRE(aio_read(direct) == 0);
    const ChildEnd end = run_in_child([&] {
        // its parent's requests are not its own
        if (aio_cancel(pipe.reader, nullptr) != AIO_ALLDONE) {
            return 10;
        }
        for (int i = 0; i < 3; ++i) {
            const int status = use_it();
            if (status != 0) {
                return status;
            }
        }
        return signal.there() ? 11 : 0;
    });
    CHECK(end.signal == 0);
    CAPTURE(end.errors);
    CHECK(end.status == 0);
    CHECK(waiting.pending());
    pipe.fill("x");
    CHECK(waiting.await_result() == 1);
    CHECK(waiting.text() == "x");
    CHECK(signal.next());
    CHECK(direct.await_result() == 4096);
    CHECK(use_it() == 0);
}

POSIX_CASE("a child makes requests where its parent had made none") {
    CHECK(run_in_child(use_it).status == 0);
    CHECK(use_it() == 0);
}

POSIX_CASE("a child that does not use it costs its parent nothing") {
    const Pipe pipe;
    std::vector<Block> blocks;
    for (int i = 0; i < 10; ++i) {
        REQUIRE(aio_read(blocks.emplace_back(pipe.reader)) == 0);
        CHECK(run_in_child([] { return 0; }).status == 0);
    }
    pipe.fill("0123456789");
    std::string received;
    for (const Block& block : blocks) {
        received += block.await_result() == 1 ? block.text() : "?";
    }
    CHECK(received == "0123456789");
}

POSIX_CASE("children that are forked while threads make requests find nothing locked") {
    if (!children_allocate) {
        std::printf("not under the sanitizers: a child of many threads may not allocate\n");
        return;
    }
    NOT_ON_GLIBC("a child counts on its parent's threads, and waits for ever");
    std::atomic<bool> enough{false};
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            const TemporaryFile file{"content"};
            while (!enough) {
                Block read{file, 7};
                wrong += aio_read(read) != 0 || read.await_result() != 7;
            }
        });
    }
    for (int i = 0; i < 20; ++i) {
        const ChildEnd end = run_in_child(use_it);
        CHECK(end.signal == 0);
        CHECK(end.status == 0);
    }
    enough = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
}

POSIX_CASE("a grandchild's requests complete as well") {
    NOT_UNDER_TSAN("it does not support a child of many threads that goes on");
    NOT_ON_GLIBC("a child counts on its parent's threads, and waits for ever");
    REQUIRE(use_it() == 0);
    const ChildEnd end = run_in_child([] {
        const int own = use_it();
        return own != 0 ? own : run_in_child(use_it).status;
    });
    CAPTURE(end.errors);
    CHECK(end.status == 0);
}

/// Leaves requests of every kind in flight.
void leave_in_flight(int pipe_reader, int full_pipe, std::vector<Block>& blocks) {
    static const TemporaryFile file{std::string(64 * 4096, 'x'), O_RDWR | O_DIRECT};
    for (int i = 0; i < 64; ++i) {
        static_cast<void>(aio_read(blocks.emplace_back(file, 4096, i * 4096)));
    }
    static_cast<void>(aio_read(blocks.emplace_back(pipe_reader).signals(SIGRTMIN)));
    static_cast<void>(aio_write(blocks.emplace_back(full_pipe, std::string(200'000, 'w'))));
    static_cast<void>(aio_fsync(O_SYNC, blocks.emplace_back(file)));
}

POSIX_CASE("another program is executed with requests in flight") {
    const Pipe pipe;
    const Pipe full;
    const ChildEnd end = run_in_child([&] {
        std::vector<Block> blocks;
        leave_in_flight(pipe.reader, full.writer, blocks);
        ::execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
        return 1;
    });
    CHECK(end.signal == 0);
    CHECK(end.status == 7);
}

POSIX_CASE("the process exits with requests in flight, and without waiting for them") {
    const Pipe pipe;
    const Pipe full;
    for (const bool quickly : {false, true}) {
        const ChildEnd end = run_in_child([&]() -> int {
            auto* const blocks = new std::vector<Block>;
            leave_in_flight(pipe.reader, full.writer, *blocks);
            if (quickly) {
                ::_exit(7);
            }
            static std::vector<Block>* reachable = nullptr;
            reachable = blocks;
            std::exit(reachable == nullptr ? 1 : 7);
        });
        CHECK(end.signal == 0);
        CHECK(end.status == 7);
    }
}

POSIX_CASE("requests of a thread that has ended, or was cancelled, complete") {
    const Pipe pipe;
    const TemporaryFile file{std::string(4096, 'x'), O_RDWR | O_DIRECT};
    for (const bool cancel : {false, true}) {
        Block waiting{pipe.reader};
        Block direct{file, 4096};
        std::atomic<bool> made{false};
        std::thread thread{[&] {
            CHECK(aio_read(waiting) == 0);
            CHECK(aio_read(direct) == 0);
            made = true;
            while (cancel) {
                ::pause(); // which is where it is cancelled
            }
        }};
        CHECK(eventually([&] { return made.load(); }));
        if (cancel) {
            ::pthread_cancel(thread.native_handle());
        }
        thread.join();
        CHECK(direct.await_result() == 4096);
        CHECK(waiting.pending());
        pipe.fill("x");
        CHECK(waiting.await_result() == 1);
    }
}

POSIX_CASE("a thread that is cancelled at any time while it makes requests leaves nothing locked") {
    const TemporaryFile file{std::string(4096, 'x')};
    for (int i = 0; i < 100; ++i) {
        static std::vector<Block> blocks;
        blocks.clear();
        for (int k = 0; k < 64; ++k) {
            blocks.emplace_back(file, 8);
        }
        std::atomic<int> made{0};
        std::thread thread{[&] {
            for (const Block& block : blocks) {
                static_cast<void>(aio_read(block)); // no cancellation point
                ++made;
            }
            for (;;) {
                ::pthread_testcancel();
            }
        }};
        while (made < i % 64) {
        }
        ::pthread_cancel(thread.native_handle());
        thread.join();
        CHECK(made == 64);
        for (const Block& block : blocks) {
            CHECK(block.await_result() == 8);
        }
    }
}

} // namespace
} // namespace aioxx::test
