// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/calls.hpp"

#include "core/fork_generation.hpp"
#include "engine/monotonic.hpp"
#include "posix/cancellation.hpp"
#include "posix/notification.hpp"
#include "posix/process.hpp"
#include "posix/starting_call.hpp"
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

/// The call fails, and so does the block.
int refuse(ControlBlock& block, int error) noexcept {
    block.finish(-error);
    return fail(error);
}

int start_one(ControlBlock& block, Order order) noexcept {
    int error = 0;
    {
        const CriticalSection section;
        if (Layer* const layer = process::layer(error)) {
            StartingCall call{*layer, section, nullptr};
            error = call.start(block, order);
        }
    }
    return error == 0 ? 0 : refuse(block, error);
}

std::uint64_t present_generation(const Layer* layer) noexcept {
    return layer != nullptr ? layer->generation() : 0;
}

void reap_if_anything_completed(Layer& layer) noexcept {
    if (layer.has_events()) {
        const CriticalSection section;
        if (layer.generation() == fork_generation::current()) { // else a handler has forked here
            layer.reap(section);
        }
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

bool submit_direct(ControlBlock& block, Opcode opcode, std::int64_t offset) noexcept {
    Layer* const layer = process::layer_if_any();
    return layer != nullptr &&
           layer->direct_path().start(block, opcode, offset, layer->generation());
}

int direct_error(Layer& layer, const ControlBlock& block) noexcept {
    if (DirectPath::is_in_progress(block)) {
        layer.direct_path().reap();
    }
    const DirectRecord::Answer answer = DirectPath::look(block);
    switch (answer.is) {
    case DirectRecord::Is::in_progress:
        return EINPROGRESS;
    case DirectRecord::Is::complete:
        return answer.result < 0 ? -answer.result : 0;
    case DirectRecord::Is::gone:
        break;
    }
    return fail(EINVAL); // another thread is about to return it
}

ssize_t return_direct(Layer& layer, ControlBlock& block) noexcept {
    int result = 0;
    if (!layer.direct_path().take(block, result)) {
        return fail(EINVAL);
    }
    block.finish_returned(result);
    return result < 0 ? fail(-result) : result;
}

bool is_in_progress(const ControlBlock& block, std::uint64_t generation) noexcept {
    switch (block.state(generation)) {
    case Is::in_progress:
        return true;
    case Is::direct:
        return DirectPath::is_in_progress(block);
    case Is::unknown:
    case Is::finished:
    case Is::returned:
        break;
    }
    return false;
}

std::chrono::nanoseconds span_of(const timespec& time) noexcept {
    constexpr time_t longest = 1'000'000'000; // thirty years; more might overflow
    return std::chrono::seconds{std::clamp<time_t>(time.tv_sec, -1, longest)} +
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
    if (submit_direct(block, opcode, offset)) {
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
        reap_if_anything_completed(*layer);
        break;
    case Is::direct:
        reap_if_anything_completed(*layer);
        return direct_error(*layer, block);
    case Is::finished:
    case Is::returned:
        break;
    }
    return block.error_now();
}

ssize_t return_of(ControlBlock& block) noexcept {
    Layer* const layer = process::layer_if_any();
    if (block.state(present_generation(layer)) == Is::direct) {
        return return_direct(*layer, block);
    }
    if (block.error_now() == EINPROGRESS || !block.take_result()) {
        return fail(EINVAL);
    }
    if (block.result < 0) {
        errno = block.error_now();
    }
    return static_cast<ssize_t>(block.result);
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
    if (layer == nullptr) {
        return AIO_ALLDONE;
    }
    try {
        return block != nullptr ? cancel_block(*layer, section, *block)
                                : cancel_all_on(*layer, section, fd);
    } catch (const std::bad_alloc&) { // for a descriptor that had no request yet
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
            if (block != nullptr && !is_in_progress(*block, generation)) {
                return true;
            }
            any |= block != nullptr;
        }
        return !any;
    };
    if (layer != nullptr) {
        layer->direct_path().reap();
    }
    if (done()) {
        return 0;
    }
    const BlockedSignals signals;
    timespec deadline{};
    if (limit != nullptr) {
        deadline = engine::monotonic_in(span_of(*limit));
    }
    Waiter waiter{*layer, signals};
    int error = 0;
    while (!waiter.look(done)) {
        if (error != 0) {
            return fail(error);
        }
        error = waiter.sleep(limit != nullptr ? &deadline : nullptr);
    }
    return 0;
}

void configure(int workers, int idle_seconds) noexcept {
    Settings settings;
    settings.workers = static_cast<unsigned>(std::max(workers, 1));
    settings.idle = std::chrono::seconds{std::max(idle_seconds, 0)};
    const CriticalSection section;
    process::configure(settings);
}

} // namespace posix
AIOXX_NAMESPACE_END
