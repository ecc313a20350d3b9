// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/engines/request.h"
#include "bench/histogram.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// What an engine is to do, again and again: all engines of a measurement get the same one.
struct Workload {
    int fd;
    std::size_t block_size;
    unsigned depth;                    // operations in flight
    std::byte* buffers;                // one block for each of `depth`
    std::span<const request> requests; // a power of two of them, taken in turn

    [[nodiscard]] const request& at(std::size_t index) const noexcept {
        return requests[index & (requests.size() - 1)];
    }
    [[nodiscard]] std::byte* buffer(std::size_t slot) const noexcept {
        return buffers + slot * block_size;
    }
    [[nodiscard]] std::int64_t expected(const request& request) const noexcept {
        return request.kind == request_sync ? 0 : static_cast<std::int64_t>(block_size);
    }
};

/// A way to carry a workload out. Setup is in the constructor, and is not measured.
class Engine {
public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    /// Carries out `operations` of the workload's requests, from number `first` on, with up to
    /// `depth` in flight, and leaves none. Throws when one fails or is short.
    virtual void run(std::size_t first, std::uint64_t operations) = 0;
    /// The same, recording each operation's latency.
    virtual void run_timed(std::size_t first, std::uint64_t operations, Histogram& latencies) = 0;
};

/// Thrown where the machine, the user or the build does not have an engine: it is left out.
struct Unavailable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// One line of the list of engines; engine.cpp holds the list.
struct EngineEntry {
    const char* name;
    const char* description;
    std::unique_ptr<Engine> (*make)(const Workload&); // may throw Unavailable
    bool preloaded = false; // its process has Options::posix_library in front of the C library
};
std::span<const EngineEntry> engines();
const EngineEntry& engine_named(const std::string& name);

/// Throws for an operation that did not give what it should.
[[noreturn]] void fail_operation(const char* engine, std::int64_t result);

class NoClock {
public:
    static void start(std::size_t) noexcept {}
    static void stop(std::size_t) noexcept {}
};

class LatencyClock {
public:
    LatencyClock(std::size_t slots, Histogram& latencies) : started_(slots), to_(latencies) {}
    void start(std::size_t slot) noexcept { started_[slot] = Now::now(); }
    void stop(std::size_t slot) noexcept {
        const std::chrono::nanoseconds spent = Now::now() - started_[slot];
        to_.record(static_cast<std::uint64_t>(spent.count()));
    }

private:
    using Now = std::chrono::steady_clock;
    std::vector<Now::time_point> started_;
    Histogram& to_;
};

/// Makes both functions of an engine from one `loop(operations, clock)`, so that the loop that is
/// compared has no trace of the clock. `Self` has members `workload_` and `next_request_`.
template <typename Self>
class LoopEngine : public Engine {
public:
    void run(std::size_t first, std::uint64_t operations) final {
        NoClock clock;
        self().next_request_ = first;
        self().loop(operations, clock);
    }
    void run_timed(std::size_t first, std::uint64_t operations, Histogram& latencies) final {
        self().next_request_ = first;
        LatencyClock clock{self().workload_.depth, latencies};
        self().loop(operations, clock);
    }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }
};

} // namespace bench
