// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/block_copy.hpp"

#include "tool/failure.hpp"
#include "tool/transfer.hpp"
#include "tool/write_order.hpp"

#include <aioxx/file/buffer_pool.hpp>
#include <aioxx/task/run.hpp>
#include <aioxx/task/when_all.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>

#include <fcntl.h>
#include <unistd.h>

namespace tool {

/// What the workers share.
struct BlockCopy::Pass {
    aioxx::Queue* queue; // null: plain calls
    DataBlocks blocks;
    aioxx::BufferPool buffers;
    Progress& progress;
    WriteOrder order{};
    std::exception_ptr failure{};
    std::int64_t skipped = 0;

    /// False at the end, or when one of the workers has failed.
    bool next(Block& block) {
        const bool found = !failure && blocks.next(block);
        progress.add(blocks.skipped() - skipped);
        skipped = blocks.skipped();
        return found;
    }
};

BlockCopy::BlockCopy(OpenFile& source, OpenFile& target, std::int64_t size, std::size_t block_size,
                     Ahead ahead)
    : source_(source), target_(target), size_(size), block_size_(block_size), ahead_(ahead) {}

std::int64_t BlockCopy::blocks() const noexcept {
    return size_ == 0 ? 0 : (size_ - 1) / static_cast<std::int64_t>(block_size_) + 1;
}

unsigned BlockCopy::at_a_time(unsigned depth) const noexcept {
    return static_cast<unsigned>(std::min<std::int64_t>(depth, blocks()));
}

void BlockCopy::set_size_ahead() const {
    const std::int64_t size = round_up(size_, target_.alignment());
    if (ahead_ != Ahead::nothing && ::ftruncate(target_.fd(), size) != 0) {
        throw Failure(target_.name(), "cannot set the size", errno);
    }
}

/// After the data: it may end in a hole, or be padded.
void BlockCopy::set_size() const {
    if (target_.size() != size_ && ::ftruncate(target_.fd(), size_) != 0) {
        throw Failure(target_.name(), "cannot set the size", errno);
    }
}

/// The range of data that starts with `block`, if one does.
void BlockCopy::reserve(const Block& block) const {
    int result = 0;
    do {
        result = block.new_range == 0 || ahead_ != Ahead::size_and_blocks
                     ? 0
                     : ::fallocate(target_.fd(), 0, block.offset, block.new_range);
    } while (result != 0 && errno == EINTR);
    // Any other error: the file system does without, and the writes will tell.
    if (result != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
        throw Failure(target_.name(), "cannot write", errno);
    }
}

BlockCopy::Pass BlockCopy::copying(aioxx::Queue* queue, unsigned buffers,
                                   Progress& progress) const {
    const std::size_t alignment = std::max(source_.alignment(), target_.alignment());
    return {queue, DataBlocks{{&source_}, size_, block_size_, alignment},
            aioxx::BufferPool{buffers, buffer_size(), buffer_alignment()}, progress};
}

BlockCopy::Pass BlockCopy::comparing(aioxx::Queue* queue, unsigned buffers,
                                     Progress& progress) const {
    // What is read through the page cache is to come from storage, as far as the kernel listens.
    ::posix_fadvise(target_.fd(), 0, 0, POSIX_FADV_DONTNEED);
    const std::size_t alignment = std::max(source_.alignment(), target_.alignment());
    return {queue, DataBlocks{{&source_, &target_}, size_, block_size_, alignment},
            aioxx::BufferPool{buffers, buffer_size(), buffer_alignment()}, progress};
}

std::size_t BlockCopy::buffer_alignment() const noexcept {
    return std::max(source_.buffer_alignment(), target_.buffer_alignment());
}

/// A block, or all of a file that is smaller.
std::size_t BlockCopy::buffer_size() const noexcept {
    const std::size_t alignment =
        std::max({buffer_alignment(), source_.alignment(), target_.alignment()});
    const std::int64_t all = round_up(size_, alignment);
    return static_cast<std::size_t>(std::min(all, static_cast<std::int64_t>(block_size_)));
}

void BlockCopy::run(LazyQueue& queue, unsigned depth, Pass pass, Worker worker,
                    unsigned count) const {
    try {
        pass.queue = &queue.get(depth);
        for (unsigned i = 0; i < count; ++i) {
            aioxx::spawn(*pass.queue, keep_failure(pass, worker));
        }
        pass.queue->run(); // until all have ended: those in flight when one fails as well
    } catch (...) {
        queue.end(); // before the buffers go
        throw;
    }
    if (pass.failure) {
        std::rethrow_exception(pass.failure);
    }
}

/// The queue goes on after a failure: it may have other files.
aioxx::Task<> BlockCopy::keep_failure(Pass& pass, Worker worker) const {
    try {
        co_await (this->*worker)(pass);
    } catch (...) {
        pass.failure = pass.failure ? pass.failure : std::current_exception();
    }
    if (pass.failure) {
        pass.order.end();
    }
}

void BlockCopy::copy(LazyQueue& queue, unsigned depth, Progress& progress) const {
    set_size_ahead();
    const unsigned count = at_a_time(depth);
    run(queue, depth, copying(nullptr, count, progress), &BlockCopy::copy_blocks, count);
    set_size();
}

aioxx::Task<> BlockCopy::copy_in_turn(aioxx::Queue* queue, Progress& progress) const {
    set_size_ahead();
    Pass pass = copying(queue, 1, progress);
    co_await copy_blocks(pass);
    set_size();
}

aioxx::Task<> BlockCopy::copy_blocks(Pass& pass) const {
    aioxx::AlignedBuffer buffer = pass.buffers.try_take();
    Block block;
    while (pass.next(block)) {
        reserve(block);
        co_await transfer(pass.queue, Direction::read, source_, buffer.data(), block);
        if (ahead_ == Ahead::nothing) {
            co_await pass.order.turn(block.number);
        }
        if (pass.failure) {
            co_return;
        }
        co_await write(pass, buffer.data(), block);
        if (ahead_ == Ahead::nothing) {
            pass.order.pass();
        }
        pass.progress.add(block.length);
    }
}

aioxx::Task<> BlockCopy::write(Pass& pass, std::byte* buffer, Block block) const {
    // The last block is written with zeros up to the alignment, and cut off at the end.
    const std::int64_t padded = round_up(block.length, target_.alignment());
    std::memset(buffer + block.length, 0, static_cast<std::size_t>(padded - block.length));
    co_await transfer(pass.queue, Direction::write, target_, buffer, block);
}

void BlockCopy::compare(LazyQueue& queue, unsigned depth, Progress& progress) const {
    const unsigned count = (at_a_time(depth) + 1) / 2;
    run(queue, depth, comparing(nullptr, 2 * count, progress), &BlockCopy::compare_blocks, count);
}

aioxx::Task<> BlockCopy::compare_in_turn(aioxx::Queue* queue, Progress& progress) const {
    Pass pass = comparing(queue, 2, progress);
    co_await compare_blocks(pass);
}

aioxx::Task<> BlockCopy::compare_blocks(Pass& pass) const {
    aioxx::AlignedBuffer source = pass.buffers.try_take();
    aioxx::AlignedBuffer target = pass.buffers.try_take();
    std::byte* const from = source.data();
    std::byte* const to = target.data();
    Block block;
    while (pass.next(block)) {
        co_await aioxx::when_all(transfer(pass.queue, Direction::read, source_, from, block),
                                 transfer(pass.queue, Direction::read, target_, to, block));
        const std::int64_t same = std::mismatch(from, from + block.length, to).first - from;
        if (same != block.length) {
            throw Failure(target_.name() + ": read back, it differs from " + source_.name() +
                          " at byte " + std::to_string(block.offset + same));
        }
        pass.progress.add(block.length);
    }
}

} // namespace tool
