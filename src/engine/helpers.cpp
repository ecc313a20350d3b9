// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/helpers.hpp"

#include "engine/pause_processor.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

using Message = PrivateTable::Message;

/// In one of the helpers' lists.
bool is_queued(const Operation& operation) noexcept {
    return static_cast<const Link<Operation, Operation::holder>&>(operation).linked;
}

} // namespace

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
