// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/file_order.hpp"
#include "engine/file_traits.hpp"
#include "engine/route_policy.hpp"
#include "engine/slots.hpp"
#include "engine/stream_queue.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// What the scheduler keeps of one file: of what kind it is, what has been learnt about it, and
/// what waits on it. Pure. OpenFile is the half that touches the world.
class FileRecord : public Link<FileRecord, 0> { // the scheduler's list to_release
public:
    /// Bytes that the engine's thread copies in a pass. What is on a server leaves the last
    /// quarter.
    static constexpr std::size_t all_of_pass = std::size_t{1024} * 1024;

    explicit FileRecord(const FileTraits& file_traits) noexcept
        : traits(file_traits), usual_read(RoutePolicy::usual_read(file_traits)),
          most_for_pass(all_of_pass - (file_traits.on_server ? last_quarter(all_of_pass) : 0)) {}
    FileRecord(const FileRecord&) = delete;
    FileRecord& operator=(const FileRecord&) = delete;

    RoutePolicy& policy(const Operation& operation) noexcept {
        return policies_[operation.is_write() ? 1 : 0];
    }
    StreamQueue& stream(const Operation& operation) noexcept {
        return streams_[operation.is_write() ? 1 : 0];
    }
    /// By direction: 0 for reading, 1 for writing.
    StreamQueue& stream(std::size_t direction) noexcept { return streams_[direction]; }
    RoutePolicy& policy(std::size_t direction) noexcept { return policies_[direction]; }

    FileTraits traits;
    Way usual_read;              // RoutePolicy::usual_read()
    SlotHolder* slots = nullptr; // its file system's; set before the first operation
    std::size_t most_for_pass;   // its share of the bytes that are copied in a pass
    FileOrder order;
    /// Why a stream cannot be read, or written: an errno, or 0.
    std::array<int, 2> impossible{};
    bool usable = true;         // its number is valid for a submit or a call of the engine's thread
    bool nonblocking = false;   // it has an O_NONBLOCK descriptor, which is always usable
    bool closed = false;        // no operation will be started on it any more
    bool kept = false;          // release it when the last operation has ended
    std::size_t operations = 0; // started and not completed

protected:
    ~FileRecord() = default;

private:
    std::array<RoutePolicy, 2> policies_;
    std::array<StreamQueue, 2> streams_;
};

} // namespace engine
AIOXX_NAMESPACE_END
