// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace aioxx::test {

/// What has to be in a file, as far as that is known from the outside: two writes that are under
/// way at once leave either's bytes where they overlap.
class Shadow {
public:
    static constexpr std::size_t most = 32768; // bytes in a file

    Shadow() : bytes_(most) {}

    void begin_write(std::size_t at, std::size_t length);
    /// `written`: what is there now; of the rest up to `length` nothing, or it is unknown.
    void end_write(std::size_t at, std::span<const std::byte> written, std::size_t length,
                   bool rest_is_known);
    // One that was given up has no end: its bytes stay unknown.

    [[nodiscard]] std::uint32_t now() const noexcept { return now_; }
    /// The size that the file has at the least.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Whether a read that began at `begun` may have got this.
    [[nodiscard]] bool allows(std::size_t at, std::span<const std::byte> got,
                              std::uint32_t begun) const;

private:
    struct Byte {
        std::uint8_t value = 0;
        bool unknown = false;
        bool mixed = false;         // more than one write was under way
        std::uint8_t under_way = 0; // writes
        std::uint32_t changed = 0;
    };
    std::vector<Byte> bytes_;
    std::uint32_t now_ = 1;
    std::size_t size_ = 0;
};

} // namespace aioxx::test
