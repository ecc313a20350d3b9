// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Deadlines, stop tokens and cancelling, on storage that does not answer. Where something is
// waited for after all, these tests do not end.
#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Cancellation;

namespace {

/// A file that does not answer until its gate is opened.
struct Silent {
    FuseServer server;
    aioxx::File file{aioxx::File::open(server.file("gate").c_str(), O_RDWR | O_DIRECT)};

    Silent() { server.close_gate(); }
    ~Silent() { server.open_gate(); }
};

/// Memory for transfers by spans and vectors, full of 'u'.
struct Memory {
    aioxx::AlignedBuffer buffer{4096, 4096};
    std::array<iovec, 2> parts{iovec{buffer.data(), 512}, iovec{buffer.data() + 512, 3584}};

    Memory() { std::fill(buffer.begin(), buffer.end(), std::byte{'u'}); }
    [[nodiscard]] bool untouched() const {
        return std::all_of(buffer.begin(), buffer.end(),
                           [](std::byte byte) { return byte == std::byte{'u'}; });
    }
};

constexpr std::size_t form_count = 8;
constexpr std::size_t certain = 6; // reach the server; the rest may wait behind a write

/// Each kind of operation that a disk can keep waiting, changed by `change` and begun by `start`.
template <typename Start>
void start_all(aioxx::Queue& queue, const aioxx::File& file, std::vector<Memory>& memory,
               Start start) {
    start(queue.read(file, memory[0].buffer, 0));
    start(queue.write(file, memory[1].buffer, 0));
    start(queue.readv(file, memory[2].parts, 0));
    start(queue.writev(file, memory[3].parts, 0));
    start(queue.read_full(file, memory[4].buffer, 0));
    start(queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0));
    start(queue.read_full(file, aioxx::AlignedBuffer{4096, 4096}, 0));
    start(queue.fsync(file));
}

template <typename Operation>
aioxx::Task<> await_stoppable(Operation operation, std::stop_token token, unsigned& cancelled) {
    const aioxx::Completion done =
        co_await std::move(operation).stopped_by(std::move(token)).completion();
    cancelled += done.cancelled() && done.is_abandoned() ? 1U : 0U;
}

/// What a File has at byte `at`, in FuseServer's files.
std::byte expected(std::size_t at) {
    return static_cast<std::byte>(at / 512);
}

} // namespace

TEST_CASE("a deadline ends the wait for whatever a disk keeps, borrowed memory as well") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    std::vector<Memory> memory(form_count);
    Outcomes outcomes{form_count};
    unsigned abandoned = 0;
    aioxx::Queue queue;
    std::size_t index = 0;
    start_all(queue, silent->file, memory, [&](auto&& operation) {
        std::move(operation).within(100ms).start([&, at = index](const aioxx::Completion& done) {
            outcomes.at(at)(done);
            abandoned += done.is_abandoned() ? 1U : 0U;
        });
        ++index;
    });
    silent->server.await_waiting(certain);
    queue.run();
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < form_count; ++i) {
        CHECK(outcomes[i] == -ETIMEDOUT);
    }
    CHECK(abandoned >= certain);
    CHECK(queue.outstanding() == 0);
    CHECK(queue.quarantined() == abandoned);
    silent->server.open_gate();
    CHECK(queue.close_for(1h).quarantined == 0);
    CHECK(std::all_of(memory.begin(), memory.end(), std::mem_fn(&Memory::untouched)));
    CHECK(queue.statistics().copied == 0);
}

TEST_CASE("a stop token ends the wait for whatever a disk keeps") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    std::vector<Memory> memory(form_count);
    std::stop_source source;
    unsigned cancelled = 0;
    aioxx::Queue queue;
    start_all(queue, silent->file, memory, [&](auto&& operation) {
        aioxx::spawn(queue, await_stoppable(std::move(operation), source.get_token(), cancelled));
    });
    silent->server.await_waiting(certain);
    std::thread other{[&source] { source.request_stop(); }};
    queue.run();
    other.join();
    CHECK(cancelled >= certain);
    CHECK(queue.quarantined() == cancelled);
    silent->server.open_gate();
    CHECK(queue.close_for(1h).quarantined == 0);
    CHECK(std::all_of(memory.begin(), memory.end(), std::mem_fn(&Memory::untouched)));
}

TEST_CASE("cancelling ends the wait but for borrowed memory that the kernel holds") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    Memory borrowed;
    Memory copied;
    Outcomes outcomes{4};
    aioxx::Queue queue;
    std::array<aioxx::OperationId, 4> ids{
        queue.read(silent->file, borrowed.buffer, 0).start(outcomes.at(0)),
        queue.read(silent->file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(1)),
        queue.fsync(silent->file).start(outcomes.at(2)),
        queue.read(silent->file, copied.buffer, 0).within(1h).start(outcomes.at(3)),
    };
    silent->server.await_waiting(4);
    CHECK(queue.cancel(ids[0]) == Cancellation::runs_on);
    for (std::size_t i = 1; i < 4; ++i) {
        CHECK(queue.cancel(ids[i]) == Cancellation::cancelled);
        CHECK(queue.cancel(ids[i]) == Cancellation::too_late);
        CHECK(outcomes.all() == 0); // never from in there
    }
    queue.run_ready();
    CHECK(outcomes.all() == 3);
    for (std::size_t i = 1; i < 4; ++i) {
        CHECK(outcomes[i] == -ECANCELED);
    }
    CHECK(queue.cancel_all() == 0);
    silent->server.open_gate();
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[0] == 4096);
    CHECK(queue.close_for(1h).quarantined == 0);
    CHECK(copied.untouched());
    CHECK_FALSE(borrowed.untouched());
}

TEST_CASE("of two reads of the same the first to answer ends both") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    const aioxx::File other =
        aioxx::File::open(silent->server.file("plain").c_str(), O_RDONLY | O_DIRECT);
    aioxx::Queue queue;
    const auto hedge = [&queue](const aioxx::File& file, std::span<std::byte> memory,
                                std::stop_source& both) -> aioxx::Task<std::size_t> {
        const aioxx::Completion done =
            co_await queue.read(file, memory, 0).stopped_by(both.get_token()).completion();
        both.request_stop();
        co_return done.bytes();
    };
    Memory slow;
    Memory fast;
    std::stop_source both;
    const auto [late, early] =
        aioxx::run(queue, aioxx::when_all(hedge(silent->file, slow.buffer, both),
                                          hedge(other, fast.buffer, both)));
    CHECK(late == 0);
    CHECK(early == 4096);
    CHECK(slow.untouched());
    CHECK(fast.buffer.data()[512] == expected(512));
}

TEST_CASE("a copy is read and written as the memory itself, at any address and in parts") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = aioxx::File::open(server->file("plain").c_str(), O_RDWR | O_DIRECT);
    aioxx::Queue queue;
    std::vector<std::byte> memory(4097 + 4096);
    const std::span<std::byte> odd = std::span{memory}.subspan(1, 4096);
    CHECK(aioxx::run(queue, [](auto operation) -> aioxx::Task<std::size_t> {
              co_return co_await std::move(operation);
          }(queue.read(file, odd, 0).within(1h))) == 4096);
    CHECK(odd[0] == expected(0));
    CHECK(odd[4095] == expected(4095));
    const std::array<iovec, 3> parts{iovec{odd.data() + 100, 1}, iovec{nullptr, 0},
                                     iovec{odd.data(), 4095}};
    std::int64_t moved = 0;
    queue.writev(file, parts, 4096).within(1h).start([&moved](const aioxx::Completion& done) {
        moved = done.result();
    });
    queue.run();
    CHECK(moved == 4096);
    const std::byte first = odd[100];
    std::fill(memory.begin(), memory.end(), std::byte{'-'});
    queue.readv(file, parts, 4096).within(1h).start([&moved](const aioxx::Completion& done) {
        moved += done.result();
    });
    queue.run();
    CHECK(moved == 2 * 4096);
    CHECK(odd[100] == expected(101)); // the last part comes after the first
    CHECK(first == expected(100));
    CHECK(odd[512] == expected(512));
    CHECK(memory[4096] == std::byte{'-'});
    CHECK(queue.statistics().copied == 0);
}

TEST_CASE("where copies take all that they may a start is refused, and capacity waited for") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    aioxx::Queue::Options options;
    options.copy_limit = 8192;
    aioxx::Queue queue{options};
    std::vector<Memory> memory(3);
    aioxx::AlignedBuffer large{8193, 4096};
    Outcomes outcomes{4};
    std::error_code error;
    queue.read(silent->file, large, 0).within(1h).start([](auto&) {}, error);
    CHECK(error == std::errc::invalid_argument);
    queue.read(silent->file, memory[0].buffer, 0).within(1h).start(outcomes.at(0));
    const aioxx::OperationId second =
        queue.read(silent->file, memory[1].buffer, 0).within(1h).start(outcomes.at(1));
    CHECK(queue.statistics().copied == 8192);
    queue.read(silent->file, memory[2].buffer, 0).within(1h).start([](auto&) {}, error);
    CHECK(error == std::errc::resource_unavailable_try_again);
    queue.wait_for_capacity().start(outcomes.at(2));
    silent->server.await_waiting(2);
    CHECK(queue.cancel(second) == Cancellation::cancelled);
    queue.run_ready();
    CHECK(outcomes.all() == 1); // its copy is in quarantine
    silent->server.release_newest();
    while (outcomes.all() < 2) {
        queue.run_once();
    }
    CHECK(outcomes[2] == 0);
    queue.read(silent->file, memory[2].buffer, 0).within(1h).start(outcomes.at(3), error);
    CHECK_FALSE(error);
    silent->server.open_gate();
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[3] == 4096);
}

TEST_CASE("quarantine is waited for: all that is in it, and no more") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    aioxx::Queue queue;
    Outcomes outcomes{7};
    queue.wait_for_quarantine().start(outcomes.at(0));
    queue.run();
    CHECK(outcomes[0] == 0); // there is none
    const auto abandon = [&](std::size_t index) {
        const aioxx::OperationId id =
            queue.read(silent->file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(index));
        silent->server.await_waiting(static_cast<unsigned>(index));
        CHECK(queue.cancel(id) == Cancellation::cancelled);
    };
    abandon(1);
    abandon(2);
    queue.wait_for_quarantine().start(outcomes.at(4));
    queue.wait_for_quarantine().within(1ms).start(outcomes.at(5));
    const aioxx::OperationId dropped = queue.wait_for_quarantine().start(outcomes.at(6));
    CHECK(queue.cancel(dropped) == Cancellation::cancelled);
    abandon(3);
    while (outcomes.all() < 6) {
        queue.run_once();
    }
    CHECK(outcomes[5] == -ETIMEDOUT);
    CHECK(outcomes[6] == -ECANCELED);
    silent->server.release_oldest();
    silent->server.release_oldest();
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[4] == 0);
    CHECK(queue.quarantined() == 1);
    silent->server.open_gate();
    CHECK(queue.close_for(1h).quarantined == 0);
}

TEST_CASE("one in quarantine is waited for by its name, and gives its result and its buffer") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    aioxx::Queue queue;
    const auto awaits = [&]() -> aioxx::Task<> {
        const aioxx::Completion late =
            co_await queue.read(silent->file, aioxx::AlignedBuffer{4096, 4096}, 512)
                .within(100ms)
                .completion();
        CHECK(late.timed_out());
        REQUIRE(late.is_abandoned());
        CHECK(late.buffer().data() == nullptr);
        silent->server.open_gate();
        const aioxx::Transfer ended = co_await queue.wait_for_quarantine(late.abandoned());
        CHECK(ended.bytes == 4096);
        REQUIRE(ended.buffer.data() != nullptr);
        CHECK(ended.buffer.data()[0] == expected(512));
        const aioxx::Completion gone =
            co_await queue.wait_for_quarantine(late.abandoned()).completion();
        CHECK(gone.error() == std::errc::no_such_file_or_directory);
    };
    aioxx::spawn(queue, awaits());
    silent->server.await_waiting(1);
    queue.run();
    CHECK(queue.quarantined() == 0);
}

TEST_CASE("a flush behind writes waits for one that was given up") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    aioxx::Queue queue;
    Outcomes outcomes{2};
    const aioxx::OperationId write =
        queue.write(silent->file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(0));
    silent->server.await_waiting(1);
    queue.cancel(write);
    queue.fsync(silent->file).after_writes().start(outcomes.at(1));
    queue.run_once();
    CHECK(outcomes[0] == -ECANCELED);
    silent->server.release_oldest(); // the write; the flush is not there yet
    silent->server.close_gate();
    while (queue.quarantined() > 0) {
        queue.run_ready();
    }
    CHECK(outcomes.all() == 1);
    silent->server.open_gate();
    queue.run();
    CHECK(outcomes[1] == 0);
}

TEST_CASE("the rest of what was given up is not begun") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    const aioxx::File file =
        aioxx::File::open(silent->server.file("gate.short-1024").c_str(), O_RDONLY | O_DIRECT);
    aioxx::Queue queue;
    Outcomes outcomes{1};
    const aioxx::OperationId id =
        queue.read_full(file, aioxx::AlignedBuffer{4096, 4096}, 0).start(outcomes.at(0));
    silent->server.await_waiting(1);
    CHECK(queue.cancel(id) == Cancellation::cancelled);
    silent->server.open_gate();
    CHECK(queue.close_for(1h).quarantined == 0);
    CHECK(outcomes[0] == -ECANCELED);
    CHECK(queue.statistics().continued == 0);
}

TEST_CASE("the callback of what was given up may run the queue until it has ended") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    aioxx::Queue queue;
    const auto held = std::make_shared<int>(1);
    unsigned calls = 0;
    const aioxx::OperationId id = queue.read(silent->file, aioxx::AlignedBuffer{4096, 4096}, 0)
                                      .start([&, held](const aioxx::Completion&) {
                                          silent->server.open_gate();
                                          while (queue.quarantined() > 0) {
                                              queue.run_ready();
                                          }
                                          calls += *held == 1 ? 1U : 0U;
                                      });
    silent->server.await_waiting(1);
    queue.cancel(id);
    queue.run();
    CHECK(calls == 1);
    CHECK(held.use_count() == 1);
}

TEST_CASE("a destructor gives up what owns its memory, and says so") {
    auto silent = attempt<Silent>();
    if (!silent) {
        SKIP_CASE(silent.reason());
    }
    std::optional<aioxx::Completion> told;
    {
        aioxx::Queue queue;
        queue.read(silent->file, aioxx::AlignedBuffer{4096, 4096}, 0)
            .start([&told](aioxx::Completion& done) { told.emplace(std::move(done)); });
        silent->server.await_waiting(1);
    }
    REQUIRE(told.has_value());
    CHECK(told->cancelled());
    CHECK(told->is_abandoned());
}
