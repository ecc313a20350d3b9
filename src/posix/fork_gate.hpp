// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Keeps forks apart from the making of descriptors that a child has to close. A fork copies the
/// descriptors first and the memory later: of one that is made in between, or is not written down
/// yet, the child would not know.
///
/// Threads: forks by any; one thread at a time makes. Blocking: a fork waits for what is being made
/// just then, which is some system calls that do not wait; who makes never waits for a fork.
/// Children that were made without the C library's fork are not kept apart.
class ForkGate {
public:
    /// While it exists no fork begins, if it `is_open`.
    class Passage {
    public:
        Passage() noexcept {
            in_passage_.store(true);
            is_open_ = forks_.load() == 0;
        }
        ~Passage() {
            in_passage_.store(false);
            in_passage_.notify_all();
        }
        Passage(const Passage&) = delete;
        Passage& operator=(const Passage&) = delete;

        /// False: a thread is forking, and nothing may be made.
        [[nodiscard]] bool is_open() const noexcept { return is_open_; }

    private:
        bool is_open_;
    };

    /// Before a fork.
    static void close() noexcept {
        forks_.fetch_add(1);
        in_passage_.wait(true);
    }
    /// After it, in the parent.
    static void open() noexcept { forks_.fetch_sub(1); }
    /// After it, in the child, which has no other thread.
    static void open_in_child() noexcept { forks_.store(0); }

private:
    static inline std::atomic<int> forks_{0}; // that have begun
    static inline std::atomic<bool> in_passage_{false};
};

} // namespace posix
AIOXX_NAMESPACE_END
