// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/pin_table.hpp"

#include "engine/open_file.hpp"
#include "posix/direct_path.hpp"

#include <cassert>
#include <cerrno>
#include <ctime>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace posix {

using engine::Operation;
using Task = engine::WorkerPool::Task;

// --- The engine's thread ----------------------------------------------------------------------

void PinTable::attach(engine::WorkerPool& pool, engine::Mailbox& mailbox, int wake_fd,
                      int event_fd) noexcept {
    pool_ = &pool;
    mailbox_ = &mailbox;
    wake_fd_ = wake_fd;
    event_fd_ = event_fd;
    receive_task_.table = this;
    receive_task_.run = [](Task& task) noexcept {
        auto& receive = static_cast<ReceiveTask&>(task);
        receive.queued.store(false); // before: what is sent from now on may need another one
        receive.table->receive_until([] { return false; });
    };
}

void PinTable::reserve(std::size_t files) {
    // Of each file one that is pinned, one that is lent, and one that the last borrower is closing;
    // and some that files have which are gone.
    constexpr std::size_t spare = 32;
    pins_.reserve(3 * files + spare);
}

int PinTable::open() noexcept {
    epoll_sent_ = false;
    receive_task_.queued.store(false);
    return table_.open();
}

void PinTable::entered() noexcept {
    if (!is_shared_) {
        table_.close_far_end();
    }
}

Pin* PinTable::pin(int fd) noexcept {
    return take_and_send(fd, false);
}

/// The workers stay from the moment on that `in_use_` is raised, if there are any then.
Pin* PinTable::take_and_send(int fd, bool lent) noexcept {
    in_use_.fetch_add(1);
    Pin* const pin = pool_->stays() ? pins_.take() : nullptr;
    int error = EAGAIN;
    if (pin != nullptr) {
        pin->table = this;
        pin->run = [](Task& task) noexcept {
            auto& changed = static_cast<Pin&>(task);
            changed.table->carry_out(changed);
        };
        pin->lent = lent;
        error = send(pin, fd);
    }
    if (error != 0) {
        pin != nullptr ? give_back(*pin) : static_cast<void>(in_use_.fetch_sub(1));
        errno = error;
        return nullptr;
    }
    return pin;
}

/// Where there is no room for more a worker is asked to receive what is there.
int PinTable::send(Pin* pin, int fd) noexcept {
    constexpr timespec pause{0, 50'000};
    constexpr int attempts = 2000;
    int error = 0;
    for (int i = 0; i < attempts; ++i) {
        error = table_.send(pin, fd);
        if (error != EAGAIN && error != ETOOMANYREFS) {
            break;
        }
        if (!receive_task_.queued.exchange(true) && !pool_->add(receive_task_)) {
            break;
        }
        ::nanosleep(&pause, nullptr);
    }
    return error;
}

void PinTable::give_back(Pin& pin) noexcept {
    pins_.give_back(pin);
    in_use_.fetch_sub(1);
}

template <typename Change>
bool PinTable::ask(Pin& pin, Change change) noexcept {
    {
        const std::lock_guard lock{changes_};
        change(pin);
        if (std::exchange(pin.queued, true)) {
            return true; // the worker that carries out the change before sees to this one
        }
    }
    return pool_->add(pin);
}

void PinTable::release_and_wait(Pin& pin) noexcept {
    if (!pool_->running() || !ask(pin, [](Pin& one) { one.to_close = true; })) {
        // The workers' table went with them; what lies in the program's is closed here.
        if (is_shared_) {
            close_file(pin);
        }
        give_back(pin);
        return;
    }
    for (int fd = pin.fd.load(std::memory_order_acquire); fd != Pin::closed;
         fd = pin.fd.load(std::memory_order_acquire)) {
        pin.fd.wait(fd, std::memory_order_acquire);
    }
    give_back(pin);
}

int PinTable::watch(Pin& pin, int epoll, std::uint32_t events, std::uint64_t data) noexcept {
    if (!epoll_sent_) {
        if (const int error = send(nullptr, epoll); error != 0) {
            return error;
        }
        epoll_sent_ = true;
    }
    const bool asked = ask(pin, [events, data](Pin& one) {
        one.to_watch = true;
        one.events = events;
        one.data = data;
    });
    return asked ? 0 : EAGAIN;
}

/// Pins are taken by this thread alone, so the use does not change meanwhile; but the last borrower
/// may end.
bool PinTable::join(const Loan& loan) noexcept {
    if (loan.pin == nullptr || loan.pin->use != loan.use) {
        return false;
    }
    unsigned borrowers = loan.pin->borrowers.load(std::memory_order_relaxed);
    while (borrowers > 0 && !loan.pin->borrowers.compare_exchange_weak(borrowers, borrowers + 1,
                                                                       std::memory_order_relaxed)) {
    }
    return borrowers > 0;
}

bool PinTable::lend(Loan& loan, int fd, Operation& operation) noexcept {
    if (!join(loan)) {
        Pin* const lent = take_and_send(fd, true);
        if (lent == nullptr) {
            return false;
        }
        lent->borrowers.store(1, std::memory_order_relaxed); // published by adding the operation
        loan = {lent, lent->use};
    }
    operation.pin = loan.pin;
    return true;
}

void PinTable::taken_back(Operation& operation) noexcept {
    auto* const pin = static_cast<Pin*>(std::exchange(operation.pin, nullptr));
    if (pin != nullptr && pin->lent &&
        pin->borrowers.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        release_and_wait(*pin);
    }
}

// --- The workers ------------------------------------------------------------------------------

void PinTable::enter() noexcept {
    is_shared_ = !table_.leave_program_table({wake_fd_, event_fd_});
}

/// A thread is seen to have ended before its table is closed, so what must not stay open is closed
/// here.
void PinTable::leave() noexcept {
    if (const int epoll = epoll_.exchange(Pin::on_its_way); epoll >= 0) {
        PrivateTable::close(epoll);
    }
    if (!is_shared_) {
        table_.close_in_table();
    }
}

engine::WorkerTable::Entry PinTable::find(Operation& operation) noexcept {
    auto* const pin = static_cast<Pin*>(operation.pin);
    if (pin == nullptr) {
        return {-EBADF, nullptr};
    }
    if (operation.request.is_flush() && direct_path_ != nullptr && !operation.file->traits.stream) {
        direct_path_->await_idle(engine::open_file(operation).fd);
    }
    const int fd = number_of(*pin);
    return {fd >= 0 ? fd : -EMFILE, pin->lent ? pin : nullptr};
}

void PinTable::release(const Entry& entry) noexcept {
    auto* const pin = static_cast<Pin*>(entry.pin);
    // Acquires what the other borrowers have done, and releases what this one has.
    if (pin != nullptr && pin->borrowers.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        close_file(*pin);
        give_back(*pin);
    }
}

/// A pin's changes are carried out one after the other: one task does all that are asked for while
/// it runs. It does not touch the pin once the engine's thread may ask anew, or have it back.
void PinTable::carry_out(Pin& pin) noexcept {
    for (;;) {
        std::unique_lock lock{changes_};
        if (pin.to_close) {
            break; // nothing is asked of it any more
        }
        if (!std::exchange(pin.to_watch, false)) {
            pin.queued = false;
            return;
        }
        const std::uint32_t events = pin.events;
        const std::uint64_t data = pin.data;
        lock.unlock();
        if (const int error = register_with_epoll(pin, events, data); error != 0) {
            pin.unwatchable.store(error);
            any_unwatchable_.store(true);
            mailbox_->wake();
        }
    }
    close_file(pin);
    pin.fd.store(Pin::closed, std::memory_order_release);
    pin.fd.notify_all();
}

int PinTable::register_with_epoll(Pin& pin, std::uint32_t events, std::uint64_t data) noexcept {
    receive_until([this] { return epoll_.load() != Pin::on_its_way; }); // it was sent before
    const int epoll = epoll_.load();
    const int fd = number_of(pin);
    if (epoll < 0 || fd < 0) {
        return EMFILE;
    }
    pin.watched = true;
    return PrivateTable::watch(epoll, fd, events, data);
}

void PinTable::close_file(Pin& pin) noexcept {
    const int fd = number_of(pin);
    if (fd < 0) {
        return;
    }
    if (pin.watched) {
        // The file may stay open in the program, and epoll would go on to tell of it.
        PrivateTable::unwatch(epoll_.load(), fd);
    }
    PrivateTable::close(fd);
}

/// In the workers' table; negative when it had no room. It was sent before any worker could know of
/// the pin, so it is here, or in the socket, or another worker is just receiving it.
int PinTable::number_of(Pin& pin) noexcept {
    const auto arrived = [&pin] {
        return pin.fd.load(std::memory_order_acquire) != Pin::on_its_way;
    };
    if (!arrived()) {
        receive_until(arrived);
    }
    return pin.fd.load(std::memory_order_acquire);
}

template <typename Arrived>
void PinTable::receive_until(Arrived arrived) noexcept {
    const std::lock_guard lock{receiving_};
    PrivateTable::Received received;
    while (!arrived() && table_.receive(received)) {
        std::atomic<int>& fd =
            received.subject == nullptr ? epoll_ : static_cast<Pin*>(received.subject)->fd;
        fd.store(received.file >= 0 ? received.file : Pin::lost, std::memory_order_release);
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
