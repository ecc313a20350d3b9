// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/state.hpp"

#include "child.hpp"
#include "engine/operation.hpp"

#include <array>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::State;
using engine::state_count;
using engine::transitions::allowed;

constexpr std::array<std::string_view, state_count> names{
    "idle",   "ordered", "backlog",  "to_call", "to_submit", "kernel",
    "to_run", "worker",  "to_watch", "watched", "to_probe",  "completed"};

std::array<State, state_count> all_states() {
    std::array<State, state_count> all{};
    for (std::size_t i = 0; i < state_count; ++i) {
        all[i] = static_cast<State>(i);
    }
    return all;
}

/// The states from idle to `wanted`, without idle; empty for idle, and for what is not reached.
std::vector<State> way_to(State wanted) {
    std::vector<std::vector<State>> ways{{}};
    std::array<bool, state_count> seen{true};
    for (std::size_t i = 0; i < ways.size(); ++i) {
        const State last = ways[i].empty() ? State::idle : ways[i].back();
        if (last == wanted) {
            return ways[i];
        }
        for (const State next : all_states()) {
            if (allowed(last, next) && !std::exchange(seen[static_cast<std::size_t>(next)], true)) {
                ways.push_back(ways[i]);
                ways.back().push_back(next);
            }
        }
    }
    return {};
}

/// Moves an operation from idle by the table's ways into `from`, and then to `next`.
int move(State from, State next) {
    engine::Operation operation;
    for (const State step : way_to(from)) {
        operation.move_to(step);
    }
    operation.move_to(next);
    return operation.state() == next ? 0 : 1;
}

TEST_CASE("each state is reached from idle, and each leads back to it") {
    for (const State state : all_states()) {
        CAPTURE(names[static_cast<std::size_t>(state)]);
        CHECK((state == State::idle || !way_to(state).empty()));
        // To be completed is possible at any time: an operation is cancelled, or refused.
        CHECK((state == State::completed || allowed(state, State::completed)));
    }
    CHECK(allowed(State::completed, State::idle));
}

TEST_CASE("what has completed is taken, and nothing else becomes of it") {
    for (const State next : all_states()) {
        CAPTURE(names[static_cast<std::size_t>(next)]);
        CHECK(allowed(State::completed, next) == (next == State::idle));
        CHECK(allowed(next, State::idle) == (next == State::completed));
    }
}

TEST_CASE("only what is started waits behind others, and no state follows itself in vain") {
    for (const State from : all_states()) {
        CAPTURE(names[static_cast<std::size_t>(from)]);
        CHECK(allowed(from, State::ordered) == (from == State::idle));
    }
    for (const State state : {State::idle, State::ordered, State::kernel, State::worker,
                              State::watched, State::to_probe, State::completed}) {
        CAPTURE(names[static_cast<std::size_t>(state)]);
        CHECK_FALSE(allowed(state, state));
    }
}

TEST_CASE("a part has an operation after the list that is for that part") {
    for (const State from : all_states()) {
        CAPTURE(names[static_cast<std::size_t>(from)]);
        CHECK(allowed(from, State::kernel) == (from == State::to_submit));
        CHECK(allowed(from, State::worker) == (from == State::to_run));
        // A poll that io_submit refuses, here or on a worker, waits by epoll.
        const bool by_readiness = from == State::to_watch || from == State::to_submit ||
                                  from == State::to_run || from == State::worker ||
                                  from == State::idle;
        CHECK(allowed(from, State::watched) == by_readiness);
    }
}

TEST_CASE("a file's end is looked for after a transfer, and before the next part of it") {
    for (const State from : all_states()) {
        CAPTURE(names[static_cast<std::size_t>(from)]);
        const bool transfers = from == State::to_call || from == State::kernel ||
                               from == State::to_run || from == State::worker;
        CHECK(allowed(from, State::to_probe) == transfers);
    }
}

TEST_CASE("an operation moves as the table allows") {
    for (const State from : all_states()) {
        for (const State next : all_states()) {
            if (allowed(from, next)) {
                CAPTURE(names[static_cast<std::size_t>(from)]);
                CAPTURE(names[static_cast<std::size_t>(next)]);
                CHECK(move(from, next) == 0);
            }
        }
    }
}

#ifndef NDEBUG
TEST_CASE("a move that the table does not allow ends a program with assertions") {
    constexpr std::array<std::array<State, 2>, 6> wrong{{{State::idle, State::kernel},
                                                         {State::idle, State::idle},
                                                         {State::completed, State::to_submit},
                                                         {State::watched, State::ordered},
                                                         {State::ordered, State::worker},
                                                         {State::backlog, State::kernel}}};
    for (const auto& pair : wrong) {
        const State from = pair[0];
        const State next = pair[1];
        CAPTURE(names[static_cast<std::size_t>(from)]);
        CAPTURE(names[static_cast<std::size_t>(next)]);
        const ChildEnd end = run_in_child([from, next] { return move(from, next); });
        CHECK(end.signal == SIGABRT);
        CHECK(end.errors.find("transitions::allowed") != std::string::npos);
    }
}
#endif

} // namespace
} // namespace aioxx::test
