// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "scheduler_world.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aioxx::test {

/// A set of digests, each with the most faults that were left when its state was reached.
class SeenStates {
public:
    SeenStates();
    /// Whether the state is new, or was reached with fewer faults left: then it is to be explored.
    bool insert(std::uint64_t digest, unsigned faults_left);
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    void grow();

    std::vector<std::uint64_t> places_; // 0: free; the lowest bits hold the faults left
    std::size_t size_ = 0;
};

/// What a search has found.
struct Found {
    std::size_t states = 0; // distinct ones
    std::size_t steps = 0;
    std::size_t deepest = 0;
    std::array<std::size_t, event_count> events{}; // steps of each kind
    std::string broken; // what does not hold, and the steps to there; empty: all holds
};

/// Goes through every state that the scenario has, depth first, and checks each step. Ends at the
/// first thing that does not hold.
Found search(const Scenario& scenario);

} // namespace aioxx::test
