// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <fcntl.h>

/// Objects, which are the files of a directory, read by pieces within bounded memory: as many
/// buffers as the pool has, those that a disk still holds of reads that were given up among them.
///
/// Ownership: of the pool and of the open files. The queue outlives it, and it the tasks that read.
class ObjectStore {
public:
    using Clock = std::chrono::steady_clock;

    /// Bytes of an object in a buffer, and before them `room_before` that are free.
    struct Piece {
        aioxx::AlignedBuffer buffer;
        std::size_t from = 0;
        std::size_t count = 0;
    };

    static constexpr std::size_t longest_piece = std::size_t{128} << 10;
    static constexpr std::size_t room_before = 4096;
    ObjectStore(aioxx::Queue& queue, std::filesystem::path directory, std::size_t buffers)
        : queue_(queue), directory_(std::move(directory)),
          pool_(buffers, room_before + longest_piece + block) {}

    /// The object's bytes from `offset` on, at most `length` and longest_piece, fewer at its end.
    /// Throws timed_out, operation_canceled, and what open and read fail with.
    aioxx::Task<Piece> read(std::string name, std::uint64_t offset, std::size_t length,
                            Clock::time_point deadline, std::stop_token stop) {
        auto buffer = co_await queue_.buffer(pool_).until(deadline).stopped_by(stop);
        // Direct I/O takes whole blocks.
        const auto skipped = static_cast<std::size_t>(offset % block);
        length = std::min(length, longest_piece);
        const std::size_t asked = (skipped + length + block - 1) / block * block;
        if (!files_.contains(name)) {
            co_await open(name, deadline, stop);
        }
        aioxx::Part part{std::move(buffer), room_before, asked};
        const auto at = static_cast<std::int64_t>(offset - skipped);
        auto read = queue_.read_full(files_.at(name), std::move(part), at);
        aioxx::Transfer got = co_await std::move(read).until(deadline).stopped_by(stop);
        const std::size_t count = std::min(length, got.bytes - std::min(got.bytes, skipped));
        co_return Piece{std::move(got.buffer), room_before + skipped, count};
    }

private:
    static constexpr std::size_t block = 4096;
    static constexpr std::size_t most_files = 256; // open

    /// Stays until another is opened; what was started on one goes on when it is closed.
    aioxx::Task<> open(std::string name, Clock::time_point deadline, std::stop_token stop) {
        if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
            throw std::system_error(EINVAL, std::generic_category(), "a name of an object");
        }
        constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK; // fifos do not hold it up
        auto opened = queue_.open(directory_ / name, flags).until(deadline).stopped_by(stop);
        aioxx::File file = co_await std::move(opened);
        if (file.kind() != aioxx::FileKind::regular) {
            throw std::system_error(ENOENT, std::generic_category(), name);
        }
        file.try_direct();
        if (files_.size() >= most_files) {
            files_.erase(files_.begin()); // whichever that is
        }
        files_.insert_or_assign(std::move(name), std::move(file));
    }

    aioxx::Queue& queue_;
    std::filesystem::path directory_;
    aioxx::BufferPool pool_;
    std::unordered_map<std::string, aioxx::File> files_;
};
