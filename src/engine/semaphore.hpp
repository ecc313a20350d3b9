// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/monotonic.hpp"

#include <cerrno>
#include <chrono>
#include <ctime>

#include <semaphore.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// A counting semaphore. A condition variable would not do: the copy of one in a forked child
/// cannot be destroyed while its parent's threads wait.
class Semaphore {
public:
    Semaphore() noexcept { ::sem_init(&semaphore_, 0, 0); }
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    void post() noexcept { ::sem_post(&semaphore_); }
    void wait() noexcept {
        while (::sem_wait(&semaphore_) != 0) { // EINTR
        }
    }
    /// False when the time is over.
    bool wait_for(std::chrono::nanoseconds time) noexcept {
        const timespec end = monotonic_in(time);
        int result = 0;
        do {
            result = ::sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &end);
        } while (result != 0 && errno == EINTR);
        return result == 0;
    }

private:
    sem_t semaphore_;
};

} // namespace engine
AIOXX_NAMESPACE_END
