// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Where an operation is. Each state has one holder, and each operation is in one state.
enum class State : std::uint8_t {
    idle,      // the floor above has it: not started, or given back
    ordered,   // waits behind earlier operations on its file
    backlog,   // waits for a slot in the context
    to_call,   // the engine's own thread makes its call, which waits for nothing
    to_submit, // goes with the next io_submit
    kernel,    // accepted by io_submit; its event has not been seen
    to_run,    // waits to be given to a worker
    worker,    // with the worker pool
    to_watch,  // waits to be given to Readiness
    watched,   // waits until its file is ready
    to_probe,  // the engine looks whether its file ends here
    completed, // its result is known; waits to be taken
};
inline constexpr std::size_t state_count = 12;

/// The one table of transitions: transitions[from] has a bit for each state that may follow.
/// doc/engine.md shows it.
namespace transitions {

constexpr std::uint16_t to(State state) noexcept {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(state));
}
/// What an operation may become when nothing is in front of it.
inline constexpr std::uint16_t onward = to(State::backlog) | to(State::to_call) |
                                        to(State::to_submit) | to(State::to_run) |
                                        to(State::to_watch) | to(State::completed);

inline constexpr std::array<std::uint16_t, state_count> table{
    /* idle */ onward | to(State::ordered) | to(State::watched),
    /* ordered */ onward,
    /* backlog */ onward,
    /* to_call */ onward | to(State::to_probe),
    // A poll that io_submit refuses waits by epoll: watched.
    /* to_submit */ onward | to(State::kernel) | to(State::watched),
    /* kernel */ onward | to(State::to_probe),
    /* to_run */ onward | to(State::worker) | to(State::to_probe) | to(State::watched),
    /* worker */ onward | to(State::to_probe) | to(State::watched),
    /* to_watch */ onward | to(State::watched),
    /* watched */ onward,
    /* to_probe */ onward,
    /* completed */ to(State::idle),
};

constexpr bool allowed(State from, State next) noexcept {
    return (table[static_cast<std::size_t>(from)] & to(next)) != 0;
}

} // namespace transitions
} // namespace engine
AIOXX_NAMESPACE_END
