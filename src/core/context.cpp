// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/core/context.hpp>

#include <aioxx/core/limits.hpp>

#include "core/fork_generation.hpp"
#include "core/happens_before.hpp"
#include "core/in_flight.hpp"
#include "core/ring.hpp"
#include "kernel/kernel.hpp"

#include <cerrno>
#include <string>

AIOXX_NAMESPACE_BEGIN
namespace {

/// Takes the result of a kernel call apart: a count, or an error.
std::size_t count_or_error(int result, std::error_code& error) noexcept {
    if (result >= 0) [[likely]] {
        if (error) {
            error.clear();
        }
        return static_cast<std::size_t>(result);
    }
    error.assign(-result, std::generic_category());
    return 0;
}

void give_back(std::span<const Event> events) noexcept {
    for (const Event& event : events) {
        given_back_by_kernel(&event.iocb());
        if constexpr (in_flight::checked) {
            in_flight::remove(event.iocb());
        }
    }
}

} // namespace

void Context::open(unsigned queue_depth, std::error_code& error) noexcept {
    const std::uint64_t generation = fork_generation::enter();
    if (generation == 0) {
        error.assign(ENOMEM, std::generic_category());
        return;
    }
    kernel::Handle handle = 0;
    count_or_error(kernel::setup(queue_depth, &handle), error);
    if (error) {
        return;
    }
    handle_ = handle;
    generation_ = generation;
    ring_ = Ring::find(handle);
    queue_depth_ = queue_depth;
}

void Context::throw_setup_error(unsigned queue_depth, const std::error_code& error) {
    if (error.value() != EAGAIN) {
        throw_error(error, "io_setup");
    }
    std::string call = "io_setup: " + std::to_string(queue_depth) + " asked for";
    std::error_code unreadable;
    const Limits now = limits(unreadable);
    if (!unreadable) {
        call += ", " + std::to_string(now.used) + " used (fs.aio-nr), " +
                std::to_string(now.allowed) + " allowed (fs.aio-max-nr)";
    }
    throw_error(error, call.c_str());
}

Context& Context::operator=(Context&& other) noexcept {
    if (this != &other) {
        std::error_code ignored; // as in the destructor: nothing can be done about it
        close(ignored);
        handle_ = std::exchange(other.handle_, 0);
        generation_ = std::exchange(other.generation_, no_generation);
        ring_ = std::exchange(other.ring_, nullptr);
        queue_depth_ = std::exchange(other.queue_depth_, 0);
    }
    return *this;
}

Context::~Context() {
    std::error_code ignored; // only EINVAL is possible, for a context that is gone
    close(ignored);
}

bool Context::is_open() const noexcept {
    return generation_ == fork_generation::current();
}

std::size_t Context::submit(std::span<Iocb* const> iocbs, std::error_code& error) noexcept {
    if (!is_open()) [[unlikely]] {
        return count_or_error(-EINVAL, error);
    }
    for (const Iocb* const iocb : iocbs) {
        handed_to_kernel(iocb);
    }
    if constexpr (in_flight::checked) {
        in_flight::add(handle_, iocbs);
    }
    // An Iocb is the kernel's structure and nothing else, so an array of pointers to one is an
    // array of pointers to the other. The kernel writes to the iocbs, not to the array.
    auto** const layouts =
        reinterpret_cast<kernel::IocbLayout**>(const_cast<Iocb**>(iocbs.data()));
    const std::size_t accepted = count_or_error(
        kernel::submit(handle_, static_cast<long>(iocbs.size()), layouts), error);
    if constexpr (in_flight::checked) {
        in_flight::remove(iocbs.subspan(accepted));
    }
    return accepted;
}

std::size_t Context::wait_events(EventBatch& events, std::size_t min,
                                 const std::chrono::nanoseconds* timeout, const sigset_t* mask,
                                 std::error_code& error) noexcept {
    events.size_ = 0;
    if (!is_open()) [[unlikely]] {
        return count_or_error(-EINVAL, error);
    }
    kernel::Timeout limit = kernel::forever;
    if (timeout != nullptr) {
        limit = timeout->count() > 0 ? timeout->count() : 0; // the kernel takes -1 for for ever
    }
    auto* const layouts = reinterpret_cast<kernel::EventLayout*>(events.events_.get());
    events.size_ = count_or_error(kernel::get_events(handle_, static_cast<long>(min),
                                                     static_cast<long>(events.capacity_), layouts,
                                                     limit, mask),
                                  error);
    give_back({events.begin(), events.end()});
    return events.size_;
}

std::size_t Context::reap(EventBatch& events, std::error_code& error) noexcept {
    if (ring_ == nullptr || !is_open()) [[unlikely]] {
        const std::chrono::nanoseconds now{0};
        return wait_events(events, 0, &now, nullptr, error);
    }
    count_or_error(0, error);
    events.size_ = static_cast<Ring*>(ring_)->take({events.events_.get(), events.capacity_});
    give_back({events.begin(), events.end()});
    return events.size_;
}

CancelResult Context::cancel(Iocb& iocb, std::error_code& error) noexcept {
    if (!is_open()) [[unlikely]] {
        count_or_error(-EINVAL, error);
        return CancelResult::failed;
    }
    kernel::EventLayout unused; // written by kernels before 2013 only
    const int result = kernel::cancel(handle_, &iocb.raw(), &unused);
    if (result == -EINPROGRESS || result == 0) {
        count_or_error(0, error);
        return CancelResult::requested;
    }
    if (result == -EINVAL) {
        count_or_error(0, error);
        return CancelResult::not_cancellable;
    }
    count_or_error(result, error);
    return CancelResult::failed;
}

void Context::close(std::error_code& error) noexcept {
    count_or_error(0, error);
    if (is_open()) {
        count_or_error(kernel::destroy(handle_), error);
        if constexpr (in_flight::checked) {
            in_flight::remove_all(handle_);
        }
    }
    handle_ = 0;
    generation_ = no_generation;
    ring_ = nullptr;
    queue_depth_ = 0;
}

AIOXX_NAMESPACE_END
