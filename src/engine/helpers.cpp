// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/helpers.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include <unistd.h>

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
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
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
    if (table_.send({Message::Kind::file, pin, 0}, fd) != 0) {
        const std::unique_lock lock = lock_awake();
        --pinned_;
        pins_.give_back(*pin);
        return nullptr;
    }
    return pin;
}

bool Helpers::is_last(Pin& pin, int& fd) noexcept {
    if (pin.holders.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return false;
    }
    fd = pin.fd.load(std::memory_order_acquire);
    pins_.give_back(pin);
    const std::unique_lock lock = lock_awake();
    --pinned_;
    return true;
}

void Helpers::let_go(Pin& pin) noexcept {
    pin.fd.wait(Pin::on_its_way, std::memory_order_acquire); // the keeper is quick
    int fd = -1;
    if (is_last(pin, fd) && fd >= 0) {
        table_.send({Message::Kind::close, nullptr, fd}, -1);
    }
}

int Helpers::watch(Pin& pin, int epoll, std::uint32_t events, std::uint64_t data) noexcept {
    if (!epoll_sent_) {
        if (const int error = table_.send({Message::Kind::epoll, nullptr, 0}, epoll); error != 0) {
            return error;
        }
        epoll_sent_ = true;
    }
    return table_.send({Message::Kind::watch, &pin, 0, events, data}, -1);
}

void Helpers::hand_over(Operation& operation) noexcept {
    operation.state = State::helper;
    bool more = false;
    {
        const std::unique_lock lock = lock_awake();
        jobs_.push_back(operation);
        more = jobs_.size() > idle_ && threads_ < options_.limit;
        threads_ += more ? 1 : 0;
        more |= options_.limit == 0; // the keeper does it
    }
    ::sem_post(&work_);
    if (more) {
        table_.send({Message::Kind::start, nullptr, 0}, -1);
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
        jobs_.remove(operation);
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

// The keeper.

void Helpers::keep() noexcept {
    // Where the table cannot be left, files arrive in the shared one: still never the wrong file,
    // but a number and the record locks are the price.
    table_is_shared_ = !table_.leave_shared_table({wake_, event_fd_ >= 0 ? event_fd_ : wake_});
    ::sem_post(&keeper_ready_);
    for (;;) {
        PrivateTable::Message message{};
        int file = -1;
        const PrivateTable::Received received = table_.receive(message, file, options_.idle);
        if (received == PrivateTable::Received::message) {
            obey(message, file);
            work_alone();
        } else if (received == PrivateTable::Received::ended || ends_for_idleness()) {
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
        close_pinned(message.fd);
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

/// The file may stay open in the program, and epoll would go on to tell of it.
void Helpers::close_pinned(int fd) noexcept {
    if (const int epoll = epoll_.load(); epoll >= 0) {
        PrivateTable::unwatch(epoll, fd);
    }
    PrivateTable::close(fd);
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
        lock.unlock();
        run(operation);
        lock.lock();
    }
}

bool Helpers::ends_for_idleness() noexcept {
    const std::lock_guard lock{mutex_};
    if (threads_ == 0 && pinned_ == 0 && jobs_.empty()) {
        keeper_runs_ = false;
    }
    return !keeper_runs_;
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
    for (;;) {
        ++idle_;
        lock.unlock();
        const timespec limit = monotonic_in(options_.idle);
        const bool in_time = ::sem_clockwait(&work_, CLOCK_MONOTONIC, &limit) == 0;
        const bool expired = !in_time && errno == ETIMEDOUT;
        lock.lock();
        --idle_;
        Operation* const operation = next_job();
        if (operation == nullptr) {
            if (stopping_ || expired) {
                break;
            }
            continue;
        }
        lock.unlock();
        run(*operation);
        lock.lock();
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

void Helpers::run(Operation& operation) noexcept {
    const bool poll = operation.kind == Kind::poll;
    Pin& pin = *std::exchange(operation.pin, nullptr);
    pin.fd.wait(Pin::on_its_way, std::memory_order_acquire);
    std::error_code error{pin.fd == Pin::lost ? EMFILE : 0, std::generic_category()};
    std::int64_t result = -error.value();
    const bool by_call = operation.route == Route::call;
    if (!error && by_call) {
        result = operation.call(pin.fd.load());
    } else if (!error) {
        operation.iocb.raw().fd = static_cast<std::uint32_t>(pin.fd.load());
        do {
            context_.submit(operation.iocb, error);
        } while (error.value() == EINTR);
        result = -error.value();
    }
    if (error.value() == EAGAIN && !poll) {
        // Memory is short. It is tried again when the engine has seen this, and not at once.
        constexpr timespec pause{0, 1'000'000};
        ::nanosleep(&pause, nullptr);
    }
    // Once accepted, the operation may have completed and be another's.
    if (error || by_call) {
        operation.result = result;
        {
            const std::lock_guard lock{mutex_};
            refused_.push_back(operation);
            any_refused_.store(true, std::memory_order_release);
        }
        PrivateTable::signal(wake_);
    }
    if (poll) {
        const std::lock_guard lock{mutex_};
        --submitting_polls_;
        poll_submitted_.notify_all();
    }
    int fd = -1;
    if (is_last(pin, fd) && fd >= 0) {
        close_pinned(fd); // this is the table that it is in
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
