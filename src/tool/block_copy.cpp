// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/block_copy.hpp"

#include "tool/failure.hpp"

#include <aioxx/core/context.hpp>
#include <aioxx/file/aligned_buffer.hpp>
#include <aioxx/task/run.hpp>
#include <aioxx/task/when_all.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace tool {
namespace {

/// The buffers of all workers in one piece, in huge pages where there are some: a direct transfer
/// then has a few long segments instead of one for every 4 KiB.
class Buffers {
public:
    Buffers(std::size_t count, std::size_t size, std::size_t alignment)
        : memory_(product(count, size), std::max(alignment, huge_page)), size_(size) {
        ::madvise(memory_.data(), memory_.size(), MADV_HUGEPAGE);
    }
    std::byte* next() noexcept { return memory_.data() + size_ * used_++; }

private:
    static constexpr std::size_t huge_page = 2 << 20;

    static std::size_t product(std::size_t count, std::size_t size) {
        if (size > PTRDIFF_MAX / count) { // with 32 bits
            throw std::bad_alloc{};
        }
        return count * size;
    }

    aioxx::AlignedBuffer memory_;
    std::size_t size_;
    std::size_t used_ = 0;
};

void require_opened(const std::error_code& error) {
    if (error.value() == EPERM || error.value() == ENOSYS) {
        throw Failure("io_setup", "kernel AIO is switched off here", error.value());
    }
    if (error) {
        const aioxx::Context again{1}; // for the text with the limits
        throw Failure("io_setup", "cannot make a queue", error.value());
    }
}

enum class Direction : std::uint8_t { read, write };

/// For a file whose last byte is before `end`: throws.
[[noreturn]] void fail_at_end(const OpenFile& file, std::int64_t end) {
    const std::int64_t size = file.size();
    if (size <= end) {
        throw Failure(file.name() + ": shrank while it was copied");
    }
    // It is made up while it is read, as they are under /sys, or its file system is wrong.
    throw Failure(file.name() + ": ends after " + std::to_string(end) +
                  " bytes, and says that it has " + std::to_string(size));
}

/// Reads or writes a block in full. The buffer has room for it rounded up to the file's alignment.
aioxx::Task<> transfer(aioxx::Queue& queue, Direction direction, OpenFile& file, std::byte* buffer,
                       Block block) {
    const bool reading = direction == Direction::read;
    for (;;) {
        const bool direct = file.is_direct();
        const std::int64_t length = round_up(block.length, file.alignment());
        const std::span<std::byte> bytes{buffer, static_cast<std::size_t>(length)};
        auto operation = reading ? queue.read_exact(file.file(), bytes, block.offset)
                                 : queue.write_all(file.file(), bytes, block.offset);
        const aioxx::Completion end = co_await std::move(operation).completion();
        const int error = end.error().value();
        if (error == EINVAL && direct && file.give_up_direct()) {
            continue;
        }
        const bool ended = end.bytes() < static_cast<std::size_t>(block.length);
        if (reading && error == 0 && ended) {
            fail_at_end(file, block.offset + static_cast<std::int64_t>(end.bytes()));
        }
        if (error != 0 || ended) {
            throw Failure(file.name(), reading ? "cannot read" : "cannot write",
                          error != 0 ? error : ENOSPC);
        }
        co_return;
    }
}

} // namespace

/// What the workers share. The queue is the first to go: it then waits for the transfers.
struct BlockCopy::Pass {
    DataBlocks blocks;
    Buffers buffers;
    Progress& progress;
    std::int64_t done = 0;
    std::error_code error{};
    aioxx::Queue queue;

    Pass(DataBlocks all, Buffers memory, unsigned depth, Progress& bar)
        : blocks(std::move(all)), buffers(std::move(memory)), progress(bar),
          queue({.depth = depth}, error) {
        require_opened(error);
    }
    void advance(const Block& block) {
        done += block.length;
        progress.update(done + blocks.skipped());
    }
};

BlockCopy::BlockCopy(OpenFile& source, OpenFile& target, std::int64_t size, std::size_t block_size,
                     unsigned depth)
    : source_(source), target_(target), size_(size), block_size_(block_size) {
    const auto block = static_cast<std::int64_t>(block_size);
    const std::int64_t blocks = size == 0 ? 0 : (size - 1) / block + 1;
    slots_ = static_cast<unsigned>(std::min<std::int64_t>(depth, blocks));
}

std::size_t BlockCopy::alignment() const noexcept {
    return std::max(source_.alignment(), target_.alignment());
}

void BlockCopy::set_size(std::int64_t size) const {
    if (::ftruncate(target_.fd(), size) != 0) {
        throw Failure(target_.name(), "cannot set the size", errno);
    }
}

/// The range of data that starts with `block`, if one does.
void BlockCopy::reserve(const Block& block) const {
    int result = 0;
    do {
        result =
            block.new_range == 0 ? 0 : ::fallocate(target_.fd(), 0, block.offset, block.new_range);
    } while (result != 0 && errno == EINTR);
    // Any other error: the file system does without, and the writes will tell.
    if (result != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
        throw Failure(target_.name(), "cannot write", errno);
    }
}

void BlockCopy::run(DataBlocks blocks, Worker worker, unsigned count, unsigned transfers_each,
                    Progress& progress) const {
    if (count != 0) {
        const unsigned depth = count * transfers_each;
        const std::size_t aligned =
            std::max(source_.buffer_alignment(), target_.buffer_alignment());
        Pass pass{std::move(blocks), Buffers{depth, block_size_, aligned}, depth, progress};
        for (unsigned i = 0; i < count; ++i) {
            aioxx::spawn(pass.queue, (this->*worker)(pass));
        }
        pass.queue.run(); // the first Failure comes out of here, and the queue ends the others
    }
    progress.finish();
}

void BlockCopy::copy(Progress& progress) const {
    progress.begin("copy", size_);
    // The target has its size, and its blocks, before they are written: writes that extend a file
    // or allocate would block in submit.
    set_size(round_up(size_, target_.alignment()));
    run({{&source_}, size_, block_size_, alignment()}, &BlockCopy::copy_blocks, slots_, 1,
        progress);
    set_size(size_);
}

aioxx::Task<> BlockCopy::copy_blocks(Pass& pass) const {
    std::byte* const buffer = pass.buffers.next();
    Block block;
    while (pass.blocks.next(block)) {
        reserve(block);
        co_await transfer(pass.queue, Direction::read, source_, buffer, block);
        // The last block is written with zeros up to the alignment, and cut off at the end.
        const std::int64_t padded = round_up(block.length, target_.alignment());
        std::memset(buffer + block.length, 0, static_cast<std::size_t>(padded - block.length));
        co_await transfer(pass.queue, Direction::write, target_, buffer, block);
        pass.advance(block);
    }
}

void BlockCopy::compare(Progress& progress) const {
    progress.begin("verify", size_);
    // What is read through the page cache is to come from storage, as far as the kernel listens.
    ::posix_fadvise(target_.fd(), 0, 0, POSIX_FADV_DONTNEED);
    run({{&source_, &target_}, size_, block_size_, alignment()}, &BlockCopy::compare_blocks,
        (slots_ + 1) / 2, 2, progress);
}

aioxx::Task<> BlockCopy::compare_blocks(Pass& pass) const {
    std::byte* const from = pass.buffers.next();
    std::byte* const to = pass.buffers.next();
    Block block;
    while (pass.blocks.next(block)) {
        co_await aioxx::when_all(transfer(pass.queue, Direction::read, source_, from, block),
                                 transfer(pass.queue, Direction::read, target_, to, block));
        const std::int64_t same = std::mismatch(from, from + block.length, to).first - from;
        if (same != block.length) {
            throw Failure(target_.name() + ": read back, it differs from " + source_.name() +
                          " at byte " + std::to_string(block.offset + same));
        }
        pass.advance(block);
    }
}

} // namespace tool
