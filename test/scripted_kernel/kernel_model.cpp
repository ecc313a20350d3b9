// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "scripted_kernel/kernel_model.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <new>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

constexpr std::uint16_t poll_opcode = 5;
constexpr std::uint32_t flag_resfd = 1;
constexpr std::size_t page = 4096;

} // namespace

/// As fs/aio.c lays it out.
struct KernelModel::Ring {
    std::uint32_t id = 0;
    std::uint32_t size = 0;
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
    std::uint32_t magic = 0xa10a10a1;
    std::uint32_t compatible_features = 1;
    std::uint32_t incompatible_features = 0;
    std::uint32_t header_length = 32;

    [[nodiscard]] EventLayout* slots() { return reinterpret_cast<EventLayout*>(this + 1); }
    /// `head` may be moved by the library, which reaps here without a call.
    [[nodiscard]] std::uint32_t first() {
        return std::atomic_ref{head}.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::uint32_t count() { return (tail + size - first()) % size; }
    void put(const EventLayout& event) {
        slots()[tail] = event;
        std::atomic_ref{tail}.store((tail + 1) % size, std::memory_order_release);
    }
    void take(EventLayout* out) {
        const std::uint32_t at = first();
        *out = slots()[at];
        std::atomic_ref{head}.store((at + 1) % size, std::memory_order_release);
    }
};

KernelModel::~KernelModel() {
    while (!contexts_.empty()) {
        destroy(contexts_.begin()->first);
    }
}

void KernelModel::set_limit(std::uint64_t operations) {
    const std::lock_guard lock{mutex_};
    limit_ = operations;
}

void KernelModel::set_rings(bool mapped) {
    const std::lock_guard lock{mutex_};
    rings_ = mapped;
}

void KernelModel::set_refusal(std::function<int(const IocbLayout&)> rule) {
    const std::lock_guard lock{mutex_};
    refusal_ = std::move(rule);
}

void KernelModel::set_plain_result(std::function<std::int64_t(const PlainCall&)> rule) {
    const std::lock_guard lock{mutex_};
    plain_result_ = std::move(rule);
}

void KernelModel::on_wait(std::function<bool()> function) {
    const std::lock_guard lock{mutex_};
    on_wait_ = std::move(function);
}

std::vector<KernelModel::Operation> KernelModel::in_flight() const {
    const std::lock_guard lock{mutex_};
    std::vector<Operation> operations;
    for (const Pending& pending : in_flight_) {
        operations.push_back(pending.operation);
    }
    return operations;
}

void KernelModel::complete(std::size_t place, std::int64_t result, std::int64_t result2) {
    const std::lock_guard lock{mutex_};
    finish(place, result, result2);
}

std::size_t KernelModel::lost() const {
    const std::lock_guard lock{mutex_};
    return lost_;
}

int KernelModel::setup(unsigned events, Handle* handle) {
    const std::lock_guard lock{mutex_};
    if (*handle != 0 || events == 0) {
        return -EINVAL;
    }
    if (used_ + events > limit_) {
        return -EAGAIN;
    }
    Context context;
    context.depth = events;
    const std::size_t slots = std::size_t{events} + 1; // one is always free
    context.ring_bytes = (sizeof(Ring) + slots * sizeof(EventLayout) + page - 1) / page * page;
    void* const memory = ::mmap(nullptr, context.ring_bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return -ENOMEM;
    }
    context.ring = new (memory) Ring;
    context.ring->size = static_cast<std::uint32_t>(slots);
    *handle =
        rings_ ? reinterpret_cast<Handle>(memory) : std::exchange(next_handle_, next_handle_ + 2);
    contexts_.emplace(*handle, context);
    used_ += events;
    return 0;
}

int KernelModel::destroy(Handle handle) {
    const std::lock_guard lock{mutex_};
    const auto found = contexts_.find(handle);
    if (found == contexts_.end()) {
        return -EINVAL;
    }
    lost_ += found->second.in_flight + found->second.ring->count();
    for (Pending& pending : in_flight_) {
        if (pending.operation.context == handle) {
            close_event_fd(pending);
        }
    }
    std::erase_if(in_flight_,
                  [handle](const Pending& pending) { return pending.operation.context == handle; });
    used_ -= found->second.depth;
    ::munmap(found->second.ring, found->second.ring_bytes);
    contexts_.erase(found);
    completed_.notify_all();
    return 0;
}

int KernelModel::submit(Handle handle, long count, IocbLayout** iocbs) {
    const std::lock_guard lock{mutex_};
    const auto found = contexts_.find(handle);
    if (found == contexts_.end() || count < 0) {
        return -EINVAL;
    }
    int accepted = 0;
    for (long i = 0; i < count; ++i) {
        const int refused = accept(handle, found->second, iocbs[i]);
        if (refused != 0) {
            return accepted != 0 ? accepted : -refused;
        }
        ++accepted;
    }
    return accepted;
}

int KernelModel::accept(Handle handle, Context& context, IocbLayout* iocb) {
    if (context.in_flight + context.ring->count() >= context.depth) {
        return EAGAIN;
    }
    if (refusal_) {
        const int refused = refusal_(*iocb);
        if (refused != 0) {
            return refused;
        }
    }
    Pending pending;
    if ((iocb->flags & flag_resfd) != 0) {
        pending.event_fd = ::fcntl(static_cast<int>(iocb->event_fd), F_DUPFD_CLOEXEC, 0);
        if (pending.event_fd < 0) {
            return EBADF;
        }
    }
    iocb->key = 0;
    pending.operation = {handle, iocb, *iocb};
    in_flight_.push_back(pending);
    ++context.in_flight;
    return 0;
}

int KernelModel::cancel(Handle handle, IocbLayout* iocb) {
    const std::lock_guard lock{mutex_};
    if (!contexts_.contains(handle) || iocb->key != 0) {
        return -EINVAL;
    }
    for (std::size_t place = 0; place < in_flight_.size(); ++place) {
        const Operation& operation = in_flight_[place].operation;
        if (operation.context == handle && operation.iocb == iocb &&
            operation.submitted.opcode == poll_opcode) {
            finish(place, 0, 0);
            return -EINPROGRESS;
        }
    }
    return -EINVAL;
}

int KernelModel::get_events(Handle handle, long min, long max, EventLayout* events,
                            kernel::Timeout timeout) {
    using Clock = std::chrono::steady_clock;
    const bool forever = timeout == kernel::forever;
    const Clock::time_point end = Clock::now() + std::chrono::nanoseconds{forever ? 0 : timeout};
    std::unique_lock lock{mutex_};
    long taken = 0;
    for (bool more = true;;) {
        const auto found = contexts_.find(handle);
        if (found == contexts_.end() || min < 0 || min > max) {
            return -EINVAL;
        }
        while (taken < max && found->second.ring->count() != 0) {
            found->second.ring->take(&events[taken++]);
        }
        if (taken >= min || timeout == 0) {
            return static_cast<int>(taken);
        }
        if (!more) {
            return taken == 0 && forever ? -EINTR : static_cast<int>(taken);
        }
        if (on_wait_) {
            const auto function = on_wait_;
            lock.unlock();
            more = function();
            lock.lock();
        } else if (forever) {
            completed_.wait(lock);
        } else {
            more = completed_.wait_until(lock, end) == std::cv_status::no_timeout;
        }
    }
}

std::int64_t KernelModel::transfer(bool write, int fd, const iovec* parts, std::size_t count,
                                   std::int64_t at, int flags) {
    PlainCall call{write ? PlainCall::Kind::write : PlainCall::Kind::read, fd, 0, at, flags};
    std::for_each(parts, parts + count,
                  [&call](const iovec& part) { call.length += part.iov_len; });
    return plain(call);
}

std::int64_t KernelModel::flush(bool data_only, int fd) {
    return plain(
        {.kind = data_only ? PlainCall::Kind::fdatasync : PlainCall::Kind::fsync, .fd = fd});
}

std::int64_t KernelModel::plain(const PlainCall& call) {
    std::unique_lock lock{mutex_};
    const auto rule = plain_result_;
    lock.unlock();
    return rule ? rule(call) : static_cast<std::int64_t>(call.length);
}

void KernelModel::finish(std::size_t place, std::int64_t result, std::int64_t result2) {
    Pending pending = in_flight_.at(place);
    in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(place));
    Context& context = contexts_.at(pending.operation.context);
    EventLayout event;
    event.data = pending.operation.submitted.data;
    event.iocb = reinterpret_cast<std::uintptr_t>(pending.operation.iocb);
    event.result = result;
    event.result2 = result2;
    context.ring->put(event);
    --context.in_flight;
    if (pending.event_fd >= 0) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(pending.event_fd, &one, sizeof(one));
        close_event_fd(pending);
    }
    completed_.notify_all();
}

void KernelModel::close_event_fd(Pending& pending) {
    if (pending.event_fd >= 0) {
        ::close(std::exchange(pending.event_fd, -1));
    }
}

} // namespace aioxx::test
