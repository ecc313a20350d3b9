// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/progress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace tool {
namespace {

using namespace std::chrono_literals;

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

} // namespace

Progress::Progress(bool quiet) : shown_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    if (line_open_) {
        print("\r\033[K");
    }
}

void Progress::begin(std::string label, std::int64_t total) {
    label_ = std::move(label);
    total_ = total;
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

void Progress::finish() {
    if (shown_) {
        total_ = total_ == unknown ? done_ : total_;
        done_ = total_;
        draw(Clock::now(), true);
        print("\n");
        line_open_ = false;
    }
}

void Progress::draw(Clock::time_point now, bool last) {
    const double seconds = std::max(std::chrono::duration<double>(now - begun_).count(), 1e-6);
    const double rate = static_cast<double>(done_) / seconds;
    line_open_ = true;
    if (total_ == unknown) {
        print('\r' + label_ + ' ' + bytes_text(static_cast<double>(done_)) + ", " +
              bytes_text(rate) + "/s\033[K");
        return;
    }
    const double share = total_ == 0 ? 1 : static_cast<double>(done_) / static_cast<double>(total_);
    const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;

    const std::string front = label_ + ' ' + std::to_string(static_cast<int>(share * 100)) +
                              "% of " + bytes_text(static_cast<double>(total_)) + ' ';
    const std::string back = ' ' + bytes_text(rate) + "/s, " +
                             (last ? "took " + time_text(seconds) : time_text(left) + " left");
    std::string line = front;
    const std::size_t used = front.size() + back.size() + 3; // brackets, and the last column
    if (const std::size_t width = terminal_width(); width > used + 8) {
        const std::size_t room = std::min<std::size_t>(width - used, 50);
        const auto filled = static_cast<std::size_t>(share * static_cast<double>(room));
        line += '[' + std::string(filled, '#') + std::string(room - filled, '-') + ']';
    }
    print('\r' + line + back + "\033[K");
}

} // namespace tool
