// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/unsized_copy.hpp"

#include "tool/failure.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

// FNV-1a, which tells any two texts apart that differ in one byte.
constexpr std::uint64_t sum_of_nothing = 14695981039346656037U;

std::uint64_t add_to_sum(std::uint64_t sum, std::span<const std::byte> bytes) noexcept {
    for (const std::byte byte : bytes) {
        sum = (sum ^ std::to_integer<std::uint64_t>(byte)) * 1099511628211U;
    }
    return sum;
}

/// Repeats `call`, a read or a write, while it is interrupted, and through the page cache where
/// direct I/O is refused.
template <typename Call>
std::size_t transfer(OpenFile& file, const char* what, Call call) {
    for (;;) {
        const ssize_t count = call();
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        const int cause = errno;
        const bool refused = cause == EINVAL && file.is_direct() && file.give_up_direct();
        if (cause != EINTR && !refused) {
            throw Failure(file.name(), what, cause);
        }
    }
}

} // namespace

UnsizedCopy::UnsizedCopy(OpenFile& source, OpenFile& target, std::size_t block_size)
    : source_(source), target_(target), block_size_(block_size), sum_(sum_of_nothing) {}

void UnsizedCopy::make_buffer() {
    buffer_ = aioxx::AlignedBuffer{
        block_size_, std::max(source_.buffer_alignment(), target_.buffer_alignment())};
}

std::size_t UnsizedCopy::read(OpenFile& file, std::size_t wanted) {
    std::size_t filled = 0;
    std::size_t count = 1;
    while (filled < wanted && count != 0) {
        // The file's own position: not every such file can be read at an offset.
        count = transfer(file, "cannot read", [&] {
            return ::read(file.fd(), buffer_.data() + filled, buffer_.size() - filled);
        });
        filled += count;
    }
    return filled;
}

void UnsizedCopy::write(std::size_t length) {
    const auto padded = [&] {
        return static_cast<std::size_t>(
            round_up(static_cast<std::int64_t>(length), target_.alignment()));
    };
    // The last block is written with zeros up to the alignment, and cut off at the end.
    std::memset(buffer_.data() + length, 0, padded() - length);
    std::size_t written = 0;
    while (written < length) {
        const std::size_t count = transfer(target_, "cannot write", [&] {
            return ::pwrite(target_.fd(), buffer_.data() + written, padded() - written,
                            size_ + static_cast<std::int64_t>(written));
        });
        if (count == 0) {
            throw Failure(target_.name(), "cannot write", ENOSPC);
        }
        written += count;
    }
}

void UnsizedCopy::copy(Progress& progress) {
    make_buffer();
    std::size_t length = buffer_.size();
    // Where one that was empty says how much it has, it is being written to, perhaps without end.
    for (const std::int64_t said = source_.size();
         length == buffer_.size() && source_.size() == said;) {
        length = read(source_, buffer_.size());
        sum_ = add_to_sum(sum_, buffer_.first(length));
        write(length);
        size_ += static_cast<std::int64_t>(length);
        progress.add(static_cast<std::int64_t>(length));
    }
    if (size_ != 0 && ::ftruncate(target_.fd(), size_) != 0) {
        throw Failure(target_.name(), "cannot set the size", errno);
    }
    buffer_ = {}; // there may be many such files
}

void UnsizedCopy::compare(Progress& progress) {
    make_buffer();
    // What is read through the page cache is to come from storage, as far as the kernel listens.
    ::posix_fadvise(target_.fd(), 0, 0, POSIX_FADV_DONTNEED);
    std::uint64_t sum = sum_of_nothing;
    std::int64_t done = 0;
    std::size_t length = 1;
    while (done < size_ && length != 0) {
        const auto block = static_cast<std::int64_t>(buffer_.size());
        length = read(target_, static_cast<std::size_t>(std::min(block, size_ - done)));
        sum = add_to_sum(sum, buffer_.first(length));
        done += static_cast<std::int64_t>(length);
        progress.add(static_cast<std::int64_t>(length));
    }
    if (done != size_ || sum != sum_) {
        throw Failure(target_.name() + ": read back, it differs from what was read from " +
                      source_.name());
    }
}

} // namespace tool
