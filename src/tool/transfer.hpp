// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/data_blocks.hpp"
#include "tool/open_file.hpp"

#include <aioxx/queue/queue.hpp>
#include <aioxx/task/task.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace tool {

enum class Direction : std::uint8_t { read, write };

/// Reads or writes a block in full, on `queue`, or by plain calls where that is null: then it has
/// ended when it returns. The buffer has room for the block rounded up to the file's alignment.
aioxx::Task<> transfer(aioxx::Queue* queue, Direction direction, OpenFile& file, std::byte* buffer,
                       Block block);

/// Runs a task that waits for nothing.
void run_at_once(aioxx::Task<> task);

/// One queue for all of the command's work, made when it is first wanted: to make one and to end it
/// takes longer than to copy a small file.
class LazyQueue {
public:
    /// The depth counts where it is made.
    aioxx::Queue& get(unsigned depth);
    /// It, and all that it has, is gone on return.
    void end() noexcept { queue_.reset(); }

private:
    std::error_code error_{};
    std::optional<aioxx::Queue> queue_;
};

} // namespace tool
