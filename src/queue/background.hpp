// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>
#include <cstdint>

#include <pthread.h>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// The threads in which contexts of queues that have ended are given back, one for each.
///
/// Where this code can be unloaded, its end waits for them: one that ends joins the one that ended
/// before it, and the last is joined by the module's destructor. Elsewhere they are detached.
///
/// Threads: any.
class Background {
public:
    /// A queue that has ended. Its owner derives from it.
    struct Rest {
        void (*destroy)(Rest& rest) noexcept = nullptr;
        Background* background = nullptr;
    };

    /// That of this process: a forked child has another. Throws std::bad_alloc.
    static Background& of_this_process();

    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    /// Has `rest`, whose `background` is this, destroyed by a thread, or at once where there is
    /// none to be had. Allocates nothing. `hangs`: it may be that this never ends, so the code is
    /// kept.
    void destroy(Rest& rest, bool hangs) noexcept;
    /// Waits for all threads. Nothing may begin meanwhile.
    static void end() noexcept;

private:
    Background(std::uint64_t generation, Background* parents) noexcept;
    ~Background() = default;

    static void* run(void* rest) noexcept;

    const std::uint64_t generation_; // of the process whose threads these are
    Background* const parents_;      // left alone
    const bool can_be_unloaded_;
    std::atomic<bool> kept_{false};
    std::atomic<unsigned> running_{0};
    std::atomic<pthread_t> ended_{}; // the last that ended, to be joined
};

} // namespace queue
AIOXX_NAMESPACE_END
