// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "skip.hpp"

#include <aioxx/file/aligned_buffer.hpp>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <new>
#include <ostream>
#include <span>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>

using aioxx::AlignedBuffer;

TEST_CASE("a buffer's address is a multiple of its alignment") {
    for (std::size_t alignment = 1; alignment <= (1U << 21); alignment *= 2) {
        CAPTURE(alignment);
        const AlignedBuffer first{100, alignment};
        const AlignedBuffer second{100, alignment};
        for (const AlignedBuffer* const buffer : {&first, &second}) {
            CHECK(reinterpret_cast<std::uintptr_t>(buffer->data()) % alignment == 0);
            CHECK(buffer->size() == 100);
            CHECK(buffer->alignment() == alignment);
        }
    }
}

TEST_CASE("all bytes of a buffer can be used") {
    AlignedBuffer buffer{5000, 512};
    for (std::byte& byte : buffer) {
        byte = std::byte{7};
    }
    CHECK(buffer.end() - buffer.begin() == 5000);
    CHECK(buffer.data()[4999] == std::byte{7});
}

TEST_CASE("an alignment that is no power of two is EINVAL") {
    for (const std::size_t alignment : {0U, 3U, 513U, 4095U}) {
        CAPTURE(alignment);
        try {
            const AlignedBuffer buffer{4096, alignment};
            FAIL("accepted");
        } catch (const std::system_error& error) {
            CHECK(error.code() == std::error_code(EINVAL, std::generic_category()));
        }
    }
}

// Under these, running out of memory ends the program.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAILS_TO_THROW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAILS_TO_THROW 1
#endif
#endif
#ifndef FAILS_TO_THROW
TEST_CASE("more memory than there is throws bad_alloc") {
    SKIP_UNDER_VALGRIND("bad_alloc");
    CHECK_THROWS_AS(AlignedBuffer(std::numeric_limits<std::size_t>::max() / 2, 4096),
                    std::bad_alloc);
}
#endif

TEST_CASE("an empty buffer has no bytes, and an alignment") {
    const AlignedBuffer none;
    CHECK(none.size() == 0);
    CHECK(none.data() == nullptr);
    const AlignedBuffer empty{0, 4096};
    CHECK(empty.begin() == empty.end());
    CHECK(empty.alignment() == 4096);
}

TEST_CASE("a buffer moves without copying, and leaves an empty one") {
    AlignedBuffer from{4096, 512};
    std::byte* const bytes = from.data();
    AlignedBuffer to{std::move(from)};
    CHECK(to.data() == bytes);
    CHECK(to.size() == 4096);
    CHECK(to.alignment() == 512);
    CHECK(from.data() == nullptr);
    CHECK(from.size() == 0);

    AlignedBuffer other{8192, 4096};
    other = std::move(to);
    CHECK(other.data() == bytes);
    CHECK(other.size() == 4096);
    CHECK(other.alignment() == 512);
    CHECK(to.data() == nullptr);
    CHECK(to.size() == 0);
}

TEST_CASE("a buffer assigned to itself stays as it is") {
    AlignedBuffer buffer{4096, 512};
    std::byte* const bytes = buffer.data();
    AlignedBuffer& same = buffer;
    buffer = std::move(same);
    CHECK(buffer.data() == bytes);
    CHECK(buffer.size() == 4096);
}

TEST_CASE("a buffer passes as a span, whole or its first bytes") {
    AlignedBuffer buffer{4096, 512};
    const std::span<std::byte> whole = buffer;
    CHECK(whole.data() == buffer.data());
    CHECK(whole.size() == 4096);
    CHECK(buffer.first(10).size() == 10);
    const std::span<const std::byte> read_only = std::as_const(buffer).first(20);
    CHECK(read_only.data() == buffer.data());
    CHECK(read_only.size() == 20);
}

TEST_CASE("a buffer larger than any memory is bad_alloc, also where its size has wrapped around") {
    const std::size_t length = 0;
    for (const std::size_t alignment : {1U, 512U, 4096U}) {
        CHECK_THROWS_AS(AlignedBuffer(length - 1, alignment), std::bad_alloc);
        CHECK_THROWS_AS(AlignedBuffer(length - 512, alignment), std::bad_alloc);
        CHECK_THROWS_AS(AlignedBuffer(length - 4096, alignment), std::bad_alloc);
    }
    const std::size_t highest = ~(~std::size_t{0} >> 1U);
    CHECK_THROWS_AS(AlignedBuffer(1, highest), std::bad_alloc);
    CHECK(AlignedBuffer(0, highest).size() == 0);
}
