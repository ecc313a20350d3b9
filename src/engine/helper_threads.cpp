// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What runs on the helpers' own threads: the keeper first.

#include "engine/helpers.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

using Message = PrivateTable::Message;

timespec monotonic_in(std::chrono::nanoseconds span) noexcept {
    timespec at{};
    ::clock_gettime(CLOCK_MONOTONIC, &at);
    const std::int64_t nanoseconds = at.tv_nsec + span.count() % 1'000'000'000;
    at.tv_sec += static_cast<time_t>(span.count() / 1'000'000'000 + nanoseconds / 1'000'000'000);
    at.tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000);
    return at;
}

} // namespace

void Helpers::keep() noexcept {
    // Where the table cannot be left, files arrive in the shared one: still never the wrong file,
    // but a number and the record locks are the price.
    table_is_shared_ = !table_.leave_shared_table({wake_, event_fd_ >= 0 ? event_fd_ : wake_});
    ::sem_post(&keeper_ready_);
    constexpr std::chrono::nanoseconds shortest = std::chrono::milliseconds{1};
    const std::chrono::nanoseconds limit = std::max(options_.idle, shortest);
    for (bool has_asked = false;;) {
        PrivateTable::Message message{};
        int file = -1;
        const PrivateTable::Received received = table_.receive(message, file, limit);
        if (received == PrivateTable::Received::message) {
            has_asked = false;
            obey(message, file);
            work_alone();
        } else if (received == PrivateTable::Received::ended || ends_for_idleness(has_asked)) {
            break;
        }
    }
    end_helpers();
    epoll_.store(-1); // goes with the table
    table_.close_inside();
}

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
    case Message::Kind::watch: {
        Pin& pin = *static_cast<Pin*>(message.subject);
        const int error =
            PrivateTable::watch(epoll_.load(), pin.fd.load(), message.events, message.data);
        if (error != 0) {
            pin.unwatchable.store(error);
            any_unwatchable_.store(true);
            PrivateTable::signal(wake_);
        }
        break;
    }
    case Message::Kind::start:
        start_helper();
        break;
    }
}

void Helpers::close_now(Pin& pin) noexcept {
    if (const int fd = pin.fd.load(std::memory_order_acquire); fd >= 0) {
        if (const int epoll = epoll_.load(); epoll >= 0) {
            // The file may stay open in the program, and epoll would go on to tell of it.
            PrivateTable::unwatch(epoll, fd);
        }
        PrivateTable::close(fd);
    }
    {
        const std::unique_lock lock = lock_awake();
        --pinned_;
    }
    pin.fd.store(Pin::closed, std::memory_order_release);
    pin.fd.notify_all();
    pins_.give_back(pin);
}

void Helpers::start_helper() noexcept {
    pthread_t helper{};
    if (options_.limit > 0 && start_thread<&Helpers::help>(helper)) {
        pthread_detach(helper);
        return;
    }
    const std::lock_guard lock{mutex_};
    threads_ -= options_.limit > 0 ? 1 : 0; // no thread to be had
}

/// With no helper at all the keeper does the work itself, one at a time; but never waits for a
/// file, which it would have to take in itself.
void Helpers::work_alone() noexcept {
    std::unique_lock lock{mutex_};
    while (threads_ == 0 && !jobs_.empty() &&
           jobs_.front()->pin->fd.load(std::memory_order_acquire) != Pin::on_its_way) {
        Operation& operation = *next_job();
        run(operation, lock);
    }
}

bool Helpers::ends_for_idleness(bool& has_asked) noexcept {
    {
        const std::lock_guard lock{mutex_};
        if (threads_ > 0 || !jobs_.empty()) {
            return false;
        }
        if (pinned_ == 0) {
            keeper_runs_ = false;
            return true;
        }
    }
    // Once: who still holds them needs them, and the next use of a helper will be told here.
    if (!std::exchange(has_asked, true)) {
        asks_.store(true);
        PrivateTable::signal(wake_);
    }
    return false;
}

void Helpers::end_helpers() noexcept {
    std::unique_lock lock{mutex_};
    stopping_ = true;
    for (unsigned i = 0; i < threads_; ++i) {
        ::sem_post(&work_);
    }
    helper_ended_.wait(lock, [this] { return threads_ == 0; });
}

// A helper.

void Helpers::help() noexcept {
    std::unique_lock lock{mutex_};
    for (bool has_more = false;;) {
        bool expired = false;
        if (!has_more) {
            ++idle_;
            lock.unlock();
            const timespec limit = monotonic_in(options_.idle);
            const bool in_time = ::sem_clockwait(&work_, CLOCK_MONOTONIC, &limit) == 0;
            expired = !in_time && errno == ETIMEDOUT;
            lock.lock();
            --idle_;
        }
        Operation* const operation = next_job();
        has_more = false;
        if (operation != nullptr) {
            has_more = run(*operation, lock);
        } else if (stopping_ || expired) {
            break;
        }
    }
    --threads_;
    helper_ended_.notify_all();
}

Operation* Helpers::next_job() noexcept {
    Operation* const operation = jobs_.pop_front();
    if (operation != nullptr && operation->kind == Kind::poll) {
        ++submitting_polls_;
    }
    return operation;
}

/// Called, and returns, with the lock. True when it was another's turn after it: that is a job that
/// nobody was woken for.
bool Helpers::run(Operation& operation, std::unique_lock<std::mutex>& lock) noexcept {
    const bool poll = operation.kind == Kind::poll;
    const bool in_turn = operation.in_turn;
    const bool by_call = operation.route == Route::call;
    Pin& pin = *std::exchange(operation.pin, nullptr);
    lock.unlock();
    const std::error_code error = make_call(operation, pin);
    lock.lock();
    // Once accepted, the operation may have completed and be another's.
    if (error || by_call) {
        refused_.push_back(operation);
        any_refused_.store(true, std::memory_order_release);
    }
    if (poll) {
        --submitting_polls_;
        poll_submitted_.notify_all();
    }
    const bool has_more = in_turn && pass_turn(pin);
    const bool last = is_last(pin);
    if (last || error || by_call) {
        lock.unlock();
        if (last) {
            close_now(pin);
        }
        if (error || by_call) {
            PrivateTable::signal(wake_);
        }
        lock.lock();
    }
    return has_more;
}

std::error_code Helpers::make_call(Operation& operation, const Pin& pin) noexcept {
    pin.fd.wait(Pin::on_its_way, std::memory_order_acquire);
    std::error_code error{pin.fd == Pin::lost ? EMFILE : 0, std::generic_category()};
    const bool poll = operation.kind == Kind::poll;
    if (!error && operation.route == Route::call) {
        operation.result = operation.call(pin.fd.load());
        return error;
    }
    if (!error) {
        operation.iocb.raw().fd = static_cast<std::uint32_t>(pin.fd.load());
        do {
            context_.submit(operation.iocb, error);
        } while (error.value() == EINTR);
    }
    if (error) {
        operation.result = -error.value();
    }
    if (error.value() == EAGAIN && !poll) {
        // Memory is short. It is tried again when the engine has seen this, and not at once.
        constexpr timespec pause{0, 1'000'000};
        ::nanosleep(&pause, nullptr);
    }
    return error;
}

bool Helpers::pass_turn(Pin& pin) noexcept {
    Operation* const next = pin.behind.pop_front();
    pin.turn_is_taken = next != nullptr;
    if (next != nullptr) {
        next->waits_for_turn = false;
        jobs_.push_back(*next); // at the end: other files have a turn as well
    }
    return next != nullptr;
}

} // namespace engine
AIOXX_NAMESPACE_END
