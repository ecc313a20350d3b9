// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "model/simulated_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

constexpr std::uint32_t flag_resfd = 1;
constexpr std::uint32_t rwf_nowait = 0x08;
constexpr std::uint32_t rwf_append = 0x10;
constexpr std::chrono::seconds never_ends{20};

} // namespace

Behaviour Behaviour::drawn_from(Random& random) {
    Behaviour drawn;
    drawn.ring = random.percent(75);
    drawn.cuts_plain = random.percent(50);
    drawn.at_once = static_cast<unsigned>(random.below(3) * 40);
    drawn.again = static_cast<unsigned>(random.below(3) * 10);
    drawn.interrupted = static_cast<unsigned>(random.below(2) * 10);
    drawn.would_block = static_cast<unsigned>(random.below(3) * 40);
    drawn.cut = static_cast<unsigned>(random.below(3) * 30);
    drawn.failed = static_cast<unsigned>(random.below(3) * 3);
    drawn.forgotten = static_cast<unsigned>(random.below(3) * 5);
    drawn.sleeps = static_cast<unsigned>(random.below(3) * 40);
    return drawn;
}

SimulatedKernel::SimulatedKernel(std::uint64_t seed, const Behaviour& behaviour)
    : seed_(seed), behaviour_(behaviour), random_(seed) {}

SimulatedKernel::~SimulatedKernel() {
    for (const auto& [id, fd] : event_fds_) {
        ::close(fd);
    }
    for (const Pending& pending : pending_) {
        if (pending.poll_fd >= 0) {
            ::close(pending.poll_fd);
        }
    }
}

std::shared_ptr<SimulatedFile> SimulatedKernel::add(int fd, SimulatedFile::Traits traits) {
    const std::lock_guard lock{mutex_};
    SimulatedFile::Key key{};
    int flags = 0;
    SimulatedFile::look_up(fd, key, flags);
    return files_[key] = std::make_shared<SimulatedFile>(fd, traits);
}

bool SimulatedKernel::release() {
    const std::lock_guard lock{mutex_};
    bool any = false;
    for (Pending& pending : pending_) {
        any |= std::exchange(pending.forgotten, false);
    }
    closed_.notify_all();
    return any;
}

void SimulatedKernel::forget_nothing() {
    const std::lock_guard lock{mutex_};
    behaviour_.forgotten = 0;
}

bool SimulatedKernel::holds(const std::byte* memory, std::size_t length, bool writes_only) const {
    const std::lock_guard lock{mutex_};
    return std::any_of(pending_.begin(), pending_.end(), [&](const Pending& pending) {
        return (!writes_only || is_write(pending.submitted)) &&
               std::any_of(pending.parts.begin(), pending.parts.end(), [&](const iovec& part) {
                   const auto* const base = static_cast<const std::byte*>(part.iov_base);
                   return part.iov_len > 0 && base < memory + length &&
                          memory < base + part.iov_len;
               });
    });
}

void SimulatedKernel::wait_until_closed() {
    std::unique_lock lock{mutex_};
    closed_.wait(lock, [this] { return contexts_.empty(); });
}

std::vector<std::string> SimulatedKernel::violations() const {
    const std::lock_guard lock{mutex_};
    return violations_;
}

int SimulatedKernel::setup(unsigned events, kernel::Handle* handle) {
    const std::lock_guard lock{mutex_};
    if (*handle != 0 || events == 0) {
        return -EINVAL;
    }
    Context context;
    context.depth = events;
    context.ring = std::make_unique<EventRing>(events);
    context.owner = std::this_thread::get_id();
    *handle =
        behaviour_.ring ? context.ring->address() : std::exchange(next_handle_, next_handle_ + 2);
    contexts_.emplace(*handle, std::move(context));
    return 0;
}

/// Polls are cancelled; the rest is waited for, for as long as it takes.
int SimulatedKernel::destroy(kernel::Handle handle) {
    std::unique_lock lock{mutex_};
    const auto found = contexts_.find(handle);
    if (found == contexts_.end() || found->second.closing) {
        return -EINVAL;
    }
    Context& context = found->second;
    context.closing = true;
    while (context.in_flight > 0) {
        bool any = false;
        for (std::size_t place = pending_.size(); place-- > 0;) {
            Pending& pending = pending_[place];
            if (pending.context != handle) {
                continue;
            }
            const bool pipe =
                pending.file != nullptr && pending.file->kind != SimulatedFile::Kind::regular;
            if (is_poll(pending.submitted) || pipe) {
                any = true;
                put(place, 0);
            } else if (!pending.forgotten) {
                any |= complete(place, 0);
            }
        }
        if (!any) {
            closed_.wait(lock);
        }
    }
    contexts_.erase(found);
    closed_.notify_all();
    return 0;
}

int SimulatedKernel::submit(kernel::Handle handle, long count, kernel::IocbLayout** iocbs) {
    const std::lock_guard lock{mutex_};
    const auto found = contexts_.find(handle);
    if (found == contexts_.end() || found->second.closing || count < 0) {
        return -EINVAL;
    }
    if (random_.percent(behaviour_.interrupted)) {
        return -EINTR;
    }
    int accepted = 0;
    for (; accepted < count; ++accepted) {
        const int refused = accept(handle, found->second, iocbs[accepted]);
        if (refused != 0) {
            return accepted != 0 ? accepted : -refused;
        }
    }
    if (std::this_thread::get_id() != found->second.owner) {
        changed_.notify_all();
    } else if (random_.percent(30)) {
        advance_locked(1 + random_.below(3));
    }
    return accepted;
}

int SimulatedKernel::accept(kernel::Handle handle, Context& context, kernel::IocbLayout* iocb) {
    if (context.in_flight + context.ring->count() >= context.depth ||
        random_.percent(behaviour_.again)) {
        return EAGAIN;
    }
    Pending pending;
    pending.context = handle;
    pending.iocb = iocb;
    pending.submitted = *iocb;
    pending.foreign = std::this_thread::get_id() != context.owner;
    pending.interruptible = pending.foreign;
    if (const int refused = resolve(pending, !pending.foreign); refused != 0) {
        return refused;
    }
    if (pending.direct && !pending.foreign && random_.percent(behaviour_.sleeps)) {
        std::this_thread::sleep_for(std::chrono::microseconds{1});
    }
    iocb->key = 0;
    pending.submitted.key = 0;
    pending.forgotten =
        !is_poll(pending.submitted) && random_.percent(behaviour_.forgotten) &&
        (pending.file == nullptr || pending.file->kind == SimulatedFile::Kind::regular);
    pending_.push_back(std::move(pending));
    last_change_ = Clock::now();
    ++context.in_flight;
    const auto slots = static_cast<std::size_t>(
        std::count_if(pending_.begin(), pending_.end(), [handle](const Pending& one) {
            return one.context == handle && !is_poll(one.submitted);
        }));
    if (behaviour_.slots != 0 && slots > behaviour_.slots) {
        violation("more in flight than the depth allows");
    }
    const Pending& fresh = pending_.back();
    if (!fresh.foreign && !fresh.forgotten && random_.percent(behaviour_.at_once)) {
        complete(pending_.size() - 1, 0);
    }
    return 0;
}

/// What the numbers in the iocb mean.
int SimulatedKernel::resolve(Pending& pending, bool own_thread) {
    const auto fd = static_cast<int>(pending.submitted.fd);
    SimulatedFile::Key key{};
    int flags = 0;
    if (!SimulatedFile::look_up(fd, key, flags)) {
        return EBADF;
    }
    if ((pending.submitted.flags & flag_resfd) != 0) {
        pending.event_fd = resolve_event_fd(static_cast<int>(pending.submitted.event_fd));
        if (pending.event_fd < 0) {
            violation("an operation with an eventfd that is none");
            return EBADF;
        }
    }
    const auto file = files_.find(key);
    if (file != files_.end()) {
        pending.file = file->second;
    }
    if (is_poll(pending.submitted)) {
        if (pending.file == nullptr) {
            pending.poll_fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 300);
        }
        return pending.file != nullptr && pending.file->traits.poll_refused ? EINVAL : 0;
    }
    if (pending.file == nullptr) {
        violation("an operation on a file that is not of the test");
        return EBADF;
    }
    const int refused = is_flush(pending.submitted) ? 0 : resolve_transfer(pending, flags);
    if (refused == 0) {
        check_blocking(pending, own_thread);
    }
    return refused;
}

int SimulatedKernel::resolve_transfer(Pending& pending, int flags) {
    const kernel::IocbLayout& iocb = pending.submitted;
    const SimulatedFile& file = *pending.file;
    const bool stream = file.kind != SimulatedFile::Kind::regular;
    const bool asked = (iocb.rw_flags & rwf_nowait) != 0;
    if (asked && file.traits.nowait_refused) {
        return EOPNOTSUPP;
    }
    pending.nowait = asked || (flags & O_NONBLOCK) != 0;
    pending.append = (flags & O_APPEND) != 0 || (iocb.rw_flags & rwf_append) != 0;
    pending.direct = (flags & O_DIRECT) != 0 && !stream;
    auto* const memory = reinterpret_cast<void*>(static_cast<std::uintptr_t>(iocb.buffer));
    if (iocb.opcode < 2) {
        pending.parts.push_back({memory, static_cast<std::size_t>(iocb.length)});
    } else {
        const auto* const first = static_cast<const iovec*>(memory);
        pending.parts.assign(first, first + iocb.length);
    }
    if (is_write(iocb)) {
        for (const iovec& part : pending.parts) {
            const auto* const from = static_cast<const std::byte*>(part.iov_base);
            pending.data.insert(pending.data.end(), from, from + part.iov_len);
        }
    }
    return 0;
}

/// Whether the call that begins it may put its thread to sleep.
bool SimulatedKernel::may_block(const Pending& pending) noexcept {
    // Direct I/O and flushes are asynchronous when they are submitted.
    const bool asynchronous =
        pending.call == nullptr && (pending.direct || is_flush(pending.submitted));
    return !pending.nowait && !asynchronous && !pending.file->traits.in_memory;
}

void SimulatedKernel::check_blocking(const Pending& pending, bool own_thread) {
    if (own_thread && behaviour_.threads && may_block(pending)) {
        violation(pending.call != nullptr ? "a plain call that may block, on the queue's own thread"
                                          : "a submit that may block, on the queue's own thread");
    }
}

/// All eventfds have the same inode. /proc has an id.
int SimulatedKernel::resolve_event_fd(int fd) {
    std::ifstream info{"/proc/thread-self/fdinfo/" + std::to_string(fd)};
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("eventfd-id")) {
            const auto known = event_fds_.find(line);
            if (known != event_fds_.end()) {
                return known->second;
            }
            return event_fds_[line] = ::fcntl(fd, F_DUPFD_CLOEXEC, 300);
        }
    }
    return -1;
}

int SimulatedKernel::cancel(kernel::Handle handle, kernel::IocbLayout* iocb) {
    const std::lock_guard lock{mutex_};
    const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& pending) {
        return pending.context == handle && pending.iocb == iocb;
    });
    if (found == pending_.end() || !is_poll(found->submitted) || found->cancelled) {
        return -EINVAL;
    }
    found->cancelled = true;
    if (random_.percent(50)) {
        put(static_cast<std::size_t>(found - pending_.begin()), 0);
    }
    return -EINPROGRESS;
}

int SimulatedKernel::get_events(kernel::Handle handle, long min, long max,
                                kernel::EventLayout* events, kernel::Timeout timeout) {
    const bool forever = timeout == kernel::forever;
    const auto end = Clock::now() + std::chrono::nanoseconds{forever ? 0 : timeout};
    std::unique_lock lock{mutex_};
    const auto found = contexts_.find(handle);
    if (found == contexts_.end() || min < 0 || min > max) {
        return -EINVAL;
    }
    EventRing& ring = *found->second.ring;
    long taken = 0;
    for (bool patient = false;;) {
        while (taken < max && ring.count() != 0) {
            ring.take(events[taken++]);
        }
        if (taken >= min || timeout == 0) {
            return static_cast<int>(taken);
        }
        if (taken == 0 && random_.percent(behaviour_.interrupted)) {
            return -EINTR;
        }
        if (!forever && random_.percent(behaviour_.interrupted)) {
            return static_cast<int>(taken); // time passes while one is not running
        }
        if (advance_locked(1 + random_.below(3)) > 0) {
            continue;
        }
        const auto now = Clock::now();
        if (!forever && now >= end) {
            return static_cast<int>(taken);
        }
        using namespace std::chrono_literals;
        const std::chrono::nanoseconds left = forever ? 1h : end - now;
        if (!patient && left > 1ms) {
            if (behaviour_.threads && wait_for_change(lock, 2ms)) {
                continue;
            }
            lock.unlock();
            patient = !on_stuck_ || !on_stuck_();
            lock.lock();
            continue;
        }
        wait_for_change(lock, std::min<std::chrono::nanoseconds>(left, 1s));
        check_progress();
    }
}

void SimulatedKernel::check_progress() const {
    if (Clock::now() - last_change_ > never_ends) {
        std::fprintf(stderr, "AIOXX_SEED=%llu: a wait that does not end, %zu in flight\n",
                     static_cast<unsigned long long>(seed_), pending_.size());
        std::abort();
    }
}

/// Until another thread has submitted or made a plain call, or something that is polled is ready.
bool SimulatedKernel::wait_for_change(std::unique_lock<std::mutex>& lock,
                                      std::chrono::nanoseconds limit) {
    std::vector<pollfd> polled;
    for (const Pending& pending : pending_) {
        if (is_poll(pending.submitted)) {
            const int fd = pending.file != nullptr ? pending.file->fd : pending.poll_fd;
            polled.push_back({fd, static_cast<short>(pending.submitted.buffer), 0});
        }
    }
    constexpr std::chrono::nanoseconds slice = std::chrono::microseconds{500};
    for (const auto end = Clock::now() + limit;;) {
        if (::poll(polled.data(), polled.size(), 0) > 0) {
            return true;
        }
        const auto left = end - Clock::now();
        if (left.count() <= 0) {
            return false;
        }
        if (changed_.wait_for(lock, std::min(left, slice)) == std::cv_status::no_timeout) {
            return true;
        }
    }
}

} // namespace aioxx::test
