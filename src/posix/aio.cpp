// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The functions of <aio.h>, which is the header of this file, under each of their names. Both
// widths of the block are declared only where neither is chosen.
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#define _LARGEFILE64_SOURCE 1 // NOLINT(bugprone-reserved-identifier)

#include "posix/calls.hpp"
#include "posix/listio.hpp"

#include <cstddef>

#include <aio.h>

namespace {

using aioxx::posix::ControlBlock;
using aioxx::posix::Opcode;

template <typename Block>
constexpr bool
    has_our_layout = offsetof(ControlBlock, fd) == offsetof(Block, aio_fildes) &&
                     offsetof(ControlBlock, list_opcode) == offsetof(Block, aio_lio_opcode) &&
                     offsetof(ControlBlock, priority_decrease) == offsetof(Block, aio_reqprio) &&
                     offsetof(ControlBlock, buffer) == offsetof(Block, aio_buf) &&
                     offsetof(ControlBlock, length) == offsetof(Block, aio_nbytes) &&
                     offsetof(ControlBlock, notification) == offsetof(Block, aio_sigevent) &&
                     offsetof(ControlBlock, mark) == offsetof(Block, __next_prio) &&
                     offsetof(ControlBlock, use_of_record) == offsetof(Block, __abs_prio) &&
                     offsetof(ControlBlock, error) == offsetof(Block, __error_code) &&
                     offsetof(ControlBlock, result) == offsetof(Block, __return_value) &&
                     sizeof(ControlBlock) <= offsetof(Block, aio_offset);
static_assert(has_our_layout<aiocb> && has_our_layout<aiocb64>);

template <typename Block>
ControlBlock& ours(Block* block) noexcept {
    return *reinterpret_cast<ControlBlock*>(block);
}

template <typename Block>
const ControlBlock& ours(const Block* block) noexcept {
    return *reinterpret_cast<const ControlBlock*>(block);
}

template <typename Block>
std::int64_t offset_of(const ControlBlock& block) noexcept {
    return reinterpret_cast<const Block&>(block).aio_offset;
}

template <typename Block>
int transfer(Block* block, Opcode opcode) noexcept {
    return aioxx::posix::transfer(ours(block), opcode, block->aio_offset);
}

template <typename Block>
int suspend(const Block* const list[], int count, const timespec* limit) {
    if (count < 0) {
        errno = EINVAL;
        return -1;
    }
    const auto* const blocks = reinterpret_cast<const ControlBlock* const*>(list);
    return aioxx::posix::suspend({blocks, static_cast<std::size_t>(count)}, limit);
}

template <typename Block>
int start_list(int mode, Block* const list[], int count, const sigevent* notification) noexcept {
    if (count < 0) {
        errno = EINVAL;
        return -1;
    }
    auto* const* const blocks = reinterpret_cast<ControlBlock* const*>(list);
    return aioxx::posix::listio(mode, {blocks, static_cast<std::size_t>(count)}, notification,
                                offset_of<Block>);
}

} // namespace

#pragma GCC visibility push(default)
extern "C" {
// glibc's own parameter names are reserved ones.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

int aio_read(aiocb* block) noexcept {
    return transfer(block, Opcode::read);
}
int aio_read64(aiocb64* block) noexcept {
    return transfer(block, Opcode::read);
}

int aio_write(aiocb* block) noexcept {
    return transfer(block, Opcode::write);
}
int aio_write64(aiocb64* block) noexcept {
    return transfer(block, Opcode::write);
}

int aio_fsync(int operation, aiocb* block) noexcept {
    return aioxx::posix::synchronise(ours(block), operation);
}
int aio_fsync64(int operation, aiocb64* block) noexcept {
    return aioxx::posix::synchronise(ours(block), operation);
}

int aio_error(const aiocb* block) noexcept {
    return aioxx::posix::error_of(ours(block));
}
int aio_error64(const aiocb64* block) noexcept {
    return aioxx::posix::error_of(ours(block));
}

ssize_t aio_return(aiocb* block) noexcept {
    return aioxx::posix::return_of(ours(block));
}
ssize_t aio_return64(aiocb64* block) noexcept {
    return aioxx::posix::return_of(ours(block));
}

int aio_cancel(int fd, aiocb* block) noexcept {
    return aioxx::posix::cancel(fd, reinterpret_cast<ControlBlock*>(block));
}
int aio_cancel64(int fd, aiocb64* block) noexcept {
    return aioxx::posix::cancel(fd, reinterpret_cast<ControlBlock*>(block));
}

int aio_suspend(const aiocb* const list[], int count, const timespec* limit) {
    return suspend(list, count, limit);
}
/// Under another name in C++, because <aio.h> declares that aio_suspend64 does not throw: a thread
/// that is cancelled in it unwinds.
int suspend64(const aiocb64* const list[], int count,
              const timespec* limit) __asm__("aio_suspend64");
int suspend64(const aiocb64* const list[], int count, const timespec* limit) {
    return suspend(list, count, limit);
}

int lio_listio(int mode, aiocb* const list[], int count, sigevent* notification) noexcept {
    return start_list(mode, list, count, notification);
}
int lio_listio64(int mode, aiocb64* const list[], int count, sigevent* notification) noexcept {
    return start_list(mode, list, count, notification);
}

void aio_init(const aioinit* settings) noexcept {
    aioxx::posix::configure(settings->aio_threads, settings->aio_idle_time);
}

#if __TIMESIZE != 64
/// The timespec of programs with a 64-bit time_t on 32-bit machines.
struct Time64 {
    std::int64_t seconds;
    std::int32_t nanoseconds;
    std::int32_t padding;
};
int __aio_suspend_time64(const aiocb64* const list[], int count, const Time64* limit) {
    timespec converted{};
    if (limit != nullptr) {
        constexpr std::int64_t longest = 0x7fffffff / 2; // thirty years
        converted.tv_sec = static_cast<time_t>(limit->seconds < longest ? limit->seconds : longest);
        converted.tv_nsec = limit->nanoseconds;
    }
    return suspend(list, count, limit != nullptr ? &converted : nullptr);
}
#endif

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
} // extern "C"
#pragma GCC visibility pop
