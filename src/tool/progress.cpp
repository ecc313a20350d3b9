// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/progress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tool {
namespace {

using namespace std::chrono_literals;

// Between two drawings the cursor is at the bar's first letter. A window that has become narrower
// may have folded the bar into several rows: from there on they are cleared all together.
constexpr std::string_view clear_to_end = "\033[J";
// A window may become narrower after it was asked for its width.
constexpr std::string_view without_wrapping = "\033[?7l";
constexpr std::string_view with_wrapping = "\033[?7h";

std::size_t terminal_width() noexcept {
    constexpr std::size_t usual = 80;
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
    return known ? size.ws_col : usual;
}

void print(std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
        if (written <= 0) {
            return; // a bar that cannot be drawn is no reason to stop copying
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// "12.3 MiB"
std::string bytes_text(double bytes) {
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t unit = 0;
    while (bytes >= 1000 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    const auto tenths = static_cast<long>(std::lround(bytes * 10));
    std::string text = std::to_string(tenths / 10);
    if (unit != 0) {
        text.append(1, '.').append(std::to_string(tenths % 10));
    }
    return text + ' ' + units[unit];
}

/// "1:02:03", "2:03"
std::string time_text(double seconds) {
    const auto whole = static_cast<long>(std::lround(std::min(seconds, 3600.0 * 9999)));
    const auto two = [](long value) { return (value < 10 ? ":0" : ":") + std::to_string(value); };
    const long hours = whole / 3600;
    const long minutes = whole / 60 % 60;
    const std::string front =
        hours == 0 ? std::to_string(minutes) : std::to_string(hours) + two(minutes);
    return front + two(whole % 60);
}

/// "[####----] ", of which a share is done, in what is left of a line; nothing where that is
/// little.
std::string bar_text(double share, std::size_t room, std::size_t used) {
    constexpr std::size_t smallest = 8;
    constexpr std::size_t largest = 50;
    constexpr std::size_t around = 3;
    if (room < used + around + smallest) {
        return {};
    }
    const std::size_t length = std::min(room - used - around, largest);
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(length));
    return '[' + std::string(filled, '#') + std::string(length - filled, '-') + "] ";
}

/// What a job in the background draws is not looked at, and it may be stopped for that. Where this
/// is not the terminal of the session, there are no jobs on it.
bool is_in_background() noexcept {
    const pid_t foreground = ::tcgetpgrp(STDERR_FILENO);
    return foreground >= 0 && foreground != ::getpgrp();
}

/// False for a terminal that would hold up a write.
bool takes_output() noexcept {
    pollfd terminal{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&terminal, 1, 0) > 0 && (terminal.revents & POLLOUT) != 0;
}

bool is_dumb() noexcept {
    const char* const type = std::getenv("TERM");
    return type != nullptr && std::string_view{type} == "dumb"; // no cursor that goes back
}

} // namespace

Progress::Progress(bool quiet) : shown_(!quiet && ::isatty(STDERR_FILENO) == 1 && !is_dumb()) {}

Progress::~Progress() {
    make_way();
}

bool Progress::may_draw() const noexcept {
    return shown_ && !is_in_background() && takes_output();
}

void Progress::begin(std::string label, std::int64_t total, int passes) {
    label_ = std::move(label);
    total_ = total;
    passes_ = passes;
    done_ = 0;
    begun_ = Clock::now();
    next_draw_ = begun_;
}

void Progress::update(std::int64_t done) {
    done_ = done;
    if (!shown_) {
        return;
    }
    const Clock::time_point now = Clock::now();
    if (now >= next_draw_) {
        draw(now, false);
        next_draw_ = now + 100ms;
    }
}

void Progress::make_way() {
    if (line_open_ && may_draw()) {
        print('\r' + std::string{clear_to_end});
    }
    line_open_ = false;
    next_draw_ = Clock::now();
}

void Progress::finish(std::string label) {
    label_ = std::move(label);
    total_ = std::max(total_, done_ / passes_); // of some files the size is known by now only
    draw(Clock::now(), true);
    line_open_ = false;
}

double Progress::share() const noexcept {
    const double all = static_cast<double>(total_) * passes_;
    return total_ == 0 ? 1 : std::min(1.0, static_cast<double>(done_) / all);
}

std::vector<std::string> Progress::forms(double seconds, bool last, std::size_t room) const {
    const double rate = static_cast<double>(done_) / seconds;
    const std::string speed = bytes_text(rate) + "/s";
    if (total_ == unknown) {
        const std::string done = bytes_text(static_cast<double>(done_) / passes_);
        return {label_ + ' ' + done + ", " + speed, label_ + ' ' + done, done};
    }
    const double left = rate > 0 ? seconds * (1 - share()) / std::max(share(), 1e-9) : 0;
    const std::string time = last ? "took " + time_text(seconds) : time_text(left) + " left";
    const std::string percent = std::to_string(static_cast<int>(share() * 100)) + '%';
    const std::string of =
        label_ + ' ' + percent + " of " + bytes_text(static_cast<double>(total_)) + ' ';
    const std::string back = speed + ", " + time;
    return {of + bar_text(share(), room, of.size() + back.size()) + back, of + time,
            label_ + ' ' + percent + ", " + time, label_ + ' ' + percent, percent};
}

void Progress::draw(Clock::time_point now, bool last) {
    if (!may_draw()) {
        return;
    }
    const double seconds = std::max(std::chrono::duration<double>(now - begun_).count(), 1e-6);
    const std::size_t room = terminal_width() - 1; // after the last column comes the next line
    const std::vector<std::string> all = forms(seconds, last, room);
    const auto fits = [room](const std::string& form) { return form.size() <= room; };
    const auto form = std::find_if(all.begin(), all.end(), fits);
    std::string text{'\r'};
    text.append(without_wrapping).append(form == all.end() ? std::string{} : *form);
    text.append(clear_to_end).append(with_wrapping);
    print(text + (last ? '\n' : '\r'));
    line_open_ = true;
}

} // namespace tool
