// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/owner.hpp"

#if AIOXX_CHECKS
#include <array>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

AIOXX_NAMESPACE_BEGIN
namespace queue {
#if AIOXX_CHECKS
namespace {

struct ThreadName {
    std::array<char, 32> text{};

    explicit ThreadName(pid_t thread) noexcept {
        std::array<char, 64> path{};
        std::snprintf(path.data(), path.size(), "/proc/self/task/%d/comm", thread);
        const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            const ssize_t length = ::read(file, text.data(), text.size() - 1);
            if (length > 0) {
                text.at(static_cast<std::size_t>(length) - 1) = '\0'; // the end of the line
            }
            ::close(file);
        }
    }
};

[[noreturn]] void stop(pid_t one, const char* one_does, pid_t other,
                       const char* other_does) noexcept {
    const ThreadName one_name{one};
    const ThreadName other_name{other};
    std::fprintf(stderr,
                 "libaioxx: misuse: two threads use a queue at the same time: thread %d (%s) in "
                 "%s, and thread %d (%s) in %s\n",
                 one, one_name.text.data(), one_does, other, other_name.text.data(), other_does);
    std::abort();
}

} // namespace

void Owner::enter(const char* doing) noexcept {
    const auto self = static_cast<pid_t>(::syscall(SYS_gettid));
    pid_t inside = 0;
    if (thread_.compare_exchange_strong(inside, self)) {
        doing_.store(doing);
    } else if (inside != self) {
        const char* const other = doing_.load();
        stop(inside, other != nullptr ? other : "Queue", self, doing);
    }
    ++entered_;
}

void Owner::leave() noexcept {
    if (--entered_ == 0) {
        thread_.store(0);
    }
}

void must_not_be_inside(unsigned callbacks) noexcept {
    if (callbacks > 0) {
        std::fprintf(stderr, "libaioxx: misuse: destroying a queue inside its own callback\n");
        std::abort();
    }
}
#else

void must_not_be_inside(unsigned /*callbacks*/) noexcept {}
#endif

} // namespace queue
AIOXX_NAMESPACE_END
