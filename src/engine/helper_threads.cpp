// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What runs on the helpers' own threads.

#include "engine/helpers.hpp"

#include "engine/monotonic.hpp"
#include "engine/pause_processor.hpp"

#include <cerrno>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

using Message = PrivateTable::Message;

constexpr int none_yet = -1;

} // namespace

/// It is the last to end, and the one that is waited for.
void Helpers::run_first() noexcept {
    // Where the table cannot be left, files arrive in the shared one: still never the wrong file,
    // but a number and the record locks are the price.
    table_is_shared_ = !table_.leave_shared_table({wake_, event_fd_ >= 0 ? event_fd_ : wake_});
    ::sem_post(&first_is_ready_);
    serve(true);
    epoll_.store(none_yet); // goes with the table
    table_.close_inside();
}

void Helpers::run_another() noexcept {
    serve(false);
}

void Helpers::serve(bool first) noexcept {
    Lock lock{mutex_};
    for (;;) {
        bool was_lent = false;
        while (!stopping_ && may_take_job(lock)) {
            Operation* const operation = job_at_hand();
            if (operation == nullptr) {
                break;
            }
            was_lent = operation->pin->lent;
            run(*operation, lock);
        }
        if (stopping_) {
            break;
        }
        const Waited waited = receives_ ? wait_on_bench(lock) : wait_for_message(lock, was_lent);
        if (waited == Waited::too_late) {
            lock.unlock();
            if (ends_for_idleness(first)) {
                return;
            }
            lock.lock();
        }
        stopping_ |= waited == Waited::ended;
    }
    ::sem_post(&bench_); // and so does the next
    if (first) {
        helper_ended_.wait(lock, [this] { return threads_ == 1; });
        while (::sem_trywait(&bench_) == 0) { // what is left of calls
        }
    }
    --threads_;
    helper_ended_.notify_all();
}

Helpers::Waited Helpers::wait_on_bench(Lock& lock) noexcept {
    ++benched_;
    lock.unlock();
    const timespec limit = monotonic_in(options_.idle);
    const bool too_late =
        ::sem_clockwait(&bench_, CLOCK_MONOTONIC, &limit) != 0 && errno == ETIMEDOUT;
    lock.lock();
    --benched_;
    return too_late ? Waited::too_late : Waited::called;
}

Helpers::Waited Helpers::wait_for_message(Lock& lock, bool looks_out) noexcept {
    receives_ = true;
    lock.unlock();
    awake_.store(looks_out && look_out(), std::memory_order_relaxed);
    PrivateTable::Message message{};
    int file = -1;
    const PrivateTable::Received received = table_.receive(message, file);
    if (received == PrivateTable::Received::message) {
        ++received_;
        obey(message, file);
    }
    lock.lock();
    receives_ = false;
    switch (received) {
    case PrivateTable::Received::too_late:
        return Waited::too_late;
    case PrivateTable::Received::ended:
        return Waited::ended;
    case PrivateTable::Received::message:
    case PrivateTable::Received::nothing:
        break;
    }
    return Waited::called;
}

/// For another message, as long as it would take to fall asleep and be woken.
bool Helpers::look_out() noexcept {
    constexpr std::chrono::microseconds longest{20};
    constexpr int between_looks_at_clock = 8;
    if (!has_many_processors_ || looking_out_.applies()) {
        return false;
    }
    using Clock = std::chrono::steady_clock;
    const Clock::time_point end = Clock::now() + longest;
    do {
        for (int i = 0; i < between_looks_at_clock; ++i) {
            if (sent_.load() != received_.load()) {
                looking_out_.succeeded();
                return true;
            }
            pause_processor();
        }
    } while (Clock::now() < end);
    looking_out_.failed();
    return false;
}

/// True when that has been seen to.
bool Helpers::ends_for_idleness(bool first) noexcept {
    {
        const std::lock_guard lock{mutex_};
        if (!jobs_.empty() || expected_ != received_.load() ||
            (first ? threads_ > 1 : free_threads() == 1)) {
            return false; // the first one ends last; and one always is free
        }
        if (!first || pinned_ == 0) {
            --threads_;
            runs_ = runs_ && !first;
            helper_ended_.notify_all();
            return true;
        }
        // Once after each use, whichever thread it went to: who still holds them needs them.
        if (std::exchange(asked_after_, uses_) == uses_) {
            return false;
        }
    }
    asks_.store(true);
    PrivateTable::signal(wake_);
    return false;
}

// Messages: one at a time, and in the order in which they were sent.

void Helpers::obey(const PrivateTable::Message& message, int file) noexcept {
    switch (message.kind) {
    case Message::Kind::file: {
        Pin& pin = *static_cast<Pin*>(message.subject);
        pin.fd.store(file >= 0 ? file : Pin::lost, std::memory_order_release);
        pin.fd.notify_all();
        break;
    }
    case Message::Kind::close:
        close_now(*static_cast<Pin*>(message.subject));
        break;
    case Message::Kind::epoll:
        epoll_.store(file);
        break;
    case Message::Kind::watch:
        carry_out(message);
        break;
    case Message::Kind::work: // is looked for after each message
        break;
    }
}

void Helpers::carry_out(const PrivateTable::Message& watch) noexcept {
    Pin& pin = *static_cast<Pin*>(watch.subject);
    pin.watched = true;
    const int error = PrivateTable::watch(epoll_.load(), pin.fd.load(), watch.events, watch.data);
    if (error != 0) {
        pin.unwatchable.store(error);
        any_unwatchable_.store(true);
        PrivateTable::signal(wake_);
    }
    if (is_last(pin)) {
        close_now(pin);
    }
}

void Helpers::close_now(Pin& pin) noexcept {
    if (const int fd = pin.fd.load(std::memory_order_acquire); fd >= 0) {
        if (pin.watched) {
            // The file may stay open in the program, and epoll would go on to tell of it.
            PrivateTable::unwatch(epoll_.load(), fd);
        }
        PrivateTable::close(fd);
    }
    {
        const Lock lock = lock_awake();
        --pinned_;
    }
    pin.fd.store(Pin::closed, std::memory_order_release);
    pin.fd.notify_all();
    pins_.give_back(pin);
}

} // namespace engine
AIOXX_NAMESPACE_END
