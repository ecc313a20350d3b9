// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What the engine does with its helpers: files and operations go to them, and come back.

#include "engine/helpers.hpp"

#include "engine/pause_processor.hpp"

#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

using Message = PrivateTable::Message;

/// In one of the helpers' lists.
bool is_queued(const Operation& operation) noexcept {
    return static_cast<const Link<Operation, Operation::holder>&>(operation).linked;
}

} // namespace

Pin* Helpers::pin(int fd) noexcept {
    Pin* const pin = pins_.take();
    if (pin == nullptr) {
        return nullptr;
    }
    {
        const Lock lock = lock_awake();
        if (!runs_) {
            pins_.give_back(*pin);
            return nullptr;
        }
        ++pinned_; // the first thread stays from here on
    }
    if (send({.kind = Message::Kind::file, .subject = pin}, fd) != 0) {
        const Lock lock = lock_awake();
        --pinned_;
        pins_.give_back(*pin);
        return nullptr;
    }
    return pin;
}

bool Helpers::is_last(Pin& pin) noexcept {
    return pin.holders.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

/// For the last holder. False when there is nobody to tell.
bool Helpers::tell_to_close(Pin& pin) noexcept {
    if (pin.fd.load(std::memory_order_acquire) < 0) {
        close_now(pin); // nothing has arrived
        return true;
    }
    return send({.kind = Message::Kind::close, .subject = &pin}, -1) == 0;
}

void Helpers::let_go(Pin& pin) noexcept {
    pin.fd.wait(Pin::on_its_way, std::memory_order_acquire); // it is taken in at once
    if (is_last(pin)) {
        tell_to_close(pin);
    }
}

void Helpers::let_go_and_wait(Pin& pin) noexcept {
    pin.fd.wait(Pin::on_its_way, std::memory_order_acquire);
    if (is_last(pin) && !tell_to_close(pin)) {
        return;
    }
    // Nobody else takes pins: this one is not used again before this returns.
    constexpr int attempts = 100;
    int fd = pin.fd.load(std::memory_order_acquire);
    for (int i = 0; i < attempts && fd != Pin::closed; ++i) {
        pause_processor();
        fd = pin.fd.load(std::memory_order_acquire);
    }
    for (; fd != Pin::closed; fd = pin.fd.load(std::memory_order_acquire)) {
        pin.fd.wait(fd, std::memory_order_acquire);
    }
}

int Helpers::watch(Pin& pin, int epoll, std::uint32_t events, std::uint64_t data) noexcept {
    if (!epoll_sent_) {
        if (const int error = send({.kind = Message::Kind::epoll}, epoll); error != 0) {
            return error;
        }
        epoll_sent_ = true;
    }
    hold(pin); // until it has been carried out
    const int error =
        send({.kind = Message::Kind::watch, .events = events, .data = data, .subject = &pin}, -1);
    if (error != 0) {
        is_last(pin); // it is not: who asks for this holds it
    }
    return error;
}

/// Before one is sent: with nobody there who waits for it, somebody on the bench is called.
void Helpers::expect_message() noexcept {
    ++expected_;
    ++uses_;
    if (!receives_ && benched_ > 0) {
        ::sem_post(&bench_);
    }
}

int Helpers::send(const Message& message, int file) noexcept {
    {
        const Lock lock = lock_awake();
        expect_message();
    }
    const int error = table_.send(message, file);
    if (error == 0) {
        ++sent_;
    } else {
        const Lock lock = lock_awake();
        --expected_;
    }
    return error;
}

/// Whether a thread that is free may take the job that was queued last. Who is busy looks for more
/// by itself.
bool Helpers::may_be_taken() const noexcept {
    return jobs_.size() < free_threads() || threads_ <= options_.limit || threads_ == 1;
}

void Helpers::hand_over(Operation& operation) noexcept {
    operation.state = State::helper;
    {
        const Lock lock = lock_awake();
        ++uses_;
        if (operation.in_turn && std::exchange(operation.pin->turn_is_taken, true)) {
            operation.waits_for_turn = true;
            operation.pin->behind.push_back(operation);
            return;
        }
        jobs_.push_back(operation);
        const bool is_expected = receives_ && expected_ != received_.load();
        if (benched_ > 0 && (!receives_ || is_expected)) {
            ::sem_post(&bench_);
            return;
        }
        if (!receives_ || !may_be_taken()) {
            return; // who is busy, or not yet at the messages, looks for jobs before
        }
        expect_message();
    }
    if (table_.send({.kind = Message::Kind::work}, -1) == 0) {
        ++sent_;
    } else {
        const Lock lock = lock_awake();
        --expected_;
    }
}

bool Helpers::lend(Loan& loan, int fd, Operation& operation) noexcept {
    Pin* pin = loan.pin;
    {
        const Lock lock = lock_awake();
        if (pin != nullptr && pin->use == loan.use && pin->lent) {
            operation.state = State::helper;
            operation.pin = pin;
            operation.waits_for_turn = true;
            pin->behind.push_back(operation);
            return true;
        }
        pin = fd >= 0 && runs_ ? pins_.take() : nullptr;
        if (pin == nullptr) {
            return false;
        }
        loan = {pin, pin->use};
        pin->lent = true;
        pin->turn_is_taken = true;
        ++pinned_;
        operation.state = State::helper;
        operation.pin = pin;
        jobs_.push_back(operation);
        expect_message();
    }
    // Who takes the file in has the job as well, or another has, who waits for the file.
    if (table_.send({.kind = Message::Kind::file, .subject = pin}, fd) == 0) {
        ++sent_;
        return true;
    }
    const Lock lock = lock_awake();
    --expected_;
    if (!is_queued(operation)) {
        pin->fd.store(Pin::lost, std::memory_order_release);
        pin->fd.notify_all();
        return true;
    }
    jobs_.remove(operation);
    operation.pin = nullptr;
    pin->lent = false;
    pin->turn_is_taken = false;
    --pinned_;
    pins_.give_back(*pin);
    return false;
}

bool Helpers::take_back(Operation& operation) noexcept {
    Pin* given_up = nullptr; // by the operations that it was lent to
    {
        Lock lock = lock_awake();
        // Submitting a poll never blocks, and once that is done it can be cancelled.
        while (!is_queued(operation) && operation.kind == Kind::poll && submitting_polls_ > 0) {
            poll_submitted_.wait(lock);
        }
        if (!is_queued(operation)) {
            return false;
        }
        if (operation.pin == nullptr && operation.route == Route::call) {
            return false; // done, and its result is there
        }
        if (operation.pin == nullptr) { // a helper has made its call, and it was refused
            refused_.remove(operation);
            operation.result = 0;
            return true;
        }
        Pin& pin = *operation.pin;
        if (std::exchange(operation.waits_for_turn, false)) {
            pin.behind.remove(operation);
        } else {
            jobs_.remove(operation);
            if (operation.in_turn) {
                pass_turn(pin); // to a helper that was woken for this one
            }
        }
        if (pin.lent) {
            operation.pin = nullptr;
            pin.lent = pin.turn_is_taken;
            given_up = pin.lent ? nullptr : &pin;
        }
    }
    if (given_up != nullptr) {
        let_go_and_wait(*given_up);
    } else if (operation.pin != nullptr) {
        let_go(*std::exchange(operation.pin, nullptr));
    }
    return true;
}

OperationList Helpers::take_refused() noexcept {
    if (!any_refused_.load(std::memory_order_acquire)) [[likely]] {
        return {};
    }
    const Lock lock = lock_awake();
    any_refused_.store(false);
    return std::exchange(refused_, {});
}

} // namespace engine
AIOXX_NAMESPACE_END
