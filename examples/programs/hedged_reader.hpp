// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>

/// Reads blocks of a file that there are two copies of. Each read goes to the copy that has won
/// last, and after a while to the other as well; the first answer wins. A copy that fails is made
/// up for. The while follows what is seen: about one read in twenty is asked twice.
///
/// Ownership: of the files. Queue and pool outlive it, and it the tasks that read. The answer that
/// loses keeps its buffer until its disk is done. A copy that hangs gets no more than half of them:
/// with less left nothing is asked twice.
class HedgedReader {
public:
    struct Statistics {
        std::uint64_t reads = 0;
        std::uint64_t asked_twice = 0;
        std::uint64_t won_by_second = 0;
        std::uint64_t failures = 0; // of one copy
    };

    HedgedReader(aioxx::Queue& queue, aioxx::BufferPool& pool, const std::string& copy,
                 const std::string& other)
        : queue_(queue), pool_(pool), copies_{open(copy), open(other)} {}

    /// The block at `offset`, as long as the pool's buffers, or what the file has of it. Throws
    /// what the second copy fails with where both do.
    aioxx::Task<aioxx::Transfer> read(std::int64_t offset) {
        const std::size_t preferred = preferred_;
        const aioxx::File& first = copies_[preferred];
        const aioxx::File& second = copies_[1 - preferred];
        bool asked_twice = false;
        aioxx::AlignedBuffer buffer = co_await queue_.buffer(pool_);
        auto [index, done] = co_await aioxx::when_any(
            queue_.read_full(first, std::move(buffer), offset).completion(),
            [&](std::stop_token stop) {
                return ask_later(second, offset, asked_twice, std::move(stop));
            });
        adapt(asked_twice);
        ++statistics_.reads;
        statistics_.won_by_second += index;
        preferred_ = index == 1 || done.error() ? 1 - preferred : preferred;
        if (done.error()) {
            ++statistics_.failures;
            buffer = co_await queue_.buffer(pool_);
            co_return co_await queue_.read_full(second, std::move(buffer), offset);
        }
        co_return aioxx::Transfer{done.bytes(), done.end_of_file(), done.take_buffer()};
    }

    [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }
    [[nodiscard]] std::int64_t size() const { return copies_[0].size(); }

private:
    static aioxx::File open(const std::string& path) {
        aioxx::File file = aioxx::File::open(path, O_RDONLY);
        file.try_direct();
        return file;
    }

    /// Ends with an answer, or when it is asked to stop.
    aioxx::Task<aioxx::Completion> ask_later(const aioxx::File& copy, std::int64_t offset,
                                             bool& asked, std::stop_token stop) {
        co_await queue_.sleep_for(patience_).stopped_by(stop);
        while (pool_.available() <= pool_.count() / 2) {
            co_await queue_.sleep_for(patience_).stopped_by(stop);
        }
        aioxx::AlignedBuffer buffer = co_await queue_.buffer(pool_).stopped_by(stop);
        asked = true;
        auto read = queue_.read_full(copy, std::move(buffer), offset).stopped_by(stop);
        aioxx::Completion done = co_await std::move(read).completion();
        if (done.error() && !stop.stop_requested()) { // no answer: the first may have a better one
            ++statistics_.failures;
            co_await queue_.sleep_for(std::chrono::hours{1}).stopped_by(stop);
        }
        co_return done;
    }

    /// Where it is exceeded once in twenty times it stays.
    void adapt(bool exceeded) {
        statistics_.asked_twice += exceeded ? 1U : 0U;
        patience_ = std::chrono::nanoseconds{patience_.count() / 1000 * (exceeded ? 1095 : 995)};
        patience_ = std::clamp<std::chrono::nanoseconds>(patience_, shortest, longest);
    }

    static constexpr std::chrono::microseconds shortest{200};
    static constexpr std::chrono::milliseconds longest{50};

    aioxx::Queue& queue_;
    aioxx::BufferPool& pool_;
    std::array<aioxx::File, 2> copies_;
    std::size_t preferred_ = 0; // copy
    std::chrono::nanoseconds patience_ = std::chrono::milliseconds{2};
    Statistics statistics_;
};
