// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// What a terminal shows of the text that a program writes to it, also when its window changes.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {

class Screen {
public:
    /// What becomes of a line that is wider than the window has become.
    enum class Shrunk : unsigned char {
        folds, ///< It goes on in the next row, and the cursor stays at its letter (VTE, tmux).
        cuts,  ///< Its end is gone (xterm).
    };

    Screen(std::size_t width, Shrunk shrunk) : width_(width), shrunk_(shrunk) {}

    void write(std::string_view text) {
        while (!text.empty()) {
            const std::size_t length = text[0] == '\033' ? sequence_length(text) : 1;
            if (text[0] == '\033') {
                obey(text.substr(0, length));
            } else {
                put(text[0]);
            }
            text.remove_prefix(length);
        }
    }

    void resize(std::size_t width) {
        width_ = width;
        if (shrunk_ == Shrunk::folds) {
            fold();
        }
        for (Row& row : rows_) {
            row.text.resize(std::min(row.text.size(), width_));
        }
        column_ = std::min(column_, width_ - 1);
    }

    /// What stands in it, each line as it was before it was folded.
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> all;
        for (const Line& line : unfolded()) {
            if (!line.text.empty()) {
                all.push_back(line.text);
            }
        }
        return all;
    }

private:
    struct Row {
        std::string text;
        bool goes_on = false; // in the next row
    };
    struct Line {
        std::string text;
        std::size_t cursor = std::string::npos; // where it is in this line
    };

    static std::size_t sequence_length(std::string_view text) {
        const auto is_last = [](char c) { return c >= '@' && c <= '~'; };
        const auto* const last = std::find_if(text.begin() + 2, text.end(), is_last);
        return static_cast<std::size_t>(last - text.begin()) + 1;
    }

    void obey(std::string_view sequence) {
        Row& row = rows_[row_];
        if (sequence == "\033[K" || sequence == "\033[J") {
            row.text.resize(std::min(row.text.size(), column_));
            row.goes_on = false;
            rows_.resize(sequence == "\033[J" ? row_ + 1 : rows_.size());
        } else if (sequence == "\033[?7l" || sequence == "\033[?7h") {
            wraps_ = sequence.back() == 'h';
        } else {
            FAIL_CHECK("unknown: " << std::string{sequence.substr(1)});
        }
    }

    void put(char letter) {
        if (letter == '\r') {
            column_ = 0;
        } else if (letter == '\n') {
            next_row(false);
        } else {
            if (column_ == width_ && wraps_) {
                next_row(true);
            }
            column_ = std::min(column_, width_ - 1);
            std::string& text = rows_[row_].text;
            text.resize(std::max(text.size(), column_ + 1), ' ');
            text[column_++] = letter;
        }
    }

    void next_row(bool goes_on) {
        rows_[row_].goes_on = goes_on;
        column_ = 0;
        if (++row_ == rows_.size()) {
            rows_.emplace_back();
        }
    }

    [[nodiscard]] std::vector<Line> unfolded() const {
        std::vector<Line> lines;
        bool goes_on = false;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (!goes_on) {
                lines.emplace_back();
            }
            Line& line = lines.back();
            line.cursor = i == row_ ? line.text.size() + column_ : line.cursor;
            line.text += rows_[i].text;
            goes_on = rows_[i].goes_on;
        }
        return lines;
    }

    void fold() {
        const std::vector<Line> lines = unfolded();
        rows_.clear();
        for (const Line& line : lines) {
            const std::size_t first = rows_.size();
            std::size_t at = 0;
            do {
                rows_.push_back({line.text.substr(at, width_), at + width_ < line.text.size()});
                at += width_;
            } while (at < line.text.size());
            if (line.cursor != std::string::npos) {
                row_ = std::min(first + line.cursor / width_, rows_.size() - 1);
                column_ = line.cursor - (row_ - first) * width_;
            }
        }
    }

    std::size_t width_;
    Shrunk shrunk_;
    std::vector<Row> rows_{1};
    std::size_t row_ = 0;
    std::size_t column_ = 0;
    bool wraps_ = true;
};

} // namespace aioxx::test
