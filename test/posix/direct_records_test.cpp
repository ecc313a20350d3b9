// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/direct_records.hpp"

#include "posix/shared_ring.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::DirectRecord;
using posix::DirectRecords;
using posix::SharedRing;
using Is = DirectRecord::Is;
using Ticket = DirectRecords::Ticket;

TEST_CASE("a record is in progress, then complete, and after its result was taken another's") {
    DirectRecords records;
    const Ticket ticket = records.begin(7);
    DirectRecord& record = records.record(ticket);
    CHECK(record.look(ticket.use).is == Is::in_progress);
    CHECK(records.any_in_progress(7));
    CHECK_FALSE(records.any_in_progress(8));
    int result = 0;
    CHECK_FALSE(records.take(record, ticket.use, result));
    records.complete(ticket, 4096);
    CHECK(record.look(ticket.use).is == Is::complete);
    CHECK(record.look(ticket.use).result == 4096);
    CHECK_FALSE(records.any_in_progress(7));
    records.complete(ticket, -5); // told again, by a reader that is late
    REQUIRE(records.take(record, ticket.use, result));
    CHECK(result == 4096);
    CHECK(record.look(ticket.use).is == Is::gone);
    CHECK_FALSE(records.take(record, ticket.use, result));
}

TEST_CASE("a completion that is told late does not end the next use of its record") {
    DirectRecords records;
    const Ticket first = records.begin(3);
    records.complete(first, -5);
    int result = 0;
    REQUIRE(records.take(records.record(first), first.use, result));
    CHECK(result == -5);
    const Ticket second = records.begin(3);
    REQUIRE(second.index == first.index);
    CHECK(second.use != first.use);
    records.complete(first, 1);
    CHECK(records.record(second).look(second.use).is == Is::in_progress);
    CHECK(records.record(first).look(first.use).is == Is::gone);
}

TEST_CASE("there are as many records as were said, each once, and they come back") {
    DirectRecords records;
    for (int round = 0; round < 3; ++round) {
        std::vector<Ticket> all;
        std::vector<bool> seen(DirectRecords::size);
        for (std::size_t i = 0; i < DirectRecords::size; ++i) {
            all.push_back(records.begin(static_cast<int>(i)));
            REQUIRE(all.back().index < DirectRecords::size);
            CHECK_FALSE(seen[all.back().index]);
            seen[all.back().index] = true;
        }
        CHECK(records.begin(1).index == DirectRecords::none);
        CHECK(records.deepest() == DirectRecords::size);
        for (const Ticket& ticket : all) {
            records.withdraw(ticket);
        }
    }
}

TEST_CASE("the deepest is the most at a time, and not how many there have been") {
    DirectRecords records;
    for (int i = 0; i < 100; ++i) {
        const Ticket one = records.begin(1);
        const Ticket other = records.begin(1);
        records.withdraw(one);
        records.withdraw(other);
    }
    CHECK(records.deepest() == 2);
}

TEST_CASE("a result of another layer's record is taken, and the record is not this one's") {
    DirectRecords before;
    DirectRecords now;
    const Ticket ticket = before.begin(1);
    before.complete(ticket, 1);
    int result = 0;
    CHECK(now.take(before.record(ticket), ticket.use, result));
    for (std::size_t i = 0; i < DirectRecords::size; ++i) {
        CHECK(now.begin(1).index != DirectRecords::none);
    }
    CHECK(now.begin(1).index == DirectRecords::none);
}

// --- The ring -----------------------------------------------------------------------------------

/// What the kernel maps, and what it does there.
class KernelRing {
public:
    static constexpr std::uint32_t size = 8;

    KernelRing() { header()[1] = size; }
    Ring* ring() noexcept { return reinterpret_cast<Ring*>(memory_.data()); }
    /// False where there is no room.
    bool put(std::uint64_t data, std::int64_t result) noexcept {
        const std::uint32_t tail = header()[3];
        const std::uint32_t next = (tail + 1) % size;
        if (next == std::atomic_ref{header()[2]}.load(std::memory_order_acquire)) {
            return false;
        }
        auto& event = reinterpret_cast<kernel::EventLayout*>(memory_.data() + sizeof(Ring))[tail];
        std::atomic_ref{event.data}.store(data, std::memory_order_relaxed);
        std::atomic_ref{event.result}.store(result, std::memory_order_relaxed);
        std::atomic_ref{header()[3]}.store(next, std::memory_order_release);
        return true;
    }

private:
    /// id, size, head, tail.
    std::uint32_t* header() noexcept { return reinterpret_cast<std::uint32_t*>(memory_.data()); }

    alignas(4096) std::array<char, sizeof(Ring) + size * sizeof(kernel::EventLayout)> memory_{};
};

TEST_CASE("events are delivered in their order, round and round, and leave their places") {
    KernelRing kernel;
    SharedRing ring;
    CHECK(ring.empty());
    ring.open(kernel.ring());
    std::uint64_t next = 0;
    std::uint64_t sent = 0;
    for (int round = 0; round < 50; ++round) {
        while (kernel.put(sent, static_cast<std::int64_t>(sent))) {
            ++sent;
        }
        CHECK_FALSE(ring.empty());
        ring.take([&](std::uint64_t data, std::int64_t result) {
            CHECK(data == next);
            CHECK(result == static_cast<std::int64_t>(next));
            ++next;
        });
        CHECK(ring.empty());
        CHECK(next == sent);
    }
}

TEST_CASE("a reader in the middle of another one's delivery takes what is there") {
    KernelRing kernel;
    SharedRing ring;
    ring.open(kernel.ring());
    kernel.put(1, 1);
    kernel.put(2, 2);
    std::vector<std::uint64_t> seen;
    ring.take([&](std::uint64_t data, std::int64_t) {
        ring.take([&](std::uint64_t inner, std::int64_t) { seen.push_back(inner); });
        seen.push_back(data); // late
    });
    CHECK(seen == std::vector<std::uint64_t>{1, 2, 1});
    CHECK(ring.empty());
    kernel.put(3, 3);
    seen.clear();
    ring.take([&](std::uint64_t data, std::int64_t) { seen.push_back(data); });
    CHECK(seen == std::vector<std::uint64_t>{3});
}

TEST_CASE("whatever readers do at a time, each request completes once with its own result") {
    constexpr std::uint32_t requests = 200'000;
    KernelRing kernel;
    SharedRing ring;
    ring.open(kernel.ring());
    DirectRecords records;
    std::atomic<std::uint32_t> ended{0};
    std::atomic<std::uint32_t> wrong{0};
    std::mutex submits;
    std::array<std::thread, 3> threads;
    for (std::size_t number = 0; number < threads.size(); ++number) {
        threads[number] = std::thread{[&, number] {
            const int fd = static_cast<int>(number);
            while (ended < requests) {
                const Ticket ticket = records.begin(fd);
                const int result = static_cast<int>(ticket.use % 1000U + ticket.index);
                bool submitted = false;
                {
                    const std::lock_guard lock{submits};
                    submitted = kernel.put(ticket.packed(), result);
                }
                if (!submitted) {
                    records.withdraw(ticket);
                }
                DirectRecord& record = records.record(ticket);
                while (submitted && record.look(ticket.use).is != Is::complete) {
                    ring.take([&](std::uint64_t data, std::int64_t value) {
                        records.complete(Ticket::unpack(data), value);
                    });
                }
                int taken = -1;
                if (submitted) {
                    wrong += !records.take(record, ticket.use, taken) || taken != result ? 1U : 0U;
                    ++ended;
                } else {
                    ring.take([&](std::uint64_t data, std::int64_t value) {
                        records.complete(Ticket::unpack(data), value);
                    });
                }
            }
        }};
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
    CHECK(ring.empty());
    CHECK(records.deepest() <= threads.size());
}

} // namespace
} // namespace aioxx::test
