// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Waiting for events without assuming how long they take.

#include "descriptors.hpp"
#include "eventually.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aioxx::test {

/// Two ends of one stream socket.
struct Sockets {
    Sockets() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            throw std::system_error(errno, std::generic_category(), "socketpair");
        }
        one = Descriptor{ends[0]};
        other = Descriptor{ends[1]};
    }
    Descriptor one;
    Descriptor other;
};

/// How many bytes wait to be read.
inline int readable_bytes(int fd) {
    int count = 0;
    return ::ioctl(fd, FIONREAD, &count) == 0 ? count : -1;
}

/// The threads of this process.
inline std::vector<pid_t> threads_now() {
    std::vector<pid_t> found;
    DIR* const directory = ::opendir("/proc/self/task");
    while (const dirent* const entry = ::readdir(directory)) {
        if (entry->d_name[0] != '.') {
            found.push_back(static_cast<pid_t>(std::atoi(entry->d_name)));
        }
    }
    ::closedir(directory);
    return found;
}

/// What /proc says of thread `tid` on the line that begins with `key`.
inline std::string status_of_thread(pid_t tid, const std::string& key) {
    std::ifstream file{"/proc/self/task/" + std::to_string(tid) + "/status"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(key)) {
            return line.substr(key.size());
        }
    }
    return {};
}

/// Waits until `tid` sleeps, and has not run between twenty looks at it. False where it has ended.
inline bool wait_until_asleep(pid_t tid) {
    const Deadline deadline;
    std::string before;
    for (int same = 0; same < 20;) {
        const std::string switches = status_of_thread(tid, "voluntary_ctxt_switches:");
        const std::string state = status_of_thread(tid, "State:");
        const bool sleeps = state.find('S') != std::string::npos;
        same = sleeps && switches == before ? same + 1 : 0;
        before = switches;
        if (state.empty() || deadline.over()) {
            return false;
        }
        pause_briefly();
    }
    return true;
}

/// A signal that is blocked in the calling thread, and taken from the queue.
class BlockedSignal {
public:
    explicit BlockedSignal(int number) : number_(number) {
        ::sigemptyset(&set_);
        ::sigaddset(&set_, number);
        ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }

    operator int() const noexcept { return number_; }
    /// The next one that comes within twenty seconds.
    [[nodiscard]] std::optional<siginfo_t> next() const { return within({20, 0}); }
    /// One that is pending already.
    [[nodiscard]] std::optional<siginfo_t> there() const { return within({0, 0}); }

private:
    [[nodiscard]] std::optional<siginfo_t> within(timespec time) const {
        siginfo_t info{};
        int got = -1;
        do {
            got = ::sigtimedwait(&set_, &info, &time);
        } while (got < 0 && errno == EINTR);
        return got == number_ ? std::optional{info} : std::nullopt;
    }

    sigset_t set_{};
    int number_;
};

} // namespace aioxx::test
