// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/helpers.hpp"

#include <cerrno>
#include <csignal>
#include <utility>

#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

using Message = PrivateTable::Message;

void pause_processor() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

} // namespace

Helpers::Helpers(Context& context, const Options& options, int wake, int event_fd) noexcept
    : context_(context), options_(options), wake_(wake), event_fd_(event_fd) {
    ::sem_init(&work_, 0, 0);
    ::sem_init(&keeper_ready_, 0, 0);
}

/// For the thread that must not sleep: a helper holds the mutex for a few instructions, so it is
/// free again sooner than the kernel could put this thread to sleep.
std::unique_lock<std::mutex> Helpers::lock_awake() noexcept {
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

template bool Helpers::start_thread<&Helpers::keep>(pthread_t&) noexcept;
template bool Helpers::start_thread<&Helpers::help>(pthread_t&) noexcept;

void Helpers::start(std::error_code& error) noexcept {
    error.clear();
    if (running()) {
        return;
    }
    stop(); // joins a keeper that ended for idleness
    if (const int failure = table_.open(); failure != 0) {
        error.assign(failure, std::generic_category());
        return;
    }
    {
        // Before it runs: it may end for idleness before this thread goes on.
        const std::lock_guard lock{mutex_};
        keeper_runs_ = true;
    }
    if (!start_thread<&Helpers::keep>(keeper_)) {
        table_.close_inside();
        table_.close_outside();
        const std::lock_guard lock{mutex_};
        keeper_runs_ = false;
        error.assign(EAGAIN, std::generic_category());
        return;
    }
    while (::sem_wait(&keeper_ready_) != 0) { // EINTR
    }
    keeper_to_join_ = true;
    epoll_sent_ = false;
    if (!table_is_shared_) {
        table_.close_inside(); // the keeper has it in the private table
    }
}

void Helpers::stop() noexcept {
    if (!keeper_to_join_) {
        return;
    }
    table_.close_outside(); // the keeper's receive ends
    pthread_join(keeper_, nullptr);
    keeper_to_join_ = false;
    const std::lock_guard lock{mutex_};
    keeper_runs_ = false;
    stopping_ = false;
}

bool Helpers::running() noexcept {
    const std::unique_lock lock = lock_awake();
    return keeper_runs_;
}

Pin* Helpers::pin(int fd) noexcept {
    Pin* const pin = pins_.take();
    if (pin == nullptr) {
        return nullptr;
    }
    {
        const std::unique_lock lock = lock_awake();
        if (!keeper_runs_) {
            pins_.give_back(*pin);
            return nullptr;
        }
        ++pinned_; // the keeper stays from here on
    }
    if (table_.send({.kind = Message::Kind::file, .subject = pin}, fd) != 0) {
        const std::unique_lock lock = lock_awake();
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
    return table_.send({.kind = Message::Kind::close, .subject = &pin}, -1) == 0;
}

void Helpers::let_go(Pin& pin) noexcept {
    pin.fd.wait(Pin::on_its_way, std::memory_order_acquire); // the keeper is quick
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
        if (const int error = table_.send({.kind = Message::Kind::epoll}, epoll); error != 0) {
            return error;
        }
        epoll_sent_ = true;
    }
    const Message message{
        .kind = Message::Kind::watch, .events = events, .data = data, .subject = &pin};
    return table_.send(message, -1);
}

void Helpers::hand_over(Operation& operation) noexcept {
    operation.state = State::helper;
    bool more = false;
    {
        const std::unique_lock lock = lock_awake();
        if (operation.in_turn && std::exchange(operation.pin->turn_is_taken, true)) {
            operation.waits_for_turn = true;
            operation.pin->behind.push_back(operation);
            return;
        }
        jobs_.push_back(operation);
        more = jobs_.size() > idle_ && threads_ < options_.limit;
        threads_ += more ? 1 : 0;
        more |= options_.limit == 0; // the keeper does it
    }
    ::sem_post(&work_);
    if (more) {
        table_.send({.kind = Message::Kind::start}, -1);
    }
}

bool Helpers::take_back(Operation& operation) noexcept {
    {
        std::unique_lock lock = lock_awake();
        const auto is_linked = [&operation] {
            return static_cast<Link<Operation, Operation::holder>&>(operation).linked;
        };
        // Submitting a poll never blocks, and once that is done it can be cancelled.
        while (!is_linked() && operation.kind == Kind::poll && submitting_polls_ > 0) {
            poll_submitted_.wait(lock);
        }
        if (!is_linked()) {
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
        if (std::exchange(operation.waits_for_turn, false)) {
            operation.pin->behind.remove(operation);
        } else {
            jobs_.remove(operation);
            if (operation.in_turn) {
                pass_turn(*operation.pin); // to a helper that was woken for this one
            }
        }
    }
    let_go(*std::exchange(operation.pin, nullptr));
    return true;
}

Operation* Helpers::take_refused() noexcept {
    if (!any_refused_.load(std::memory_order_acquire)) [[likely]] {
        return nullptr;
    }
    const std::unique_lock lock = lock_awake();
    Operation* const operation = refused_.pop_front();
    any_refused_.store(!refused_.empty(), std::memory_order_release);
    return operation;
}

} // namespace engine
AIOXX_NAMESPACE_END
