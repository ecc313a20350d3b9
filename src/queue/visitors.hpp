// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// Counts the threads that are about to tell a queue something. It may be gone for its user before
/// they have returned, but not its memory and its descriptors.
///
/// Threads: any. Async-signal-safe, but for await_none().
class Visitors {
public:
    /// Before anything is told: so that a thread that sees it told sees the visitor too.
    void enter() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
    /// The last that a visitor does.
    void leave() noexcept {
        count_.fetch_sub(1, std::memory_order_release);
        count_.notify_all(); // by its address alone
    }
    void await_none() const noexcept {
        for (int left = count_.load(std::memory_order_acquire); left != 0;
             left = count_.load(std::memory_order_acquire)) {
            count_.wait(left, std::memory_order_relaxed);
        }
    }

private:
    std::atomic<int> count_{0};
};

class Visit {
public:
    explicit Visit(Visitors& visitors) noexcept : visitors_(visitors) { visitors_.enter(); }
    ~Visit() { visitors_.leave(); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

private:
    Visitors& visitors_;
};

} // namespace queue
AIOXX_NAMESPACE_END
