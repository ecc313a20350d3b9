// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/files.hpp"
#include "skip.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t block = 4096;

/// A file whose blocks are "aaa...", "bbb...", and memory to read them into.
struct Blocks {
    explicit Blocks(std::size_t number, int flags = 0) : memory(number * block, block) {
        std::string content;
        for (std::size_t i = 0; i < number; ++i) {
            content.append(block, static_cast<char>('a' + i % 26));
        }
        file = disk_file(O_RDWR | flags, content);
    }
    [[nodiscard]] std::span<std::byte> at(std::size_t place) {
        return std::span<std::byte>{memory}.subspan(place * block, block);
    }
    [[nodiscard]] bool is_right(std::size_t place) {
        const std::string expected(block, static_cast<char>('a' + place % 26));
        return text_of(at(place)) == expected;
    }

    aioxx::File file;
    aioxx::AlignedBuffer memory;
};

void add_reads(aioxx::Batch& batch, aioxx::Queue& queue, Blocks& blocks, std::size_t number) {
    for (std::size_t i = 0; i < number; ++i) {
        batch.add(queue.read(blocks.file, blocks.at(i), static_cast<std::int64_t>(i * block)));
    }
}

/// In a full context, the first of direct transfers on a file are submitted one by one, and
/// watched.
void pass_watched_submits(aioxx::Queue& queue, Blocks& blocks) {
    for (int i = 0; i < 80; ++i) {
        queue.read(blocks.file, blocks.at(0), 0).start([](auto&) {});
        queue.run();
    }
}

} // namespace

TEST_CASE("a batch of direct reads begins with one io_submit, and each has its result") {
    SKIP_WITHOUT_KERNEL_AIO("it counts io_submit");
    aioxx::Queue queue;
    Blocks blocks{64, O_DIRECT};
    pass_watched_submits(queue, blocks);
    for (const std::size_t number : {std::size_t{8}, std::size_t{64}}) {
        CAPTURE(number);
        const std::uint64_t before = queue.statistics().submit_calls;
        aioxx::Batch batch{queue};
        add_reads(batch, queue, blocks, number);
        CHECK(queue.outstanding() == 0); // described, and not begun
        batch.start();
        CHECK(queue.statistics().submit_calls - before <= 2); // the second: one that is watched
        batch.wait();
        CHECK(batch.is_done());
        for (std::size_t i = 0; i < number; ++i) {
            CHECK(batch.results()[i].bytes() == block);
            CHECK(blocks.is_right(i));
        }
    }
}

TEST_CASE("what fails in a batch, comes short or is refused is told alone") {
    aioxx::Queue queue;
    Blocks blocks{4};
    const aioxx::File write_only = disk_file(O_WRONLY);
    const aioxx::File closed;
    aioxx::Batch batch{queue};
    batch.add(queue.read(blocks.file, blocks.at(0), 0));
    batch.add(queue.read(write_only, blocks.at(1), 0));
    batch.add(queue.read(blocks.file, blocks.at(2), 4 * block - 100));
    batch.add(queue.read(closed, aioxx::AlignedBuffer{block, block}, 0));
    batch.add(queue.fdatasync(blocks.file));
    CHECK(batch.size() == 5);
    batch.wait();
    const std::span<aioxx::Completion> results = batch.results();
    CHECK(results[0].bytes() == block);
    CHECK(results[1].error() == std::errc::bad_file_descriptor);
    CHECK_FALSE(results[2].error());
    CHECK(results[2].bytes() == 100);
    CHECK(results[3].error() == std::errc::bad_file_descriptor);
    CHECK(results[3].buffer().size() == block); // it was refused, and is handed back
    CHECK(results[4].result() == 0);
    CHECK(blocks.is_right(0));
}

TEST_CASE("a batch is waited for while something else is outstanding, which goes on") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    std::array<std::byte, 1> byte{};
    bool came = false;
    queue.read(pipe.reader, byte, 0).start([&](auto&) { came = true; });
    Blocks blocks{2};
    aioxx::Batch batch{queue};
    add_reads(batch, queue, blocks, 2);
    batch.wait();
    CHECK(batch.is_done());
    CHECK(blocks.is_right(1));
    CHECK_FALSE(came);
    CHECK(queue.outstanding() == 1);
    pipe.fill("x");
    queue.run();
    CHECK(came);
}

TEST_CASE("the callback of a batch is called once, never inside start(), and may destroy it") {
    aioxx::Queue queue;
    Blocks blocks{3};
    auto batch = std::make_unique<aioxx::Batch>(queue);
    add_reads(*batch, queue, blocks, 3);
    unsigned calls = 0;
    std::size_t bytes = 0;
    batch->start([&] {
        ++calls;
        for (const aioxx::Completion& result : batch->results()) {
            bytes += result.bytes();
        }
        batch.reset();
    });
    CHECK(calls == 0);
    queue.run();
    CHECK(calls == 1);
    CHECK(bytes == 3 * block);
    CHECK(batch == nullptr);
}

TEST_CASE("an empty batch, and one of which all is refused, end as others do") {
    aioxx::Queue queue;
    const aioxx::File closed;
    for (const bool empty : {true, false}) {
        CAPTURE(empty);
        const auto fill = [&](aioxx::Batch& batch) {
            if (!empty) {
                batch.add(queue.fsync(closed));
            }
        };
        aioxx::Batch waited{queue};
        fill(waited);
        CHECK_FALSE(waited.is_done());
        waited.wait();
        CHECK(waited.is_done());

        bool called = false;
        aioxx::Batch told{queue};
        fill(told);
        told.start([&] { called = true; });
        CHECK_FALSE(called);
        queue.run();
        CHECK(called);

        const auto awaits = [&](aioxx::Queue& on) -> aioxx::Task<bool> {
            aioxx::Batch batch{on};
            fill(batch);
            co_await batch;
            co_return batch.is_done();
        };
        CHECK(aioxx::run(queue, awaits(queue)));
    }
}

TEST_CASE("a task awaits batches one after the other in the same memory") {
    aioxx::Queue queue;
    Blocks blocks{8};
    const auto reads = [&](aioxx::Queue& on) -> aioxx::Task<std::size_t> {
        aioxx::Batch batch{on};
        std::size_t bytes = 0;
        for (int round = 0; round < 3; ++round) {
            batch.clear();
            add_reads(batch, on, blocks, 8);
            co_await batch;
            for (const aioxx::Completion& result : batch.results()) {
                bytes += result.bytes();
            }
        }
        co_await batch; // done already
        co_return bytes;
    };
    CHECK(aioxx::run(queue, reads(queue)) == 3 * 8 * block);
}

TEST_CASE("a batch beyond the queue's limit is begun as far as there is room") {
    aioxx::Queue queue{{.limit = 3}};
    Blocks blocks{5};
    aioxx::Batch batch{queue};
    add_reads(batch, queue, blocks, 5);
    batch.wait();
    for (std::size_t i = 0; i < 5; ++i) {
        CAPTURE(i);
        CHECK(batch.results()[i].result() == (i < 3 ? static_cast<std::int64_t>(block) : -EAGAIN));
    }
}

TEST_CASE("a batch that is destroyed gives up what is under way") {
    aioxx::Queue queue;
    const Ends pipe = make_pipe();
    std::array<std::byte, 1> byte{};
    bool called = false;
    {
        aioxx::Batch batch{queue};
        batch.add(queue.read(pipe.reader, byte, 0));
        batch.add(queue.sleep_for(1h));
        batch.start([&] { called = true; });
    }
    queue.run();
    CHECK(queue.outstanding() == 0);
    CHECK_FALSE(called);
    pipe.fill("x");
    CHECK(byte[0] == std::byte{0});
}

TEST_CASE("a queue that is destroyed ends the batches on it") {
    const Ends pipe = make_pipe();
    std::array<std::byte, 1> byte{};
    std::optional<aioxx::Queue> queue{std::in_place};
    aioxx::Batch batch{*queue};
    batch.add(queue->read(pipe.reader, byte, 0));
    batch.start();
    queue.reset();
    CHECK(batch.is_done());
    CHECK(batch.results()[0].cancelled());
}

TEST_CASE("a task that awaits a batch on a queue that closes is not resumed") {
    const Ends pipe = make_pipe();
    bool resumed = false;
    {
        aioxx::Queue queue;
        const auto waits = [&](aioxx::Queue& on) -> aioxx::Task<void> {
            std::array<std::byte, 1> byte{};
            for (;;) {
                aioxx::Batch batch{on};
                batch.add(on.read(pipe.reader, byte, 0));
                co_await batch; // cancelled first, then refused
                if (batch.results()[0].bytes() > 0) {
                    resumed = true;
                    co_return;
                }
            }
        };
        aioxx::spawn(queue, waits(queue));
        static_cast<void>(queue.close_for(10s));
        CHECK(queue.outstanding() == 0);
    }
    CHECK_FALSE(resumed);
}

TEST_CASE("a batch that is used wrongly says so") {
    aioxx::Queue queue;
    aioxx::Queue other;
    Blocks blocks{2};
    aioxx::Batch batch{queue};
    CHECK_THROWS_AS(batch.add(other.fsync(blocks.file)), std::logic_error);
    auto twice = queue.fsync(blocks.file);
    batch.add(std::move(twice));
    CHECK_THROWS_AS(batch.add(std::move(twice)), std::logic_error);
    CHECK(batch.size() == 1);
    batch.add(queue.sleep_for(0s));
    batch.start();
    CHECK_THROWS_AS(batch.add(queue.fsync(blocks.file)), std::logic_error);
    CHECK_THROWS_AS(batch.start(), std::logic_error);
    CHECK_THROWS_AS(batch.clear(), std::logic_error);
    batch.wait();
    batch.clear();
    CHECK(batch.size() == 0);
    CHECK_FALSE(batch.is_done());

    bool deadlock = false;
    queue.sleep_for(0s).start([&](auto&) {
        try {
            batch.wait();
        } catch (const std::system_error& error) {
            deadlock = error.code() == std::errc::resource_deadlock_would_occur;
        }
    });
    queue.run();
    CHECK(deadlock);
}

TEST_CASE("a second task that awaits a batch is told so, and the first goes on") {
    aioxx::Queue queue;
    aioxx::Batch batch{queue};
    batch.add(queue.sleep_for(1ms));
    int ended = 0;
    int told = 0;
    const auto wait = [](aioxx::Batch& all, int& good, int& bad) -> aioxx::Task<> {
        try {
            co_await all;
            ++good;
        } catch (const std::logic_error&) {
            ++bad;
        }
    };
    aioxx::spawn(queue, wait(batch, ended, told));
    aioxx::spawn(queue, wait(batch, ended, told));
    queue.run();
    CHECK(ended == 1);
    CHECK(told == 1);
}
