// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/block_copy.hpp"

#include "tool/data_blocks.hpp"
#include "tool/failure.hpp"
#include "tool/transfer_loop.hpp"

#include <aioxx/file/aligned_buffer.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace tool {
namespace {

using Direction = Transfer::Direction;

struct CompareSlot {
    struct Half : Transfer {
        CompareSlot* slot = nullptr;
    };
    Half source;
    Half target;
    unsigned awaited = 0;
};

/// The buffers of all slots in one piece, in huge pages where there are some: a direct transfer
/// then has a few long segments instead of one for every 4 KiB.
class Buffers {
public:
    Buffers(std::size_t count, std::size_t size, std::size_t alignment)
        : memory_(count * size, std::max(alignment, huge_page)), size_(size) {
        ::madvise(memory_.data(), memory_.size(), MADV_HUGEPAGE);
    }
    std::byte* next() noexcept { return memory_.data() + size_ * used_++; }

private:
    static constexpr std::size_t huge_page = 2 << 20;

    aioxx::AlignedBuffer memory_;
    std::size_t size_;
    std::size_t used_ = 0;
};

void set_up(Transfer& transfer, Direction direction, OpenFile& file, const Block& block) {
    transfer.direction = direction;
    transfer.file = &file;
    transfer.offset = block.offset;
    transfer.length = block.length;
}

} // namespace

BlockCopy::BlockCopy(OpenFile& source, OpenFile& target, std::int64_t size, std::size_t block_size,
                     unsigned depth)
    : source_(source), target_(target), size_(size), block_size_(block_size) {
    const auto block = static_cast<std::int64_t>(block_size);
    const std::int64_t blocks = size == 0 ? 0 : (size - 1) / block + 1;
    slots_ = static_cast<unsigned>(std::min<std::int64_t>(depth, blocks));
}

std::size_t BlockCopy::buffer_alignment() const noexcept {
    return std::max(source_.buffer_alignment(), target_.buffer_alignment());
}

std::size_t BlockCopy::alignment() const noexcept {
    return std::max(source_.alignment(), target_.alignment());
}

void BlockCopy::set_size(std::int64_t size) const {
    if (::ftruncate(target_.fd(), size) != 0) {
        throw Failure(target_.name(), "cannot set the size", errno);
    }
}

void BlockCopy::reserve(std::int64_t offset, std::int64_t length) const {
    int result = 0;
    do {
        result = ::fallocate(target_.fd(), 0, offset, length);
    } while (result != 0 && errno == EINTR);
    // Any other error: the file system does without, and the writes will tell.
    if (result != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
        throw Failure(target_.name(), "cannot write", errno);
    }
}

void BlockCopy::copy(Progress& progress) const {
    progress.begin("copy", size_);
    if (slots_ == 0) {
        progress.finish();
        return;
    }
    // Slots before the loop: it goes first, and the kernel has then let go of them.
    Buffers buffers{slots_, block_size_, buffer_alignment()};
    std::vector<Transfer> slots(slots_);
    TransferLoop loop{slots_};
    DataBlocks blocks{{&source_}, size_, block_size_, alignment()};
    // The target has its size, and its blocks, before they are written: writes that extend a file
    // or allocate would block in submit.
    set_size(round_up(size_, target_.alignment()));

    const auto start_next = [&](Transfer& slot) {
        Block block;
        if (blocks.next(block)) {
            if (block.new_range != 0) {
                reserve(block.offset, block.new_range);
            }
            set_up(slot, Direction::read, source_, block);
            loop.start(slot);
        }
    };
    for (Transfer& slot : slots) {
        slot.buffer = buffers.next();
        start_next(slot);
    }
    std::int64_t copied = 0;
    while (Transfer* const transfer = loop.next()) {
        Transfer& slot = *transfer;
        if (slot.direction == Direction::read) {
            // The last block is written with zeros up to the alignment, and cut off at the end.
            const std::int64_t padded = round_up(slot.length, target_.alignment());
            std::memset(slot.buffer + slot.length, 0,
                        static_cast<std::size_t>(padded - slot.length));
            slot.direction = Direction::write;
            slot.file = &target_;
            loop.start(slot);
        } else {
            copied += slot.length;
            progress.update(copied + blocks.skipped());
            start_next(slot);
        }
    }
    set_size(size_);
    progress.finish();
}

void BlockCopy::compare(Progress& progress) const {
    progress.begin("verify", size_);
    // What is read through the page cache is to come from storage, as far as the kernel listens.
    ::posix_fadvise(target_.fd(), 0, 0, POSIX_FADV_DONTNEED);
    if (slots_ == 0) {
        progress.finish();
        return;
    }
    const unsigned pairs = (slots_ + 1) / 2;
    Buffers buffers{2 * std::size_t{pairs}, block_size_, buffer_alignment()};
    std::vector<CompareSlot> slots(pairs);
    TransferLoop loop{2 * pairs};
    DataBlocks blocks{{&source_, &target_}, size_, block_size_, alignment()};

    const auto start_next = [&](CompareSlot& slot) {
        Block block;
        if (blocks.next(block)) {
            set_up(slot.source, Direction::read, source_, block);
            set_up(slot.target, Direction::read, target_, block);
            slot.awaited = 2;
            loop.start(slot.source);
            loop.start(slot.target);
        }
    };
    for (CompareSlot& slot : slots) {
        for (CompareSlot::Half* const half : {&slot.source, &slot.target}) {
            half->slot = &slot;
            half->buffer = buffers.next();
        }
        start_next(slot);
    }
    std::int64_t compared = 0;
    while (Transfer* const transfer = loop.next()) {
        CompareSlot& slot = *static_cast<CompareSlot::Half*>(transfer)->slot;
        if (--slot.awaited != 0) {
            continue;
        }
        const std::int64_t length = slot.source.length;
        const auto* const differing =
            std::mismatch(slot.source.buffer, slot.source.buffer + length, slot.target.buffer)
                .first;
        const std::int64_t same = differing - slot.source.buffer;
        if (same != length) {
            throw Failure(target_.name() + ": read back, it differs from " + source_.name() +
                          " at byte " + std::to_string(slot.source.offset + same));
        }
        compared += length;
        progress.update(compared + blocks.skipped());
        start_next(slot);
    }
    progress.finish();
}

} // namespace tool
