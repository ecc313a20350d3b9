// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/context.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// What a system call says that a filter or the kernel refuses altogether.
constexpr bool is_refused(int error) noexcept {
    return error == ENOSYS || error == EPERM;
}

/// The engine's context of kernel AIO. It is made when something wants it, and not at all where
/// io_setup is refused: then the engine works with workers alone.
///
/// Where fs.aio-max-nr leaves no room (EAGAIN), smaller contexts are tried, and later all of it
/// again, at growing intervals.
///
/// Threads: the engine's, but for what says otherwise. Blocking: none. Allocates nothing.
class LazyContext {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::milliseconds first_interval{10};
    static constexpr std::chrono::milliseconds longest_interval{5120};
    /// A smaller context is of no use: the engine itself has two polls in it.
    static constexpr unsigned least_events = 8;

    explicit LazyContext(unsigned depth) noexcept;

    /// Makes it, where that was not tried yet or is worth another try. Whether this call has.
    [[nodiscard]] bool make() noexcept;
    /// Whether make() may do anything. One load.
    [[nodiscard]] bool may_be_made() const noexcept { return may_be_made_; }
    /// io_submit is refused: nothing is submitted any more. What is in flight ends as usual.
    void lose(const std::error_code& error) noexcept { error_ = error; }

    /// The largest depth of which a context takes at most so many events; 0 where there is none.
    [[nodiscard]] static unsigned depth_within(std::uint64_t events) noexcept;
    /// Of a context of the depth that was asked for, with its own polls.
    [[nodiscard]] unsigned events_asked() const noexcept;
    /// Null where there is none. Stays once it is there. Any thread.
    [[nodiscard]] Context* get() const noexcept { return made_.load(std::memory_order_acquire); }
    /// Why there is none, or why it is of no use any more.
    [[nodiscard]] const std::error_code& error() const noexcept { return error_; }
    /// Operations and polls that it has room for; as asked for until it is made.
    [[nodiscard]] unsigned depth() const noexcept { return depth_; }
    [[nodiscard]] unsigned polls() const noexcept { return polls_; }

    /// Waits until the kernel has given back what is in flight.
    void close() noexcept {
        made_.store(nullptr, std::memory_order_relaxed);
        context_.reset();
    }

private:
    void open() noexcept;

    const unsigned asked_;
    unsigned depth_;
    unsigned polls_ = 0;
    bool may_be_made_ = true;
    std::error_code error_;
    std::chrono::milliseconds interval_{0}; // until the next try; 0: none was made
    Clock::time_point next_try_{};
    std::optional<Context> context_;
    std::atomic<Context*> made_{nullptr};
};

} // namespace engine
AIOXX_NAMESPACE_END
