// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

// Each engine has a process of its own, as it has in a program: threads that one of them started
// make the others' calls slower, and a library that is preloaded is so for a whole process. What
// the two processes say to each other goes through a socket, as it lies in memory.

enum class CommandKind : std::uint32_t {
    run,       // and measure the whole of it
    run_timed, // and measure each operation; the answer is followed by the histogram's counts
};

struct Command {
    CommandKind kind;
    std::uint64_t first; // number of the first request
    std::uint64_t operations;
};

enum class Status : std::uint32_t {
    good,
    unavailable, // not on this machine, or not for this user
    failed,
};

/// To each command; and once, without one, when the engine is there.
struct Answer {
    Status status = Status::good;
    std::uint32_t unused = 0;
    double wall_ns = 0;
    double processor_ns = 0; // of all threads of the process, in user space and in the kernel
    std::uint64_t allocations = 0;
    std::int64_t system_calls = -1; // -1: not counted
    std::array<char, 200> reason{}; // why it is not good
};

/// One end of the socket, which closes with it.
class Channel {
public:
    explicit Channel(int fd = -1) noexcept : fd_(fd) {}
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() { close(); }

    void reset(int fd) noexcept {
        close();
        fd_ = fd;
    }
    void close() noexcept;

    /// All of it, or false: the other end is gone, or `milliseconds` are over (-1: no limit).
    bool send(const void* data, std::size_t size) noexcept;
    bool receive(void* data, std::size_t size, int milliseconds = -1);

    template <typename Message>
    bool send(const Message& message) noexcept {
        return send(&message, sizeof(message));
    }
    template <typename Message>
    bool receive(Message& message, int milliseconds = -1) {
        return receive(&message, sizeof(message), milliseconds);
    }

private:
    int fd_;
};

/// Cuts what is too long.
void set_reason(Answer& answer, Status status, const std::string& text) noexcept;

} // namespace bench
