// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/chaos_targets.hpp"

#include <atomic>
#include <memory>
#include <random>
#include <vector>

namespace aioxx::test::chaos {

/// Does what its seed says to targets of its own, in one thread.
class Worker {
public:
    explicit Worker(std::uint64_t seed);

    void run(const std::atomic<bool>& enough);

private:
    using Entry = std::pair<Target*, std::size_t>;

    void act();
    void start_one();
    void start_list();
    void cancel();
    void suspend();
    void look();
    void fork_a_child();
    /// Takes the result if there is one.
    bool take_if_done(Target& target, std::size_t index);
    void end_all();

    unsigned random() { return static_cast<unsigned>(random_() >> 16U); }
    Target& any_target() { return *targets_[random() % targets_.size()]; }
    Entry any_entry() { return {&any_target(), random() % slots_of_target}; }
    Slot::How any_how();

    std::mt19937_64 random_;
    std::vector<std::unique_ptr<Target>> targets_;
};

/// Makes signals harmless, and their handlers look at a request of the thread that they interrupt.
void install_handlers();

} // namespace aioxx::test::chaos
