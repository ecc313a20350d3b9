// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/calls.hpp"

#include "engine/monotonic.hpp"
#include "posix/notification.hpp"
#include "posix/orders.hpp"
#include "posix/process.hpp"
#include "posix/waiter.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

#include <aio.h>
#include <fcntl.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

using engine::Kind;
using Is = ControlBlock::Is;

/// The call fails, and the block says so as well.
int refuse(ControlBlock& block, int error) noexcept {
    block.finish(-error);
    return fail(error);
}

int start_one(ControlBlock& block, Layer::Order order) noexcept {
    int error = 0;
    {
        const CriticalSection section;
        if (Layer* const layer = process::layer(error)) {
            error = layer->start(block, order, nullptr);
            layer->end_call(section.before());
        }
    }
    return error == 0 ? 0 : refuse(block, error);
}

std::uint64_t present_generation(const Layer* layer) noexcept {
    return layer != nullptr ? layer->generation() : 0;
}

/// What has completed and not been taken in yet.
void look_at_ring(Layer& layer) noexcept {
    if (layer.has_events()) {
        const CriticalSection section;
        layer.take_in();
    }
}

bool read_at_once(ControlBlock& block, std::int64_t offset) noexcept {
    Layer* const layer = process::layer_if_any();
    if (layer == nullptr || !is_silent(block.notification)) {
        return false;
    }
    const ssize_t bytes =
        layer->cached_reads().read(block.fd, const_cast<void*>(block.buffer), block.length, offset);
    if (bytes < 0) {
        return false;
    }
    block.finish(bytes);
    return true;
}

std::chrono::nanoseconds span_of(const timespec& time) noexcept {
    constexpr time_t for_ever = 1'000'000'000; // thirty years; what is longer would not fit
    return std::chrono::seconds{std::clamp<time_t>(time.tv_sec, -1, for_ever)} +
           std::chrono::nanoseconds{time.tv_nsec};
}

} // namespace

int transfer(ControlBlock& block, Opcode opcode, std::int64_t offset) noexcept {
    if (!has_good_priority(block)) {
        return refuse(block, EINVAL);
    }
    if (opcode == Opcode::read && read_at_once(block, offset)) {
        return 0;
    }
    return start_one(block, order_of(opcode, offset));
}

int synchronise(ControlBlock& block, int operation) noexcept {
    if (operation != O_SYNC && operation != O_DSYNC) {
        return fail(EINVAL);
    }
    if (::fcntl(block.fd, F_GETFL) < 0) {
        return fail(EBADF);
    }
    return start_one(block, {operation == O_SYNC ? Kind::fsync : Kind::fdatasync, 0});
}

int error_of(const ControlBlock& block) noexcept {
    Layer* const layer = process::layer_if_any();
    switch (block.state(present_generation(layer))) {
    case Is::unknown:
        return fail(EINVAL);
    case Is::in_progress:
        look_at_ring(*layer);
        break;
    case Is::finished:
    case Is::returned:
        break;
    }
    return block.error_now();
}

ssize_t outcome_of(ControlBlock& block) noexcept {
    if (block.error_now() == EINPROGRESS || !block.take_outcome()) {
        return fail(EINVAL);
    }
    if (block.outcome < 0) {
        errno = block.error_now();
    }
    return static_cast<ssize_t>(block.outcome);
}

int cancel(int fd, const ControlBlock* block) noexcept {
    if (::fcntl(fd, F_GETFL) < 0) {
        return fail(EBADF);
    }
    if (block != nullptr && block->fd != fd) {
        return fail(EINVAL);
    }
    const CriticalSection section;
    Layer* const layer = process::layer_if_any();
    try {
        return layer != nullptr ? layer->cancel(fd, block) : AIO_ALLDONE;
    } catch (const std::bad_alloc&) { // for a descriptor that is new to it
        return AIO_ALLDONE;
    }
}

int suspend(std::span<const ControlBlock* const> blocks, const timespec* limit) {
    ::pthread_testcancel();
    constexpr long second = 1'000'000'000;
    if (limit != nullptr && (limit->tv_nsec < 0 || limit->tv_nsec >= second)) {
        return fail(EINVAL);
    }
    Layer* const layer = process::layer_if_any();
    const std::uint64_t generation = present_generation(layer);
    const auto done = [&] {
        bool any = false;
        for (const ControlBlock* const block : blocks) {
            if (block != nullptr && block->state(generation) != Is::in_progress) {
                return true;
            }
            any |= block != nullptr;
        }
        return !any;
    };
    if (done()) {
        return 0;
    }
    timespec deadline{};
    if (limit != nullptr) {
        deadline = engine::monotonic_in(span_of(*limit));
    }
    Waiter waiter{*layer};
    waiter.spin();
    int error = 0;
    while (!waiter.look(done)) {
        if (error != 0) {
            return fail(error);
        }
        error = waiter.sleep(limit != nullptr ? &deadline : nullptr);
    }
    return 0;
}

void configure(int helpers, int idle_seconds) noexcept {
    Settings settings;
    settings.helpers = static_cast<unsigned>(std::max(helpers, 1));
    settings.idle = std::chrono::seconds{std::max(idle_seconds, 0)};
    const CriticalSection section;
    process::configure(settings);
}

} // namespace posix
AIOXX_NAMESPACE_END
