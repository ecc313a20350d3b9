// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// One request of the DirectPath, from its start until aio_return has taken its result. The block
/// points to it: a result that comes late never touches the program's memory.
class DirectRecord {
public:
    enum class Is : unsigned { gone, in_progress, complete };
    struct Answer {
        Is is = Is::gone; // it is another request's by now
        int result = 0;   // bytes, or a negative errno
    };

    /// `use`: which use of the record is meant. Each has a number of its own.
    [[nodiscard]] Answer look(std::uint32_t use) const noexcept {
        const std::uint64_t word = word_.load();
        if (use_of(word) != use || value_of(word) == unused) {
            return {};
        }
        if (value_of(word) == in_progress) {
            return {Is::in_progress, 0};
        }
        return {Is::complete, value_of(word)};
    }

private:
    friend class DirectRecords;

    static constexpr int in_progress = INT32_MIN;
    static constexpr int unused = INT32_MIN + 1;

    static constexpr std::uint64_t word_of(std::uint32_t use, int value) noexcept {
        return std::uint64_t{use} << 32U | static_cast<std::uint32_t>(value);
    }
    static constexpr std::uint32_t use_of(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>(word >> 32U);
    }
    static constexpr int value_of(std::uint64_t word) noexcept {
        return static_cast<int>(static_cast<std::uint32_t>(word));
    }

    std::atomic<std::uint64_t> word_{word_of(0, unused)}; // use and value change together
    std::atomic<std::uint32_t> next_{0};                  // of the free ones, and 1 more; 0: none
    std::atomic<int> fd_{-1};
};

/// The records. Any thread and any signal handler calls any of the functions, whatever it has
/// interrupted: there is no lock. Allocates nothing.
class DirectRecords {
public:
    static constexpr std::size_t size = 1024;
    /// A request, as the kernel carries it along.
    struct Ticket {
        std::uint32_t index;
        std::uint32_t use;

        [[nodiscard]] std::uint64_t packed() const noexcept {
            return std::uint64_t{use} << 32U | index;
        }
        static Ticket unpack(std::uint64_t data) noexcept {
            return {static_cast<std::uint32_t>(data), static_cast<std::uint32_t>(data >> 32U)};
        }
    };
    static constexpr std::uint32_t none = size;

    DirectRecords() noexcept;
    DirectRecords(const DirectRecords&) = delete;
    DirectRecords& operator=(const DirectRecords&) = delete;

    /// A record for a request on `fd` that is in progress from now on. `index` none: all are in
    /// use.
    Ticket begin(int fd) noexcept;
    [[nodiscard]] DirectRecord& record(const Ticket& ticket) noexcept { return all_[ticket.index]; }
    /// The result has come. Says so of each request once, however often it is told.
    void complete(const Ticket& ticket, std::int64_t result) noexcept;
    /// Takes the result, and makes the record free: true once for each use that is complete.
    bool take(DirectRecord& record, std::uint32_t use, int& result) noexcept;
    /// The request has not been submitted: makes the record free.
    void withdraw(const Ticket& ticket) noexcept;

    /// Whether a request on `fd` is in progress. Looks at each record that was ever in use.
    [[nodiscard]] bool any_in_progress(int fd) const noexcept;
    /// The most that were in use at a time.
    [[nodiscard]] std::size_t deepest() const noexcept { return deepest_.load(); }

private:
    void push(std::uint32_t index) noexcept;
    [[nodiscard]] std::uint32_t pop() noexcept;

    std::array<DirectRecord, size> all_;
    /// The first free one, and 1 more, and above it a number that no two changes share.
    std::atomic<std::uint64_t> free_{0};
    std::atomic<std::uint32_t> deepest_{0};
};

} // namespace posix
AIOXX_NAMESPACE_END
