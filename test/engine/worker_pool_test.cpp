// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "child.hpp"
#include "descriptors.hpp"
#include "engine/pool_loop.hpp"
#include "privileges.hpp"
#include "skip.hpp"

#include <array>

#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::Way;
using engine::WorkerPool;
using Sleep = engine::Mailbox::Sleep;

struct PoolAndFile : AbcFile {
    PoolLoop loop;
    WorkerOperation operation;
};

TEST_CASE_FIXTURE(PoolAndFile, "a worker makes a plain call and publishes its result") {
    loop.add(operation, Kind::read, file);
    CHECK(loop.result_of(operation) == 3);
    CHECK(operation.text() == "abc");
    operation.hold("xy");
    loop.add(operation, Kind::write, file);
    CHECK(loop.result_of(operation) == 2);
    loop.add(operation, Kind::fdatasync, file);
    CHECK(loop.result_of(operation) == 0);
    CHECK(content.content() == "xyc");
}

TEST_CASE_FIXTURE(PoolAndFile, "a worker submits on the same context") {
    loop.add(operation, Kind::read, file, Way::worker_submit);
    CHECK(loop.result_of(operation) == 3);
    CHECK(operation.text() == "abc");
    CHECK(operation.iocb.fd() == file.fd);
    PipeFile other;
    operation.request.bits = POLLIN;
    loop.add(operation, Kind::poll, other.file);
    other.pipe.fill("x");
    CHECK((loop.result_of(operation) & POLLIN) != 0);
}

TEST_CASE_FIXTURE(PoolAndFile,
                  "a submit that a worker is refused comes back with its error, and wakes a "
                  "sleeper") {
    const Pipe pipe;
    PlainFile writer{pipe.writer}; // only writing is possible
    CHECK(loop.mailbox.begin_sleep(Sleep::ring));
    loop.add(operation, Kind::read, writer, Way::worker_submit);
    CHECK(becomes_readable(loop.wake.fd()));
    loop.mailbox.end_sleep(Sleep::ring);
    CHECK(loop.result_of(operation) == -EBADF);
    loop.pool.set_context(nullptr);
    loop.add(operation, Kind::read, writer, Way::worker_submit);
    CHECK(loop.result_of(operation) == -EINVAL);
}

TEST_CASE_FIXTURE(PoolAndFile,
                  "the end of the file, a wrong mode and a negative offset are told apart") {
    const Descriptor opened{::open("/proc/self/stat", O_RDONLY | O_CLOEXEC)};
    PlainFile of_proc{opened};
    operation.request.offset = 1 << 20;
    loop.add(operation, Kind::read, of_proc);
    CHECK(loop.result_of(operation) == 0);
    loop.add(operation, Kind::write, of_proc);
    CHECK(loop.result_of(operation) == -EBADF);
    operation.request.offset = -1;
    loop.add(operation, Kind::read, of_proc);
    CHECK(loop.result_of(operation) == -EINVAL);
}

TEST_CASE("workers come as they are wanted, up to the limit; what was not begun is taken back") {
    for (const Way way : {Way::worker, Way::worker_submit}) {
        CAPTURE(way);
        const long call = way == Way::worker ? SYS_preadv2 : SYS_io_submit;
        PoolLoop loop{{.limit = 3}};
        std::array<PipeFile, 5> files;
        std::array<WorkerOperation, 5> reads;
        for (std::size_t i = 0; i < 3; ++i) {
            loop.add(reads[i], Kind::read, files[i].file, way);
            REQUIRE(workers_wait(i + 1, call));
        }
        const std::size_t threads = count_threads();
        CHECK(loop.pool.waits() == 0);
        loop.add(reads[3], Kind::read, files[3].file, way);
        loop.add(reads[4], Kind::read, files[4].file, way);
        CHECK(count_threads() <= threads);
        CHECK(count_blocked_in(call) == 3);
        CHECK(loop.pool.waits() == 2);

        CHECK(loop.pool.take_back(reads[3]));
        CHECK_FALSE(loop.pool.take_back(reads[0])); // begun
        for (const std::size_t i : {2U, 0U, 1U, 4U}) {
            files[i].pipe.fill("x");
            CHECK(loop.result_of(reads[i]) == 1);
        }
        loop.take();
        CHECK_FALSE(loop.has_returned());
    }
}

TEST_CASE_FIXTURE(PoolAndFile, "what was made is not taken back, whether or not it has been seen") {
    loop.add(operation, Kind::read, file);
    REQUIRE(eventually([&] { return loop.mailbox.has_mail(); }));
    CHECK_FALSE(loop.pool.take_back(operation));
    CHECK(loop.result_of(operation) == 3);
}

TEST_CASE("of the operations that wait, those of the lowest rank go first") {
    PoolLoop loop{{.limit = 1}};
    PipeFile busy;
    WorkerOperation first;
    loop.add(first, Kind::read, busy.file);
    REQUIRE(workers_wait(1));
    AbcFile abc;
    std::array<WorkerOperation, 4> reads;
    constexpr std::array<std::uint8_t, 4> ranks{7, 3, 7, 0};
    for (std::size_t i = 0; i < reads.size(); ++i) {
        reads[i].request.rank = ranks[i];
        loop.add(reads[i], Kind::read, abc.file);
    }
    busy.pipe.fill("x");
    CHECK(&loop.next() == &first);
    for (const std::size_t i : {3U, 1U, 0U, 2U}) {
        CHECK(&loop.next() == &reads[i]);
    }
}

TEST_CASE("a task runs before the operations that wait") {
    PoolLoop loop{{.limit = 1}};
    PipeFile slow;
    std::array<ByteRead, 2> reads;
    for (ByteRead& read : reads) {
        loop.add(read, Kind::read, slow.file);
    }
    REQUIRE(workers_wait(1));
    Signal task;
    CHECK(loop.pool.add(task));
    slow.pipe.fill("x");
    CHECK(&loop.next() == &reads.front());
    CHECK(task.has_run()); // before the second read, which still waits
    slow.pipe.fill("y");
    CHECK(&loop.next() == &reads[1]);
}

TEST_CASE("a spare worker makes no call, and runs tasks while all others are in calls") {
    PoolLoop loop{{.limit = 2, .spare_for_tasks = true}};
    PipeFile slow;
    std::array<ByteRead, 3> reads;
    for (ByteRead& read : reads) {
        loop.add(read, Kind::read, slow.file);
    }
    REQUIRE(workers_wait(2));
    const std::size_t threads = count_threads();
    for (int i = 0; i < 3; ++i) {
        Signal task;
        CHECK(loop.pool.add(task));
        CHECK(task.has_run());
    }
    CHECK(count_blocked_in(SYS_preadv2) == 2);
    CHECK(count_threads() <= threads);
    CHECK(loop.pool.take_back(reads[2]));
    slow.pipe.fill("xy");
    loop.next();
    loop.next();
}

TEST_CASE("where no other thread is to be had, one worker makes all calls") {
    if (::geteuid() == 0 && !may_become_another_user()) {
        SKIP_CASE("root without CAP_SETUID cannot become an ordinary user");
    }
    const ChildEnd end = run_in_child([] {
        bool private_limit = ::geteuid() != 0 || ::setuid(65534) == 0;
        PoolLoop loop{{.limit = 8, .spare_for_tasks = true}};
        loop.start();
        const std::size_t threads = count_threads();
        const rlimit none{0, 0};
        private_limit = private_limit && ::setrlimit(RLIMIT_NPROC, &none) == 0;
        AbcFile abc;
        std::array<WorkerOperation, 8> reads;
        for (WorkerOperation& read : reads) {
            loop.add(read, Kind::read, abc.file);
        }
        for (std::size_t i = 0; i < reads.size(); ++i) {
            if (loop.next().result != 3) {
                return 1;
            }
        }
        return private_limit && count_threads() == threads ? 0 : 2;
    });
    CHECK(end.status == 0);
    CHECK(end.signal == 0);
}

TEST_CASE("where none is allowed nothing is added") {
    engine::Mailbox mailbox;
    engine::SharedTable table;
    WorkerPool pool{{.limit = 0}, mailbox, table, nullptr};
    std::error_code error;
    pool.start(error);
    CHECK(error.value() == EAGAIN);
    CHECK_FALSE(pool.running());
    WorkerOperation operation;
    CHECK_FALSE(pool.add(operation));
    Signal task;
    CHECK_FALSE(pool.add(task));
}

} // namespace
} // namespace aioxx::test
