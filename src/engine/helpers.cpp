// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/helpers.hpp"

#include "engine/pause_processor.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>

AIOXX_NAMESPACE_BEGIN
namespace engine {

Helpers::Helpers(Context& context, const Options& options, int wake, int event_fd,
                 bool waits_are_told) noexcept
    : context_(context), options_(options), wake_(wake), event_fd_(event_fd),
      waits_are_told_(waits_are_told),
      has_many_processors_(std::thread::hardware_concurrency() > 1) {
    ::sem_init(&bench_, 0, 0);
    ::sem_init(&first_is_ready_, 0, 0);
}

/// For the thread that must not sleep: a helper holds the mutex for a few instructions, so it is
/// free again sooner than the kernel could put this thread to sleep.
Helpers::Lock Helpers::lock_awake() noexcept {
    constexpr int attempts = 200;
    std::unique_lock lock{mutex_, std::try_to_lock};
    for (int i = 0; i < attempts && !lock.owns_lock(); ++i) {
        pause_processor();
        lock.try_lock();
    }
    if (!lock.owns_lock()) {
        lock.lock(); // its holder was interrupted
    }
    return lock;
}

template <Helpers::Body body>
bool Helpers::start_thread(pthread_t& thread) noexcept {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, std::size_t{256} * 1024);
    // A new thread inherits the mask. glibc leaves its own two signals out of a full set.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const auto run = [](void* self) -> void* {
        (static_cast<Helpers*>(self)->*body)();
        return nullptr;
    };
    const int result = pthread_create(&thread, &attributes, run, this);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    return result == 0;
}

template bool Helpers::start_thread<&Helpers::run_first>(pthread_t&) noexcept;
template bool Helpers::start_thread<&Helpers::run_another>(pthread_t&) noexcept;

void Helpers::start(std::error_code& error) noexcept {
    constexpr std::chrono::nanoseconds shortest = std::chrono::milliseconds{1};
    error.clear();
    if (running()) {
        return;
    }
    stop(); // joins a thread that ended for idleness
    if (const int failure = table_.open(std::max(options_.idle, shortest)); failure != 0) {
        error.assign(failure, std::generic_category());
        return;
    }
    {
        // Before it runs: it may end for idleness before this thread goes on.
        const std::lock_guard lock{mutex_};
        runs_ = true;
        threads_ = 1;
        expected_ = 0; // those of the threads before went with their socket
        sent_ = 0;
        received_ = 0;
    }
    if (!start_thread<&Helpers::run_first>(first_)) {
        table_.close_inside();
        table_.close_outside();
        const std::lock_guard lock{mutex_};
        runs_ = false;
        threads_ = 0;
        error.assign(EAGAIN, std::generic_category());
        return;
    }
    while (::sem_wait(&first_is_ready_) != 0) { // EINTR
    }
    first_to_join_ = true;
    epoll_sent_ = false;
    if (!table_is_shared_) {
        table_.close_inside(); // the thread has it in the private table
    }
}

void Helpers::stop() noexcept {
    if (!first_to_join_) {
        return;
    }
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    table_.close_outside(); // receiving ends
    ::sem_post(&bench_);
    pthread_join(first_, nullptr);
    first_to_join_ = false;
    const std::lock_guard lock{mutex_};
    runs_ = false;
    stopping_ = false;
}

bool Helpers::running() noexcept {
    const Lock lock = lock_awake();
    return runs_;
}

} // namespace engine
AIOXX_NAMESPACE_END
