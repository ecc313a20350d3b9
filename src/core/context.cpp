// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/core/context.hpp>

#include <aioxx/core/limits.hpp>

#include "core/fork_generation.hpp"
#include "core/happens_before.hpp"
#include "core/in_flight.hpp"
#include "core/ring.hpp"
#include "kernel/kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

AIOXX_NAMESPACE_BEGIN
namespace {

/// Inline here: a call to is_open() would go through the table of the dynamic linker.
bool is_ours(std::uint64_t generation) noexcept {
    return generation == fork_generation::current();
}

/// Of what a wait or a reap returned: the events taken, or an error and none.
void give_back([[maybe_unused]] const Event* events, [[maybe_unused]] int count) noexcept {
    for (int i = 0; i < count; ++i) {
        given_back_by_kernel(&events[i].iocb());
        if constexpr (in_flight::checked) {
            in_flight::remove(events[i].iocb());
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
        detail::throw_error(error, "io_setup");
    }
    std::string call = "io_setup: " + std::to_string(queue_depth) + " asked for";
    std::error_code unreadable;
    const Limits now = limits(unreadable);
    if (!unreadable) {
        call += ", fs.aio-nr " + std::to_string(now.used) + ", fs.aio-max-nr " +
                std::to_string(now.allowed);
    }
    detail::throw_error(error, call.c_str());
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
    return is_ours(generation_);
}

int Context::call_submit(long count, Iocb* const* iocbs) noexcept {
    if (!is_ours(generation_)) [[unlikely]] {
        return -EINVAL;
    }
    [[maybe_unused]] const std::span all{iocbs, static_cast<std::size_t>(count)};
    for ([[maybe_unused]] const Iocb* const iocb : all) {
        handed_to_kernel(iocb);
    }
    if constexpr (in_flight::checked) {
        in_flight::add(handle_, all);
    }
    // An Iocb is the kernel's structure and nothing else, so an array of pointers to one is an
    // array of pointers to the other. The kernel writes to the iocbs, not to the array.
    auto** const layouts = reinterpret_cast<kernel::IocbLayout**>(const_cast<Iocb**>(iocbs));
    const int result = kernel::submit(handle_, count, layouts);
    if constexpr (in_flight::checked) {
        in_flight::remove(all.subspan(static_cast<std::size_t>(std::max(result, 0))));
    }
    return result;
}

int Context::call_wait(long min, long max, Event* events, std::int64_t limit,
                       const sigset_t* mask) noexcept {
    static_assert(no_limit == kernel::forever);
    if (!is_ours(generation_)) [[unlikely]] {
        return -EINVAL;
    }
    auto* const layouts = reinterpret_cast<kernel::EventLayout*>(events);
    const int result = kernel::get_events(handle_, min, max, layouts, limit, mask);
    give_back(events, result);
    return result;
}

int Context::call_reap(long max, Event* events) noexcept {
    if (ring_ == nullptr) [[unlikely]] { // nor in a context that is closed
        return call_wait(0, max, events, 0, nullptr);
    }
    if (!is_ours(generation_)) [[unlikely]] {
        return -EINVAL;
    }
    const std::size_t count =
        static_cast<Ring*>(ring_)->take({events, static_cast<std::size_t>(max)});
    give_back(events, static_cast<int>(count));
    return static_cast<int>(count);
}

bool Context::has_events() const noexcept {
    return is_ours(generation_) && (ring_ == nullptr || !static_cast<Ring*>(ring_)->empty());
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
