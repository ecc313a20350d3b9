// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

namespace aioxx::test {

using Direction = Capabilities::Direction;

inline void prepare(Iocb& iocb, const File& file, Direction direction, AlignedBuffer& buffer,
                    std::int64_t offset) {
    if (direction == Direction::read) {
        iocb.prepare_read(file.fd(), buffer, offset);
    } else {
        iocb.prepare_write(file.fd(), buffer, offset);
    }
}

inline AlignedBuffer make_buffer() {
    AlignedBuffer buffer{4096, 4096};
    std::fill(buffer.begin(), buffer.end(), std::byte{1});
    return buffer;
}

/// One transfer of 4096 bytes by kernel AIO: the result of its event.
inline std::int64_t transfer(const File& file, Direction direction, std::int64_t offset) {
    AlignedBuffer buffer = make_buffer();
    Iocb iocb;
    prepare(iocb, file, direction, buffer, offset);
    EventBatch events{1};
    Context context{1};
    context.submit(iocb);
    context.wait(events, 1);
    return events[0].result();
}

/// Eight transfers of 4096 bytes, one behind the other, all in flight at a time.
class Batch {
public:
    static constexpr std::size_t size = 8;

    void submit(const File& file, Direction direction) {
        for (std::size_t i = 0; i < size; ++i) {
            prepare(iocbs_[i], file, direction, buffers_[i], static_cast<std::int64_t>(i) * 4096);
            context_.submit(iocbs_[i]);
        }
    }
    std::size_t completed_within(std::chrono::nanoseconds time) {
        return context_.wait_for(events_, 1, time);
    }
    /// How many of them were transferred whole.
    std::size_t wait_for_all() {
        context_.wait(events_, size);
        std::size_t whole = 0;
        for (const Event& event : events_) {
            whole += event.result() == 4096 ? 1U : 0U;
        }
        return whole;
    }
    /// The next one: which of them it was, and its result.
    std::pair<std::size_t, std::int64_t> wait_for_one() {
        EventBatch one{1};
        context_.wait(one, 1);
        return {static_cast<std::size_t>(&one[0].iocb() - iocbs_.data()), one[0].result()};
    }

private:
    std::array<AlignedBuffer, size> buffers_ = make_buffers();
    std::array<Iocb, size> iocbs_;
    EventBatch events_{size};
    Context context_{size};

    static std::array<AlignedBuffer, size> make_buffers() {
        std::array<AlignedBuffer, size> buffers;
        for (AlignedBuffer& buffer : buffers) {
            buffer = make_buffer();
        }
        return buffers;
    }
};

} // namespace aioxx::test
