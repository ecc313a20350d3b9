// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "core/ring.hpp"
#include "run_one.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include <poll.h>
#include <sys/mman.h>

using namespace aioxx::test;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;
using aioxx::Ring;
using aioxx::kernel::EventLayout;

namespace {

/// A ring in the form that fs/aio.c gives it, in memory of our own.
class RingMemory {
public:
    struct Header {
        std::uint32_t id = 0;
        std::uint32_t size = 0;
        std::uint32_t head = 0;
        std::uint32_t tail = 0;
        std::uint32_t magic = 0xa10a10a1;
        std::uint32_t compatible = 1;
        std::uint32_t incompatible = 0;
        std::uint32_t header_length = 32;
    };

    explicit RingMemory(std::uint32_t size)
        : memory_(
              ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        REQUIRE(memory_ != MAP_FAILED);
        header() = Header{};
        header().size = size;
    }
    RingMemory(const RingMemory&) = delete;
    RingMemory& operator=(const RingMemory&) = delete;
    ~RingMemory() { ::munmap(memory_, 4096); }

    Header& header() { return *static_cast<Header*>(memory_); }
    [[nodiscard]] std::uintptr_t handle() const {
        return reinterpret_cast<std::uintptr_t>(memory_);
    }
    [[nodiscard]] Ring* find() const { return Ring::find(handle()); }

    /// Completes an operation, as the kernel would: with the next number as data and result.
    void complete() {
        EventLayout event;
        event.data = next_;
        event.result = static_cast<std::int64_t>(next_);
        event.result2 = -event.result;
        ++next_;
        char* const slots = static_cast<char*>(memory_) + sizeof(Header);
        std::memcpy(slots + header().tail * sizeof(event), &event, sizeof(event));
        header().tail = (header().tail + 1) % header().size;
    }

private:
    void* memory_;
    std::uint64_t next_ = 1;
};

TEST_CASE("a ring of the known form is found") {
    SKIP_UNDER_VALGRIND("events written by the kernel into memory count as undefined");
    const RingMemory memory{4};
    CHECK(memory.find() != nullptr);
}

TEST_CASE("a ring of another form is left alone") {
    RingMemory memory{4};
    SUBCASE("another magic") {
        memory.header().magic = 0xa10a10a2;
    }
    SUBCASE("a feature that breaks readers like this one") {
        memory.header().incompatible = 1;
    }
    SUBCASE("a longer header") {
        memory.header().header_length = 64;
    }
    SUBCASE("no slots") {
        memory.header().size = 0;
    }
    CHECK(memory.find() == nullptr);
}

TEST_CASE("a compatible feature does not matter") {
    SKIP_UNDER_VALGRIND("events written by the kernel into memory count as undefined");
    RingMemory memory{4};
    memory.header().compatible = 3;
    CHECK(memory.find() != nullptr);
}

TEST_CASE("a handle that is no address is not read") {
    CHECK(Ring::find(0) == nullptr);
    CHECK(Ring::find(1) == nullptr);
    CHECK(Ring::find(~std::uintptr_t{0} - 4095) == nullptr);
    auto memory = std::make_unique<RingMemory>(4);
    CHECK(Ring::find(memory->handle() + 8) == nullptr);
    const std::uintptr_t gone = memory->handle();
    memory.reset();
    CHECK(Ring::find(gone) == nullptr);
}

TEST_CASE("events are taken in order, as many as there is room for, around the end of the ring") {
    SKIP_UNDER_VALGRIND("events written by the kernel into memory count as undefined");
    // Every size, start, number of events and room: all the ways to go around.
    for (std::uint32_t size = 1; size <= 6; ++size) {
        for (std::uint32_t start = 0; start < size; ++start) {
            for (std::uint32_t count = 0; count < size; ++count) {
                for (std::size_t room = 0; room <= size; ++room) {
                    RingMemory memory{size};
                    memory.header().head = memory.header().tail = start;
                    for (std::uint32_t i = 0; i < count; ++i) {
                        memory.complete();
                    }
                    std::array<Event, 6> events{};
                    Ring* const ring = memory.find();
                    REQUIRE(ring != nullptr);
                    const std::size_t expected = room < count ? room : count;
                    const std::size_t taken = ring->take(std::span{events}.first(room));
                    REQUIRE(taken == expected);
                    for (std::size_t i = 0; i < taken; ++i) {
                        REQUIRE(events[i].data() == i + 1);
                        REQUIRE(events[i].result() == static_cast<std::int64_t>(i + 1));
                        REQUIRE(events[i].result2() == -events[i].result());
                    }
                    REQUIRE(memory.header().head == (start + expected) % size);
                    REQUIRE(memory.header().tail == (start + count) % size);
                    for (std::size_t i = taken; i < events.size(); ++i) {
                        REQUIRE(events[i].data() == 0);
                    }
                }
            }
        }
    }
}

TEST_CASE("of readers that share a ring, one that is late leaves nothing again") {
    SKIP_UNDER_VALGRIND("events written by the kernel into memory count as undefined");
    RingMemory memory{4};
    Ring* const ring = memory.find();
    REQUIRE(ring != nullptr);
    for (int i = 0; i < 3; ++i) {
        memory.complete();
    }
    const std::uint32_t seen = ring->head(); // by a reader that stops here
    CHECK(ring->leave(seen, 3));
    CHECK_FALSE(ring->leave(seen, 1));
    CHECK(ring->head() == 3);
    CHECK(ring->empty());
}

TEST_CASE("a head or tail outside the ring is not followed") {
    SKIP_UNDER_VALGRIND("events written by the kernel into memory count as undefined");
    RingMemory memory{4};
    Ring* const ring = memory.find();
    REQUIRE(ring != nullptr);
    std::array<Event, 4> events{};
    memory.header().head = 4;
    CHECK(ring->take(events) == 0);
    CHECK(memory.header().head == 4);
    memory.header().head = 0;
    memory.header().tail = 4;
    CHECK(ring->take(events) == 0);
    CHECK(memory.header().head == 0);
}

TEST_CASE("a context of this kernel is reaped from its ring") {
    SKIP_UNDER_VALGRIND("the library reaps by call there");
    Context context{1};
    CHECK(context.reaps_from_ring());
    EventBatch events{1};
    CHECK(context.reap(events) == 0);
    context.close();
    CHECK(!context.reaps_from_ring());
}

/// Keeps operations under way in one context, and sees that each comes once and in order.
class Traffic {
public:
    void submit(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            Iocb& iocb = iocbs_[submitted_ % iocbs_.size()];
            iocb.prepare_poll(pipe_.writer, POLLOUT);
            iocb.set_data(std::uint64_t{submitted_++});
            context.submit(iocb);
        }
    }
    void check(const EventBatch& events) {
        for (const Event& event : events) {
            REQUIRE(event.data() == reaped_++);
            REQUIRE(event.result() == POLLOUT);
        }
    }
    [[nodiscard]] bool all_reaped() const { return reaped_ == submitted_; }

private:
    Pipe pipe_;
    std::array<Iocb, 8> iocbs_;
    std::size_t submitted_ = 0;
    std::size_t reaped_ = 0;

public:
    Context context{8};
};

// The ring of a context of 8 has some 127 slots: a thousand operations go around several times.
TEST_CASE("reaping goes around the ring, and the kernel sees the slots come free") {
    Traffic traffic;
    EventBatch events{8};
    for (std::size_t i = 0; i < 1000; ++i) {
        traffic.submit(i % 8 + 1);
        REQUIRE(traffic.context.reap(events) == i % 8 + 1);
        traffic.check(events);
    }
    CHECK(traffic.all_reaped());
}

TEST_CASE("reaping and waiting mix") {
    Traffic traffic;
    EventBatch three{3};
    EventBatch two{2};
    for (std::size_t i = 0; i < 1000; ++i) {
        traffic.submit(8);
        REQUIRE(traffic.context.reap(three) == 3);
        traffic.check(three);
        REQUIRE(traffic.context.wait(two, 2) == 2);
        traffic.check(two);
        REQUIRE(traffic.context.reap(two) == 2);
        traffic.check(two);
        REQUIRE(traffic.context.wait(three, 1) == 1);
        traffic.check(three);
    }
    CHECK(traffic.all_reaped());
}

} // namespace
