// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What runs on the helpers' own threads.

#include "engine/helpers.hpp"

#include <cerrno>
#include <ctime>
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
    for (bool has_asked = false;;) {
        while (!stopping_ && may_take_job(lock)) {
            Operation* const operation = job_at_hand();
            if (operation == nullptr) {
                break;
            }
            run(*operation, lock);
        }
        if (stopping_) {
            break;
        }
        lock.unlock();
        PrivateTable::Message message{};
        int file = -1;
        const PrivateTable::Received received = table_.receive(message, file);
        if (received == PrivateTable::Received::message) {
            has_asked = false;
            obey(message, file);
        } else if (received == PrivateTable::Received::too_late &&
                   ends_for_idleness(first, has_asked)) {
            return;
        }
        lock.lock();
        stopping_ |= received == PrivateTable::Received::ended;
    }
    if (first) {
        helper_ended_.wait(lock, [this] { return threads_ == 1; });
    }
    --threads_;
    helper_ended_.notify_all();
}

/// True when that has been seen to.
bool Helpers::ends_for_idleness(bool first, bool& has_asked) noexcept {
    {
        const std::lock_guard lock{mutex_};
        if (!jobs_.empty() || (first ? threads_ > 1 : at_messages() == 1)) {
            return false; // the first one ends last; and nobody leaves the messages to nobody
        }
        if (!first || pinned_ == 0) {
            --threads_;
            runs_ = runs_ && !first;
            helper_ended_.notify_all();
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

// Messages. Threads may carry them out in another order than they were sent in.

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
        epoll_.store(file >= 0 ? file : Pin::lost);
        epoll_.notify_all();
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
    pin.fd.wait(Pin::on_its_way, std::memory_order_acquire);
    epoll_.wait(none_yet);
    {
        const std::lock_guard lock{watching_};
        const bool is_newest = watch.order > pin.watched;
        pin.watched = is_newest ? watch.order : pin.watched;
        const int error =
            is_newest ? PrivateTable::watch(epoll_.load(), pin.fd.load(), watch.events, watch.data)
                      : 0;
        if (error != 0) {
            pin.unwatchable.store(error);
            any_unwatchable_.store(true);
            PrivateTable::signal(wake_);
        }
    }
    if (is_last(pin)) {
        close_now(pin);
    }
}

void Helpers::close_now(Pin& pin) noexcept {
    if (const int fd = pin.fd.load(std::memory_order_acquire); fd >= 0) {
        if (pin.watched > 0) {
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

// Jobs.

/// Whether this thread may make a call. Somebody has to stay with the messages, which may bring
/// the file that another one needs; but who is alone can only do it himself.
bool Helpers::may_take_job(Lock& lock) noexcept {
    if (!jobs_.empty() && at_messages() == 1 && threads_ <= options_.limit) {
        start_another(lock);
    }
    return !jobs_.empty() && (at_messages() > 1 || threads_ == 1);
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
    lock.unlock();
    const std::error_code error = make_call(operation, pin);
    lock.lock();
    --busy_;
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
        close_now(pin);
        lock.lock();
    }
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
