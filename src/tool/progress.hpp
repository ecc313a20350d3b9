// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tool {

/// A bar on the terminal behind standard error, with rate and time left; on a narrow one less of
/// that, so that it is one line at any width. It is not drawn while the job is in the background,
/// nor while the terminal takes nothing (^S).
class Progress {
public:
    /// Shows nothing unless standard error is a terminal, not a dumb one, nor when `quiet`.
    explicit Progress(bool quiet);
    /// Ends the line, or clears it when the work was left unfinished.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// A total that is known at the end only.
    static constexpr std::int64_t unknown = -1;

    /// Starts a bar of its own for a part of the work, of `total` bytes, which are gone through so
    /// many times.
    void begin(std::string label, std::int64_t total, int passes = 1);
    /// Draws some ten times a second at the most.
    void update(std::int64_t done);
    void add(std::int64_t more) { update(done_ + more); }
    /// Draws its end, with `label` now.
    void finish(std::string label);
    /// Before something else is written: it goes on below.
    void make_way();

private:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] bool may_draw() const noexcept;
    void draw(Clock::time_point now, bool last);
    /// What it says, the longest first, which has a bar where there is room.
    [[nodiscard]] std::vector<std::string> forms(double seconds, bool last, std::size_t room) const;
    [[nodiscard]] double share() const noexcept;

    bool shown_;
    bool line_open_ = false;
    std::string label_;
    std::int64_t total_ = 0;
    int passes_ = 1;
    std::int64_t done_ = 0;
    Clock::time_point begun_;
    Clock::time_point next_draw_;
};

} // namespace tool
