// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "child.hpp"
#include "skip.hpp"

#include <aioxx/file/buffer_pool.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using aioxx::AlignedBuffer;
using aioxx::BufferPool;
using aioxx::test::ChildEnd;
using aioxx::test::run_in_child;

namespace {

std::vector<AlignedBuffer> take_all(BufferPool& pool) {
    std::vector<AlignedBuffer> taken;
    for (AlignedBuffer one = pool.try_take(); one.data() != nullptr; one = pool.try_take()) {
        taken.push_back(std::move(one));
    }
    return taken;
}

std::uintptr_t address(const AlignedBuffer& buffer) {
    return reinterpret_cast<std::uintptr_t>(buffer.data());
}

std::error_code refused(std::size_t count, std::size_t size, std::size_t alignment) {
    try {
        const BufferPool pool{count, size, alignment};
    } catch (const std::system_error& error) {
        return error.code();
    }
    return {};
}

/// Whether the kernel has something mapped at that address.
bool is_mapped(std::uintptr_t address) {
    std::ifstream maps{"/proc/self/maps"};
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    for (std::string rest; maps >> std::hex >> from >> dash >> to && std::getline(maps, rest);) {
        if (from <= address && address < to) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("a pool gives as many buffers as it has, and then none") {
    BufferPool pool{5, 5000, 512};
    CHECK(pool.count() == 5);
    CHECK(pool.buffer_size() == 5000);
    CHECK(pool.alignment() == 512);
    CHECK(pool.available() == 5);
    const std::vector<AlignedBuffer> all = take_all(pool);
    CHECK(all.size() == 5);
    CHECK(pool.available() == 0);
    CHECK(pool.try_take().data() == nullptr);
}

TEST_CASE("buffers of a pool are aligned, writable in full, and apart from each other") {
    for (std::size_t alignment = 1; alignment <= (1U << 23); alignment *= 8) {
        CAPTURE(alignment);
        BufferPool pool{3, 4097, alignment}; // the last ones have more than 2 MiB
        std::vector<AlignedBuffer> all = take_all(pool);
        REQUIRE(all.size() == 3);
        for (AlignedBuffer& one : all) {
            CHECK(address(one) % alignment == 0);
            CHECK(one.size() == 4097);
            CHECK(one.alignment() == alignment);
            std::memset(one.data(), static_cast<int>(&one - all.data()), one.size());
        }
        for (AlignedBuffer& one : all) {
            const auto value = static_cast<std::byte>(&one - all.data());
            CHECK(std::ranges::all_of(one, [value](std::byte byte) { return byte == value; }));
        }
    }
}

TEST_CASE("a buffer goes back when it is destroyed or assigned to, and not when it is moved") {
    BufferPool pool{2, 4096};
    {
        AlignedBuffer first = pool.try_take();
        AlignedBuffer moved = std::move(first);
        CHECK(pool.available() == 1);
        const AlignedBuffer second = pool.try_take();
        moved = AlignedBuffer{512, 512}; // one of its own
        CHECK(pool.available() == 1);
    }
    CHECK(pool.available() == 2);
    const AlignedBuffer again = pool.try_take();
    CHECK(again.size() == 4096);
}

TEST_CASE("the buffer that came back last is the next one out, as it is still in the cache") {
    BufferPool pool{8, 4096};
    std::vector<AlignedBuffer> all = take_all(pool);
    const std::uintptr_t last = address(all[5]);
    all[2] = AlignedBuffer{};
    all[5] = AlignedBuffer{};
    CHECK(address(pool.try_take()) == last);
}

TEST_CASE("buffers outlive their pool, and the memory goes with the last") {
    std::optional<BufferPool> pool{std::in_place, 2, std::size_t{3} << 20};
    std::optional<AlignedBuffer> first{pool->try_take()};
    std::optional<AlignedBuffer> second{pool->try_take()};
    const std::uintptr_t place = address(*first);
    pool.reset();
    std::memset(first->data(), 1, first->size());
    first.reset();
    CHECK(is_mapped(place));
    std::memset(second->data(), 1, second->size());
    second.reset();
    CHECK_FALSE(is_mapped(place));
}

TEST_CASE("no buffers, buffers of no bytes, and an alignment that is no power of two are EINVAL") {
    const std::error_code invalid{EINVAL, std::generic_category()};
    CHECK(refused(0, 4096, 4096) == invalid);
    CHECK(refused(1, 0, 4096) == invalid);
    for (const std::size_t alignment : {0U, 3U, 513U, 4095U}) {
        CHECK(refused(1, 4096, alignment) == invalid);
    }
}

TEST_CASE("a pool larger than any memory is bad_alloc, also where its size has wrapped around") {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    constexpr std::size_t half = most / 2 + 1;
    CHECK_THROWS_AS(BufferPool(2, half, 4096), std::bad_alloc);
    CHECK_THROWS_AS(BufferPool(half, 2, 4096), std::bad_alloc);
    CHECK_THROWS_AS(BufferPool(1, most, 4096), std::bad_alloc);
    CHECK_THROWS_AS(BufferPool(1, most - 4096, 4096), std::bad_alloc);
    CHECK_THROWS_AS(BufferPool(1, 1, half), std::bad_alloc);
    CHECK_THROWS_AS(BufferPool(most, 1, 1), std::bad_alloc);
    CHECK_THROWS_AS(BufferPool(1, most / 4 * 3, 4096), std::bad_alloc); // more than is free at once
}

TEST_CASE("a large pool begins at a multiple of 2 MiB, and says what its pages are") {
    BufferPool large{4, std::size_t{1} << 20};
    std::vector<AlignedBuffer> all = take_all(large);
    CHECK(std::ranges::any_of(all, [](const AlignedBuffer& one) {
        return address(one) % (std::uintptr_t{2} << 20) == 0;
    }));
    CHECK(large.pages() != BufferPool::Pages::ordinary);
    CHECK(BufferPool(4, 4096).pages() == BufferPool::Pages::ordinary);
}

TEST_CASE("threads take buffers and give back those of others, and no two have the same one") {
    constexpr int rounds = 2000;
    BufferPool pool{4, 4096};
    std::vector<AlignedBuffer> passed_on(3); // each thread leaves its last one to the next
    std::atomic<int> wrong{0};
    {
        std::vector<std::jthread> threads;
        for (std::size_t number = 0; number < passed_on.size(); ++number) {
            threads.emplace_back([&, number] {
                for (int round = 0; round < rounds; ++round) {
                    AlignedBuffer one = pool.try_take();
                    if (one.data() == nullptr) {
                        continue;
                    }
                    std::memset(one.data(), static_cast<int>(number), one.size());
                    const auto value = static_cast<std::byte>(number);
                    wrong +=
                        std::ranges::all_of(one, [value](std::byte byte) { return byte == value; })
                            ? 0
                            : 1;
                    passed_on[number] = std::move(one);
                }
            });
        }
    }
    CHECK(wrong == 0);
    std::jthread{[&] { passed_on.clear(); }}.join();
    CHECK(pool.available() == 4);
    CHECK(take_all(pool).size() == 4);
}

TEST_CASE("in a forked child a pool gives nothing, takes nothing back, and never hangs") {
    SKIP_UNDER_VALGRIND("a child leaves the pool's memory as it is");
    std::optional<BufferPool> pool{std::in_place, 2, 4096};
    std::optional<AlignedBuffer> out{pool->try_take()};
    const ChildEnd end = run_in_child([&] {
        const bool none = pool->try_take().data() == nullptr && pool->available() == 0;
        out.reset();
        pool.reset();
        return none ? 0 : 1;
    });
    CHECK(end.status == 0);
    CHECK(pool->available() == 1);
    out.reset();
    CHECK(pool->available() == 2);
}
