// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What workers make together: reads of which the kernel is told beforehand, and writes that go by
// one call.

#include "descriptors.hpp"
#include "engine/pool_loop.hpp"
#include "engine/running_engine.hpp"
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using Sleep = engine::Mailbox::Sleep;

/// One worker, which waits in a call while the test adds what it finds afterwards.
class BusyWorker {
public:
    BusyWorker() {
        blocks_.length = 1;
        loop.add(blocks_, Kind::read, blocking_);
        REQUIRE(eventually([] { return count_blocked_in(SYS_preadv2) == 1; }));
        calls_before_ = kernel.calls(Call::transfer);
    }
    void go_on() {
        pipe_.fill("x");
        CHECK(loop.result_of(blocks_) == 1);
    }
    [[nodiscard]] std::size_t calls() const { return kernel.calls(Call::transfer) - calls_before_; }

    ScriptedKernel kernel{ScriptedKernel::Below::real};
    PoolLoop loop{{.limit = 1}};

private:
    Pipe pipe_;
    PlainFile blocking_{pipe_.reader};
    WorkerOperation blocks_;
    std::size_t calls_before_ = 0;
};

/// A write of some letters at a place, with others of its like.
template <std::size_t Count>
class Writes {
public:
    Writes(BusyWorker& worker, engine::OpenFile& file) : worker_(worker), file_(file) {}

    /// Behind what was added before. `has_memory`: the text is there.
    void add(std::size_t place, std::string_view text, std::int64_t offset,
             bool has_memory = true) {
        WorkerOperation& write = all[place];
        write.hold(text);
        write.request.offset = offset;
        write.set(Kind::write, file_);
        write.in_turn = true;
        if (!has_memory) {
            write.request.data = nullptr;
        }
        worker_.loop.add(write);
    }
    [[nodiscard]] std::int64_t result(std::size_t place) {
        return worker_.loop.result_of(all[place]);
    }

    std::array<WorkerOperation, Count> all;

private:
    BusyWorker& worker_;
    engine::OpenFile& file_;
};

// --- Writes -----------------------------------------------------------------------------------

TEST_CASE("adjacent writes that wait together go by one call, and are told of by one wake") {
    BusyWorker worker;
    const TemporaryFile content;
    PlainFile file{content};
    Writes<4> writes{worker, file};
    writes.add(0, "ab", 0);
    writes.add(1, "cde", 2);
    writes.add(2, "f", 5);
    writes.add(3, "z", 9); // there is a gap
    CHECK(worker.loop.mailbox.begin_sleep(Sleep::ring));
    worker.go_on();
    CHECK(writes.result(0) == 2);
    CHECK(writes.result(1) == 3);
    CHECK(writes.result(2) == 1);
    CHECK(writes.result(3) == 1);
    worker.loop.mailbox.end_sleep(Sleep::ring);
    CHECK(worker.calls() == 2);
    CHECK(content.content() == std::string_view{"abcdef\0\0\0z", 10});
}

TEST_CASE("what one pass hands over is found together by the worker that is called for it") {
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    Engine::Options options;
    options.workers.limit = 1;
    RunningEngine engine{options};
    const TemporaryFile content;
    const File file = File::borrow(content);
    engine::OpenFile& used = engine.file_of(file);
    used.traits.in_memory = false;
    Transfer first{"a"};
    first.request.kind = Kind::write;
    used.policy(first).refuse_nowait();
    engine.begin(first, Kind::write, file);
    CHECK(engine.result_of(first) == 1);
    std::array<Transfer, 50> writes;
    for (int round = 0; round < 5; ++round) {
        REQUIRE(eventually([] { return count_blocked_in(SYS_futex) == 1; })); // it sleeps
        const std::size_t calls = kernel.calls(Call::transfer);
        for (Transfer& write : writes) {
            write.hold("b");
            engine.start(write, Kind::write, file, 1 + (&write - writes.data()));
        }
        engine->flush();
        for (const Transfer& write : writes) {
            CHECK(engine.result_of(write) == 1);
        }
        CHECK(kernel.calls(Call::transfer) == calls + 1);
    }
    CHECK(content.content() == "a" + std::string(50, 'b'));
}

TEST_CASE("a NOWAIT read that answers 0 where the file goes on is made again") {
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    RunningEngine engine;
    const TemporaryFile content{"abc"};
    const File file = File::borrow(content);
    engine::OpenFile& used = engine.file_of(file);
    used.traits.in_memory = false;
    used.usual_read = engine::RoutePolicy::usual_read(used.traits);
    kernel.answer(Call::transfer, {Answer::at_most(0)});
    Transfer read;
    engine.begin(read, Kind::read, file);
    CHECK(engine.result_of(read) == 3);
    CHECK(read.text() == "abc");
    Transfer behind;
    engine.begin(behind, Kind::read, file, 3);
    CHECK(engine.result_of(behind) == 0);
    CHECK(behind.end_of_file);
}

TEST_CASE("a vector goes with what is adjacent to it") {
    BusyWorker worker;
    const TemporaryFile content;
    PlainFile file{content};
    Writes<3> writes{worker, file};
    std::array<char, 4> bytes{'b', 'c', 'd', 'e'};
    std::array<iovec, 2> parts{iovec{bytes.data(), 1}, iovec{bytes.data() + 1, 3}};
    writes.add(0, "a", 0);
    WorkerOperation& vector = writes.all[1];
    vector.set(Kind::writev, file);
    vector.request.data = parts.data();
    vector.request.length = parts.size();
    vector.request.offset = 1;
    vector.in_turn = true;
    worker.loop.add(vector);
    writes.add(2, "f", 5);
    worker.go_on();
    CHECK(writes.result(0) == 1);
    CHECK(writes.result(1) == 4);
    CHECK(writes.result(2) == 1);
    CHECK(worker.calls() == 1);
    CHECK(content.content() == "abcdef");
}

TEST_CASE("appends that wait together go by one call, wherever they ask to go") {
    for (const bool by_flag : {false, true}) {
        CAPTURE(by_flag);
        BusyWorker worker;
        const TemporaryFile content{"0", O_WRONLY | (by_flag ? 0 : O_APPEND)};
        PlainFile file{content};
        Writes<3> writes{worker, file};
        for (WorkerOperation& write : writes.all) {
            write.request.flags = by_flag ? RwFlags::append : RwFlags::none;
        }
        writes.add(0, "ab", 0);
        writes.add(1, "cd", 0);
        writes.add(2, "ef", 0);
        worker.go_on();
        CHECK(writes.result(0) == 2);
        CHECK(writes.result(1) == 2);
        CHECK(writes.result(2) == 2);
        CHECK(worker.calls() == 1);
        CHECK(content.content() == "0abcdef");
    }
}

TEST_CASE("writes that differ in their flags or their rank go one by one") {
    BusyWorker worker;
    const TemporaryFile content;
    PlainFile file{content};
    Writes<3> writes{worker, file};
    writes.all[1].request.flags = RwFlags::append;
    writes.all[2].request.rank = 3;
    writes.add(0, "ab", 0);
    writes.add(1, "cd", 2);
    writes.add(2, "ef", 4);
    worker.go_on();
    CHECK(writes.result(0) == 2);
    CHECK(writes.result(1) == 2);
    CHECK(writes.result(2) == 2);
    CHECK(worker.calls() == 3);
}

TEST_CASE("a short count of a run ends the write where it came short, and the rest is made again") {
    BusyWorker worker;
    const TemporaryFile content;
    PlainFile file{content};
    Writes<4> writes{worker, file};
    writes.add(0, "aa", 0);
    writes.add(1, "bbb", 2);
    writes.add(2, "cc", 5);
    writes.add(3, "dd", 7);
    worker.kernel.answer(Call::transfer, {Answer::at_most(3)});
    worker.go_on();
    CHECK(writes.result(0) == 2);
    CHECK(writes.result(1) == 1);
    CHECK(writes.result(2) == 2);
    CHECK(writes.result(3) == 2);
    CHECK(content.content() == std::string_view{"aab\0\0ccdd", 9});
    CHECK(worker.calls() == 2);
}

TEST_CASE("an exact write of a run is carried on where it came short, before those behind it") {
    BusyWorker worker;
    const TemporaryFile content{{}, O_WRONLY | O_APPEND};
    PlainFile file{content};
    Writes<3> writes{worker, file};
    for (WorkerOperation& write : writes.all) {
        write.request.exact = true;
    }
    writes.add(0, "aa", 0);
    writes.add(1, "bbb", 0);
    writes.add(2, "cc", 0);
    // The run, the rest of it, and the last one alone.
    worker.kernel.answer(Call::transfer,
                         {Answer::at_most(3), Answer::at_most(3), Answer::at_most(1)});
    worker.go_on();
    CHECK(writes.result(0) == 2);
    CHECK(writes.result(1) == 2); // of the last call; those before are in `done`
    CHECK(writes.all[1].done == 1);
    CHECK(writes.result(2) == 1);
    CHECK(writes.all[2].done == 1);
    CHECK(content.content() == "aabbbcc");
}

TEST_CASE("an exact append that is alone is carried on before what comes behind it") {
    BusyWorker worker;
    const TemporaryFile content{{}, O_WRONLY | O_APPEND};
    PlainFile file{content};
    Writes<2> writes{worker, file};
    writes.all[0].request.exact = true;
    writes.all[1].request.rank = 1; // no run
    writes.add(0, "aaaa", 0);
    writes.add(1, "bb", 0);
    worker.kernel.answer(Call::transfer, {Answer::at_most(1)});
    worker.go_on();
    CHECK(writes.result(0) == 3);
    CHECK(writes.all[0].done == 1);
    CHECK(writes.result(1) == 2);
    CHECK(content.content() == "aaaabb");
}

TEST_CASE("an error of a run is told to the writes that have it when each is made alone") {
    BusyWorker worker;
    const TemporaryFile content;
    PlainFile file{content};
    Writes<4> writes{worker, file};
    const auto add_all = [&](bool third_has_memory) {
        writes.add(0, "aa", 0);
        writes.add(1, "bb", 2);
        writes.add(2, "cc", 4, third_has_memory);
        writes.add(3, "dd", 6);
    };
    SUBCASE("all have it") {
        add_all(true);
        const Answer full = Answer::error(ENOSPC);
        worker.kernel.answer(Call::transfer, {Answer::at_most(3), full, full, full});
        worker.go_on();
        CHECK(writes.result(0) == 2);
        CHECK(writes.result(1) == 1);
        CHECK(writes.result(2) == -ENOSPC);
        CHECK(writes.result(3) == -ENOSPC);
        CHECK(content.content() == "aab");
    }
    SUBCASE("one has it") {
        if (under_valgrind()) {
            worker.go_on(); // it ends before what it has
        }
        SKIP_UNDER_VALGRIND("a buffer without access is an error there");
        add_all(false);
        worker.go_on();
        CHECK(writes.result(0) == 2);
        CHECK(writes.result(1) == 2);
        CHECK(writes.result(2) == -EFAULT);
        CHECK(writes.result(3) == 2);
        CHECK(content.content() == std::string_view{"aabb\0\0dd", 8});
    }
}

TEST_CASE("a run is no longer than one call takes") {
    constexpr std::size_t many = 300;
    BusyWorker worker;
    const TemporaryFile content;
    PlainFile file{content};
    Writes<many> writes{worker, file};
    for (std::size_t i = 0; i < many; ++i) {
        writes.add(i, "x", static_cast<std::int64_t>(i));
    }
    worker.go_on();
    for (std::size_t i = 0; i < many; ++i) {
        CHECK(writes.result(i) == 1);
    }
    CHECK(worker.calls() == 2);
    CHECK(content.content() == std::string(many, 'x'));
}

TEST_CASE("a write that was taken back is not in the run") {
    BusyWorker worker;
    const TemporaryFile content;
    PlainFile file{content};
    Writes<3> writes{worker, file};
    writes.add(0, "ab", 0);
    writes.add(1, "cd", 2);
    writes.add(2, "ef", 2);
    CHECK(worker.loop.pool.take_back(writes.all[1]));
    worker.go_on();
    CHECK(writes.result(0) == 2);
    CHECK(writes.result(2) == 2);
    CHECK(content.content() == "abef");
    CHECK(worker.calls() == 1);
}

// --- Reads ------------------------------------------------------------------------------------

constexpr std::int64_t page = 4096;

/// Eight reads of a file on a disk, of which four have a turn as they come. One worker makes them
/// in their order.
class Reads {
public:
    Reads() { file.traits.in_memory = false; }

    void add(std::int64_t distance, std::size_t length = 1) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i].length = length;
            all[i].request.offset = static_cast<std::int64_t>(i) * distance;
            worker.loop.add(all[i], Kind::read, file);
        }
    }
    void check() {
        worker.go_on();
        for (WorkerOperation& read : all) {
            CHECK(worker.loop.result_of(read) == static_cast<std::int64_t>(read.length));
        }
    }

    BusyWorker worker;
    const TemporaryFile content{std::string(20 * page, 'x')};
    PlainFile file{content};
    std::array<WorkerOperation, 8> all;
};

TEST_CASE("the kernel is told once of each read that waits for its turn") {
    Reads reads;
    reads.add(2 * page);
    reads.check();
    CHECK(reads.worker.kernel.read_ahead() == 4);
}

TEST_CASE("reads that follow one another are left to the kernel's own reading ahead") {
    Reads reads;
    reads.add(1);
    reads.check();
    CHECK(reads.worker.kernel.read_ahead() == 1);
}

TEST_CASE("the kernel is not told of reads that wait for no disk, or for another process") {
    Reads reads;
    SUBCASE("direct") {
        reads.file.traits.direct = true;
    }
    SUBCASE("in memory") {
        reads.file.traits.in_memory = true;
    }
    SUBCASE("on FUSE or a network") {
        reads.file.traits.on_server = true;
    }
    SUBCASE("a device") {
        reads.file.traits.regular = false;
    }
    reads.add(2 * page);
    reads.check();
    CHECK(reads.worker.kernel.read_ahead() == 0);
}

TEST_CASE("a read that waits for its turn is taken back") {
    Reads reads;
    reads.add(2 * page);
    for (const std::size_t i : {6U, 1U, 7U}) { // waits, has its turn, is the last
        CHECK(reads.worker.loop.pool.take_back(reads.all[i]));
    }
    reads.worker.go_on();
    for (const std::size_t i : {0U, 2U, 3U, 4U, 5U}) {
        CHECK(reads.worker.loop.result_of(reads.all[i]) == 1);
    }
    reads.worker.loop.take();
    CHECK_FALSE(reads.worker.loop.has_returned());
}

TEST_CASE("of the reads that wait for their turn those of the lowest rank go first") {
    Reads reads;
    for (std::size_t i = 0; i < reads.all.size(); ++i) {
        reads.all[i].request.rank = i == 6 ? 0 : 2;
    }
    reads.add(2 * page);
    reads.worker.go_on();
    for (const std::size_t i : {0U, 6U, 1U, 2U, 3U, 4U, 5U, 7U}) {
        CHECK(&reads.worker.loop.next() == &reads.all[i]);
    }
}

} // namespace
} // namespace aioxx::test
