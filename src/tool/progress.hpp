// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tool {

/// A bar on the terminal behind standard error, with rate and time left.
class Progress {
public:
    /// Shows nothing unless standard error is a terminal, nor when `quiet`.
    explicit Progress(bool quiet);
    /// Ends the line, or clears it when the work was left unfinished.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// A total that is known at the end only.
    static constexpr std::int64_t unknown = -1;

    /// Starts a bar of its own for a part of the work, of `total` bytes.
    void begin(std::string label, std::int64_t total);
    /// Draws some ten times a second at the most.
    void update(std::int64_t done);
    void finish();

private:
    using Clock = std::chrono::steady_clock;

    void draw(Clock::time_point now, bool last);

    bool shown_;
    bool line_open_ = false;
    std::string label_;
    std::int64_t total_ = 0;
    std::int64_t done_ = 0;
    Clock::time_point begun_;
    Clock::time_point next_draw_;
};

} // namespace tool
