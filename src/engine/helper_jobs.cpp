// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The calls that helpers make.

#include "engine/helpers.hpp"

#include <cerrno>
#include <ctime>
#include <utility>

#include <pthread.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// Whether this thread may make a call. Another one has to be free, to take in the files that are
/// wanted; but who is alone can only do it himself.
bool Helpers::may_take_job(Lock& lock) noexcept {
    if (!jobs_.empty() && free_threads() == 1 && threads_ <= options_.limit) {
        start_another(lock);
    }
    return !jobs_.empty() && (free_threads() > 1 || threads_ == 1);
}

/// The first one whose file is here: what is on its way will be taken by who takes it in.
Operation* Helpers::job_at_hand() const noexcept {
    Operation* operation = jobs_.front();
    while (operation != nullptr &&
           operation->pin->fd.load(std::memory_order_acquire) == Pin::on_its_way) {
        operation = OperationList::next(*operation);
    }
    return operation;
}

void Helpers::start_another(Lock& lock) noexcept {
    ++threads_;
    lock.unlock();
    pthread_t thread{};
    const bool started = start_thread<&Helpers::run_another>(thread);
    if (started) {
        pthread_detach(thread);
    }
    lock.lock();
    if (!started) {
        --threads_;
        helper_ended_.notify_all();
    }
}

/// What is told to have been done holds its file no longer, where nobody else wants it.
void Helpers::run(Operation& operation, Lock& lock) noexcept {
    const bool poll = operation.kind == Kind::poll;
    const bool in_turn = operation.in_turn;
    const bool by_call = operation.route == Route::call;
    Pin& pin = *std::exchange(operation.pin, nullptr);
    jobs_.remove(operation);
    submitting_polls_ += poll ? 1 : 0;
    ++busy_;
    const bool is_expected = !receives_ && expected_ != received_.load();
    if (benched_ > 0 && (is_expected || !jobs_.empty())) {
        ::sem_post(&bench_);
    }
    lock.unlock();
    const std::error_code error = make_call(operation, pin);
    lock.lock();
    // Once accepted, the operation may have completed and be another's.
    if (poll) {
        --submitting_polls_;
        poll_submitted_.notify_all();
    }
    if (in_turn) {
        pass_turn(pin);
    }
    const bool last = pin.lent ? !pin.turn_is_taken : is_last(pin);
    if (last) {
        pin.lent = false;
        lock.unlock();
        close_now(pin); // which a file system in a server may make take as long as the call
        lock.lock();
    }
    --busy_;
    if (error || by_call) {
        report(operation, lock);
    }
}

void Helpers::report(Operation& operation, Lock& lock) noexcept {
    const bool is_news = refused_.empty();
    refused_.push_back(operation);
    if (!is_news) {
        return; // whoever had the first one has seen to it
    }
    any_refused_.store(true);
    const auto waits = [this](Where where) { return waits_[static_cast<std::size_t>(where)] > 0; };
    const bool by_event_fd = event_fd_ >= 0 && (!waits_are_told_ || waits(Where::event_fd));
    const bool by_ring = waits(Where::ring);
    if (by_event_fd || by_ring) {
        lock.unlock();
        if (by_event_fd) {
            PrivateTable::signal(event_fd_);
        }
        if (by_ring) {
            PrivateTable::signal(wake_);
        }
        lock.lock();
    }
}

std::error_code Helpers::make_call(Operation& operation, const Pin& pin) noexcept {
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

/// To the one behind, for which nobody was woken: this thread looks for it next.
void Helpers::pass_turn(Pin& pin) noexcept {
    Operation* const next = pin.behind.pop_front();
    pin.turn_is_taken = next != nullptr;
    if (next != nullptr) {
        next->waits_for_turn = false;
        jobs_.push_back(*next); // at the end: other files have a turn as well
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
