// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "child.hpp"
#include "descriptors.hpp"

#include <csignal>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/types.h>
#include <unistd.h>

namespace aioxx::test {

/// The program that is tested, in a process of its own, whose output is read here line by line.
/// Killed with the object, if it still runs.
class Program {
public:
    explicit Program(const std::vector<std::string>& arguments) {
        std::vector<char*> words{const_cast<char*>(PROGRAM)};
        for (const std::string& each : arguments) {
            words.push_back(const_cast<char*>(each.c_str()));
        }
        words.push_back(nullptr);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe2");
        }
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        const int error = ::posix_spawn(&pid_, PROGRAM, &actions, nullptr, words.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output_ = ::fdopen(ends[0], "r");
        if (error != 0 || output_ == nullptr) {
            throw std::system_error(error, std::generic_category(), PROGRAM);
        }
    }
    ~Program() {
        if (pid_ > 0) {
            kill();
            wait();
        }
        std::fclose(output_);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// The next line without its end; false at the end of the output, and for a part of a line.
    bool read_line(std::string& line) {
        line.clear();
        for (int c = std::getc(output_); c != EOF; c = std::getc(output_)) {
            if (c == '\n') {
                return true;
            }
            line += static_cast<char>(c);
        }
        return false;
    }
    /// What is left of them.
    std::vector<std::string> read_lines() {
        std::vector<std::string> lines;
        for (std::string line; read_line(line);) {
            lines.push_back(line);
        }
        return lines;
    }
    /// The next bytes, fewer at the end of the output.
    std::string read_all(std::size_t bytes) {
        std::string text(bytes, '\0');
        text.resize(std::fread(text.data(), 1, bytes, output_));
        return text;
    }

    void kill(int signal = SIGKILL) const { ::kill(pid_, signal); }
    /// How it ended.
    ChildEnd wait() {
        const ChildEnd end = wait_for_child(pid_);
        pid_ = -1;
        return end;
    }

private:
    pid_t pid_ = -1;
    std::FILE* output_ = nullptr;
};

} // namespace aioxx::test
