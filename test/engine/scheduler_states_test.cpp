// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Every state of a scheduler with a few operations, in every order of events.

#include "scheduler_search.hpp"
#include "skip.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::FileTraits;
using engine::Kind;

constexpr FileTraits cached{.regular = true};
constexpr FileTraits direct{.regular = true, .direct = true, .alignment = 2};
constexpr FileTraits log{.regular = true, .append = true};
constexpr FileTraits stream{.stream = true};
constexpr FileTraits served{
    .regular = true, .direct = true, .starting_waits = true, .on_server = true, .alignment = 2};
constexpr FileTraits remote{.regular = true, .direct = true, .on_server = true, .alignment = 2};

std::vector<Scenario> scenarios() {
    return {
        {.name = "three appends, one of them synchronous, and a flush, beside a direct write",
         .files = {{.traits = log, .closes = true}, {.traits = direct}},
         .operations = {{.file = 0, .kind = Kind::write, .exact = true},
                        {.file = 0, .kind = Kind::write, .flags = RwFlags::dsync},
                        {.file = 0, .kind = Kind::fsync, .after_writes = true},
                        {.file = 0, .kind = Kind::write},
                        {.file = 1, .kind = Kind::write}},
         .slots = {1, 2, 0, 1},
         .faults = 3},
        {.name = "ranks in the backlog, while slots come and go",
         .files = {{.traits = cached}, {.traits = direct}},
         .operations = {{.file = 0, .kind = Kind::read, .rank = 3},
                        {.file = 0, .kind = Kind::read, .flags = RwFlags::nowait, .rank = 1},
                        {.file = 1, .kind = Kind::write, .rank = 3},
                        {.file = 1, .kind = Kind::fsync, .rank = 1}},
         .slots = {0, 1, 2, 0, 1},
         .faults = 2,
         .any_order = true},
        {.name = "operations that are used twice",
         .files = {{.traits = direct, .slept = 1}, {.traits = stream, .reopens = true}},
         .operations = {{.file = 0, .kind = Kind::write, .exact = true, .times = 2},
                        {.file = 1, .kind = Kind::readv, .exact = true, .times = 2},
                        {.file = 0, .kind = Kind::fsync, .after_writes = true},
                        {.file = 1, .kind = Kind::poll}},
         .slots = {1},
         .faults = 2},
        {.name = "transfers of the page cache, and one slot",
         .files = {{.traits = cached}},
         .operations = {{.kind = Kind::read, .length = 4},
                        {.kind = Kind::write, .length = 3},
                        {.kind = Kind::read, .exact = true}},
         .slots = {1, 0, 1},
         .faults = 4},
        {.name = "a flush that waits for reads, all tried with NOWAIT",
         .files = {{.traits = direct, .closes = true, .slept = 1},
                   {.traits = stream, .impossible = {EBADF, 0}}},
         .operations = {{.file = 0, .kind = Kind::read, .length = 4, .exact = true},
                        {.file = 0, .kind = Kind::write, .length = 4, .exact = true},
                        {.file = 0, .kind = Kind::fsync, .after_writes = true},
                        {.file = 1, .kind = Kind::read},
                        {.file = 1, .kind = Kind::read}},
         .slots = {1, 2},
         .faults = 3,
         .options = {.nowait_always = true, .flush_after_reads = true}},
        {.name = "a direct write that is tried with NOWAIT, and that is to end",
         .files = {{.traits = direct}},
         .operations = {{.kind = Kind::write, .length = 4}},
         .slots = {1},
         .faults = 4,
         .options = {.nowait_always = true}},
        {.name = "direct writes that are tried with NOWAIT, on a number that expires",
         .files = {{.traits = direct, .expires = true, .keeps = true}},
         .operations = {{.kind = Kind::write}, {.kind = Kind::write}},
         .slots = {1, 2},
         .faults = 2,
         .options = {.nowait_always = true}},
        {.name = "flushes behind direct writes, of which one goes on until all is written",
         .files = {{.traits = direct}},
         .operations = {{.file = 0, .kind = Kind::write, .length = 4, .exact = true},
                        {.file = 0, .kind = Kind::writev, .exact = true},
                        {.file = 0, .kind = Kind::fdatasync, .after_writes = true},
                        {.file = 0, .kind = Kind::write},
                        {.file = 0, .kind = Kind::fsync, .after_writes = true}},
         .slots = {2, 1, 0, 2},
         .faults = 3},
        {.name = "direct transfers on a server and on a disk, for two slots",
         .files = {{.traits = served}, {.traits = direct}},
         .operations = {{.file = 0, .kind = Kind::write, .length = 4, .exact = true},
                        {.file = 0, .kind = Kind::read, .length = 4, .exact = true},
                        {.file = 1, .kind = Kind::read},
                        {.file = 1, .kind = Kind::write}},
         .slots = {2},
         .faults = 2},
        {.name = "reads that are not watched, while slots come and go",
         .files = {{.traits = direct, .trusted = true}},
         .operations = {{.kind = Kind::read, .rank = 3},
                        {.kind = Kind::readv, .rank = 1},
                        {.kind = Kind::read, .flags = RwFlags::nowait, .rank = 1}},
         .slots = {1, 0, 2},
         .faults = 2},
        {.name = "a flush that waits for reads that are not watched",
         .files = {{.traits = direct, .trusted = true}},
         .operations = {{.kind = Kind::read, .length = 4, .exact = true},
                        {.kind = Kind::read},
                        {.kind = Kind::fsync, .after_writes = true},
                        {.kind = Kind::write}},
         .slots = {2, 1},
         .faults = 2,
         .options = {.flush_after_reads = true}},
        {.name = "reads that are not watched, of a server and of a disk, for two slots",
         .files = {{.traits = remote, .trusted = true}, {.traits = direct, .trusted = true}},
         .operations = {{.file = 0, .kind = Kind::read, .length = 4, .exact = true},
                        {.file = 0, .kind = Kind::read},
                        {.file = 1, .kind = Kind::read},
                        {.file = 1, .kind = Kind::write}},
         .slots = {2},
         .faults = 2},
        {.name = "direct transfers on a disk that falls silent, and on another",
         .files = {{.traits = direct, .silent = true, .trusted = true}, {.traits = direct}},
         .operations = {{.file = 0, .kind = Kind::write, .length = 4, .exact = true},
                        {.file = 0, .kind = Kind::read, .length = 4},
                        {.file = 1, .kind = Kind::read},
                        {.file = 1, .kind = Kind::write}},
         .slots = {2, 1},
         .faults = 3},
        {.name = "a cold read, a direct write, and two reads on a stream",
         .files = {{.traits = cached}, {.traits = direct, .slept = 1}, {.traits = stream}},
         .operations = {{.file = 0, .kind = Kind::read},
                        {.file = 1, .kind = Kind::write},
                        {.file = 2, .kind = Kind::read},
                        {.file = 2, .kind = Kind::read}},
         .slots = {1, 2, 1},
         .faults = 3},
        {.name = "a stream whose number expires, and that is closed",
         .files = {{.traits = stream, .expires = true, .closes = true, .lingers = true},
                   {.traits = log, .expires = true, .closes = true}},
         .operations = {{.file = 0, .kind = Kind::read},
                        {.file = 1, .kind = Kind::write},
                        {.file = 0, .kind = Kind::read},
                        {.file = 1, .kind = Kind::write}},
         .slots = {1},
         .faults = 2},
        {.name = "reads and a write on one stream, and a poll",
         .files = {{.traits = stream, .reopens = true}},
         .operations = {{.kind = Kind::read, .exact = true},
                        {.kind = Kind::write, .exact = true},
                        {.kind = Kind::readv},
                        {.kind = Kind::poll}},
         .slots = {1, 2},
         .faults = 2},
        {.name = "numbers that expire: a cold read, a direct write, a poll and a flush",
         .files = {{.traits = cached, .expires = true, .keeps = true},
                   {.traits = direct, .expires = true, .keeps = true}},
         .operations = {{.file = 0, .kind = Kind::read, .length = 3, .exact = true},
                        {.file = 1, .kind = Kind::write, .exact = true},
                        {.file = 0, .kind = Kind::poll},
                        {.file = 1, .kind = Kind::fsync, .after_writes = true}},
         .slots = {1},
         .faults = 2},
    };
}

/// Under valgrind it would take a quarter of an hour, and there is no memory that comes and goes.
TEST_CASE("in any order of events each operation completes once, in its order, by one holder") {
    SKIP_UNDER_VALGRIND("time for millions of states");
    SKIP_UNDER_TSAN("millions of states, and one thread");
    constexpr std::size_t enough = 1'000'000;
    std::size_t states = 0;
    std::array<std::size_t, event_count> steps{};
    for (const Scenario& scenario : scenarios()) {
        const auto before = std::chrono::steady_clock::now();
        const Found found = search(scenario);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
        std::printf("%8zu states, %8zu steps, %3zu deep, %4.1f s: %s\n", found.states, found.steps,
                    found.deepest, took.count(), scenario.name);
        std::fflush(stdout);
        states += found.states;
        for (std::size_t event = 0; event < event_count; ++event) {
            steps[event] += found.events[event];
        }
        if (!found.broken.empty()) {
            FAIL(found.broken);
        }
    }
    std::printf("%8zu states in all\n", states);
    CHECK(states >= enough);
    for (std::size_t event = 0; event < event_count; ++event) {
        CAPTURE(name_of(static_cast<Event>(event)));
        CHECK(steps[event] > 0);
    }
}

} // namespace
} // namespace aioxx::test
