// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>

/// A write-ahead log in a file of fixed size, with group commit: records that arrive while a group
/// is being written go together in the next, by one write that is on the disk when it is done.
///
/// Ownership: of the file. The queue outlives it, and it the tasks that append. Errors: once a
/// write has failed no later one proves anything, so that every append() fails from then on.
class WriteAheadLog {
public:
    using Visitor = std::function<void(std::uint64_t number, std::string_view record)>;

    static constexpr std::size_t longest_group = std::size_t{1} << 20;
    static constexpr std::size_t longest_record = std::size_t{64} << 10;

    /// Opens or makes the log, and visits what is in it. Waits for the disk: not in a callback.
    WriteAheadLog(aioxx::Queue& queue, const std::filesystem::path& path, std::size_t capacity,
                  const Visitor& visit)
        : queue_(queue), file_(aioxx::File::open(path, O_RDWR | O_CREAT, 0600)),
          capacity_(std::max(capacity, static_cast<std::size_t>(file_.size()))) {
        aioxx::run(queue, recover(path, visit));
    }

    /// Returns the record's number when it is on the disk. `record` stays as it is until the task
    /// has begun. ENOSPC: the log is full, and the next one begins in another file.
    aioxx::Task<std::uint64_t> append(std::string_view record) {
        if (record.size() > longest_record) {
            throw std::system_error(EMSGSIZE, std::generic_category(), "a record of the log");
        }
        while (used_ + size_of(record) > longest_group) {
            co_await written_.wait(); // this group is full, and the one before is under way
            check();
        }
        check();
        if (end_ + used_ + size_of(record) > capacity_) {
            throw std::system_error(ENOSPC, std::generic_category(), "the log");
        }
        put(record);
        const std::uint64_t mine = last_;
        while (durable_ < mine) {
            if (writes_) {
                co_await written_.wait();
            } else {
                co_await write_group();
            }
            check();
        }
        co_return mine;
    }

    [[nodiscard]] std::uint64_t groups() const noexcept { return groups_; }

private:
    /// Before each record, which is followed by zeros up to a multiple of eight bytes.
    struct Header {
        std::uint64_t checksum; // of what follows, the record included
        std::uint64_t number;   // from 1 on; 0 is behind the end
        std::uint64_t length;
    };

    static std::size_t size_of(std::string_view record) {
        return sizeof(Header) + (record.size() + 7) / 8 * 8;
    }

    /// Of whole words.
    static std::uint64_t checksum_of(std::span<const std::byte> bytes) {
        std::uint64_t sum = 0xcbf29ce484222325;
        for (std::size_t at = 0; at < bytes.size(); at += sizeof(sum)) {
            std::uint64_t word = 0;
            std::memcpy(&word, &bytes[at], sizeof(word));
            sum = (sum ^ word) * 0x9e3779b97f4a7c15;
            sum ^= sum >> 32;
        }
        return sum;
    }

    void put(std::string_view record) {
        const auto room = std::span<std::byte>{filling_}.subspan(used_, size_of(record));
        Header header{0, ++last_, record.size()};
        std::fill(room.end() - 8, room.end(), std::byte{});
        std::memcpy(&room[sizeof(header)], record.data(), record.size());
        std::memcpy(room.data(), &header, sizeof(header));
        header.checksum = checksum_of(room.subspan(sizeof(header.checksum)));
        std::memcpy(room.data(), &header, sizeof(header));
        used_ += room.size();
    }

    aioxx::Task<> write_group() {
        writes_ = true;
        co_await queue_.yield(); // those that are told together append together
        const std::uint64_t covered = last_;
        const std::size_t bytes = std::exchange(used_, 0);
        const auto at = static_cast<std::int64_t>(std::exchange(end_, end_ + bytes));
        aioxx::Part group{std::exchange(filling_, std::move(spare_)), bytes};
        // One call of a worker: with `dsync` it returns when the bytes are on the disk.
        auto write = queue_.write_all(file_, std::move(group), at).with(aioxx::RwFlags::dsync);
        aioxx::Completion done = co_await std::move(write).completion();
        spare_ = done.take_buffer();
        failure_ = done.error();
        durable_ = failure_ ? durable_ : covered;
        ++groups_;
        writes_ = false;
        written_.notify_all();
    }

    void check() const {
        if (failure_) {
            throw std::system_error(failure_, "the log is broken");
        }
    }

    aioxx::Task<> recover(const std::filesystem::path& path, const Visitor& visit) {
        std::vector<std::byte> log(capacity_); // what the file does not have yet is zeros
        std::size_t from = co_await queue_.read_full(file_, log, 0);
        while (const std::size_t found = visit_one(std::span{log}.subspan(end_), visit)) {
            end_ += found;
        }
        durable_ = last_;
        // A group that was torn may have left records behind a gap. They were never promised, and
        // must not follow what is appended now.
        const auto torn = std::span{log}.subspan(end_, std::min(longest_group, log.size() - end_));
        if (std::ranges::any_of(torn, [](std::byte each) { return each != std::byte{}; })) {
            std::ranges::fill(torn, std::byte{});
            from = end_;
        }
        // All of the file is written once, so that no commit changes its size or its blocks.
        const std::span<std::byte> rest = std::span{log}.subspan(from);
        co_await queue_.write_all(file_, rest, static_cast<std::int64_t>(from));
        // What was found may have been in the page cache alone, and commits flush only themselves.
        co_await queue_.fdatasync(file_);
        const auto names = co_await queue_.open(path.parent_path() / ".", O_RDONLY | O_DIRECTORY);
        co_await queue_.fsync(names); // the file's own is among them
    }

    /// How much the record at the start of `log` takes; 0 where there is none.
    std::size_t visit_one(std::span<const std::byte> log, const Visitor& visit) {
        Header header{};
        if (log.size() < sizeof(header)) {
            return 0;
        }
        std::memcpy(&header, log.data(), sizeof(header));
        const auto* const text = reinterpret_cast<const char*>(log.data() + sizeof(header));
        const std::string_view record{
            text, static_cast<std::size_t>(std::min<std::uint64_t>(header.length, log.size()))};
        const std::size_t size = size_of(record);
        if (header.number != last_ + 1 || size > log.size() ||
            header.checksum != checksum_of(log.subspan(8, size - 8))) {
            return 0;
        }
        last_ = header.number;
        visit(header.number, record);
        return size;
    }

    aioxx::Queue& queue_;
    aioxx::File file_;
    std::size_t capacity_;                              // of the file
    aioxx::AlignedBuffer filling_{longest_group, 4096}; // the next group
    aioxx::AlignedBuffer spare_{longest_group, 4096};   // not while one is being written
    std::size_t used_ = 0;                              // of the next group
    std::size_t end_ = 0;                               // in the file, where that will begin
    std::uint64_t last_ = 0;                            // record that was put
    std::uint64_t durable_ = 0;                         // and that is on the disk
    std::uint64_t groups_ = 0;
    bool writes_ = false;
    std::error_code failure_;
    aioxx::Condition written_{queue_};
};
