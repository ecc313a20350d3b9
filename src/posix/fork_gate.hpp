// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include "core/fork_generation.hpp"

#include <atomic>
#include <cstdint>

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
    /// While it exists, and is_open(), no fork begins.
    class Passage {
    public:
        Passage() noexcept {
            in_passage.store(fork_generation::current());
            is_open_ = forks.load() == 0;
        }
        ~Passage() {
            in_passage.store(none);
            in_passage.notify_all();
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
        forks.fetch_add(1);
        const std::uint64_t ours = fork_generation::current();
        if (in_passage.load() == ours) {
            in_passage.wait(ours);
        }
    }
    /// After it, in the parent.
    static void open() noexcept { forks.fetch_sub(1); }
    /// In the child, which has no other thread.
    static void open_in_child() noexcept { forks.store(0); }

private:
    static constexpr std::uint64_t none = UINT64_MAX;

    static inline std::atomic<int> forks{0}; // that have begun
    /// The generation of the process whose thread is, or none. A child that was made without the C
    /// library's fork may find its parent's.
    static inline std::atomic<std::uint64_t> in_passage{none};
};

} // namespace posix
AIOXX_NAMESPACE_END
