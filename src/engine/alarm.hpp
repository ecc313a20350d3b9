// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/open_file.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// A timer of the engine's own, and the poll that waits for it as for a stream: so it ends every
/// kind of sleep, and costs nothing while it is not set.
///
/// Ownership: it owns its descriptor. Threads: the engine's.
class Alarm final : public OpenFile {
public:
    /// Null where there is no descriptor or no memory. `high`: with a number at the end of the
    /// table.
    static std::unique_ptr<Alarm> make(bool high) noexcept;
    ~Alarm();

    /// `poll` is ready when the time is over. Stops what was set before.
    void set(std::chrono::nanoseconds time) noexcept;
    [[nodiscard]] bool is_set() const noexcept { return poll.state() != State::idle; }
    /// In a forked child.
    void close() noexcept;

    void keep() noexcept override {}
    void release() noexcept override {}
    int prepare_for_worker(Operation& /*operation*/) noexcept override { return 0; }
    void retire() noexcept override {}

    Operation poll;

private:
    explicit Alarm(const File& timer) noexcept;
};

} // namespace engine
AIOXX_NAMESPACE_END
