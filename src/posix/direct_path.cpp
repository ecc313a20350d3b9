// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/direct_path.hpp"

#include "engine/thread_sleeps.hpp"
#include "posix/notification.hpp"
#include "posix/per_call_descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <sys/mman.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

constexpr std::size_t longest = std::size_t{1} << 30U; // io_submit cuts what is longer than 2 GiB

/// Why the engine's order of requests is not needed, nor a worker.
bool suits(const PerCallDescriptor& file) noexcept {
    const engine::FileTraits& traits = file.traits;
    const bool has_blocks =
        file.kind() == FileKind::regular || file.kind() == FileKind::block_device;
    return has_blocks && traits.direct && !traits.append && !traits.on_server;
}

} // namespace

DirectPath::~DirectPath() {
    if (context_ != 0) {
        kernel::destroy(context_);
    }
}

/// Where it is refused, or its ring is not to be read, all goes by the engine.
void DirectPath::open() noexcept {
    opened_ = true;
    kernel::Handle context = 0;
    if (kernel::setup(depth, &context) != 0) {
        return;
    }
    Ring* const ring = Ring::find(context);
    // A child that took an event would take it from its parent: there is no ring there.
    if (ring == nullptr || ::madvise(ring, ring->bytes(), MADV_DONTFORK) != 0) {
        kernel::destroy(context);
        return;
    }
    context_ = context;
    ring_.open(ring);
}

/// A write beyond RLIMIT_FSIZE would send its signal to this thread, inside io_submit.
bool DirectPath::is_usable(const PerCallDescriptor& file, bool write) noexcept {
    return ring_.is_open() && (!write || file.traits.size_limit == engine::FileTraits::no_limit);
}

void DirectPath::describe(int fd, int flags, PerCallDescriptor& file) noexcept {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= known_.size() || !suits(file)) {
        return;
    }
    Known& known = known_[index];
    for (const bool write : {false, true}) {
        Direction& direction = known.directions[write ? 1 : 0];
        engine::RoutePolicy& policy = file.policy(std::size_t{write ? 1U : 0U});
        if (direction.slept.exchange(false)) {
            policy.slept_elsewhere(direction.clean.exchange(0));
        }
        const bool open_already = direction.until_watched.load(std::memory_order_relaxed) >= 0;
        if (!policy.trusts_submits() || open_already) {
            continue;
        }
        if (!opened_) {
            open();
        }
        if (is_usable(file, write)) {
            known.flags.store(flags);
            direction.until_watched.store(0);
        }
    }
}

void DirectPath::forget(int fd) noexcept {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= known_.size()) {
        return;
    }
    Known& known = known_[index];
    known.flags.store(-1);
    for (Direction& direction : known.directions) {
        direction.until_watched.store(Direction::engines);
        direction.slept.store(false);
        direction.clean.store(0);
    }
}

void DirectPath::begin_flush(int fd) noexcept {
    if (const auto index = static_cast<std::size_t>(fd); index < known_.size()) {
        known_[index].flushes.fetch_add(1);
    }
}

void DirectPath::end_flush(int fd) noexcept {
    if (const auto index = static_cast<std::size_t>(fd); index < known_.size()) {
        known_[index].flushes.fetch_sub(1);
    }
}

bool DirectPath::start(ControlBlock& block, Opcode opcode, std::int64_t offset,
                       std::uint64_t generation) noexcept {
    const auto index = static_cast<std::size_t>(block.fd);
    if (index >= known_.size()) {
        return false;
    }
    Known& known = known_[index];
    const bool write = opcode == Opcode::write;
    Direction& direction = known.directions[write ? 1 : 0];
    // Acquires the context, which was made before.
    const int left = direction.until_watched.load(std::memory_order_acquire);
    const bool suits = left >= 0 && block.priority_decrease == 0 && block.length > 0 &&
                       block.length <= longest && offset >= 0 && is_silent(block.notification);
    if (!suits) {
        return false;
    }
    const int errno_before = errno;
    const int flags = ::fcntl(block.fd, F_GETFL);
    errno = errno_before;
    if (flags < 0 || flags != known.flags.load(std::memory_order_relaxed)) {
        return false;
    }
    drop(block, generation);
    const DirectRecords::Ticket ticket = records_.begin(block.fd);
    if (ticket.index == DirectRecords::none) {
        return false;
    }
    // A flush looks for requests in progress after it has said that it is there.
    if (known.flushes.load() != 0) {
        records_.withdraw(ticket);
        return false;
    }
    block.begin(records_.record(ticket), ticket.use, generation);
    bool submitted = false;
    if (left > 0) {
        direction.until_watched.store(left - 1, std::memory_order_relaxed);
        submitted = submit(block, ticket, write, offset);
    } else {
        submitted = submit_watched(direction, block, ticket, write, offset);
    }
    if (!submitted) {
        records_.withdraw(ticket);
        return false;
    }
    count_->fetch_add(1, std::memory_order_relaxed);
    return true;
}

bool DirectPath::submit(const ControlBlock& block, const DirectRecords::Ticket& ticket, bool write,
                        std::int64_t offset) noexcept {
    kernel::IocbLayout iocb; // io_submit copies it
    void* const memory = const_cast<void*>(block.buffer);
    if (write) {
        kernel::prepare_write(iocb, block.fd, memory, block.length, offset);
    } else {
        kernel::prepare_read(iocb, block.fd, memory, block.length, offset);
    }
    kernel::set_event_fd(iocb, event_fd_);
    iocb.data = ticket.packed();
    kernel::IocbLayout* one = &iocb;
    return kernel::submit(context_, 1, &one) == 1;
}

/// One that has slept closes this way: the engine watches the next ones more closely.
bool DirectPath::submit_watched(Direction& direction, const ControlBlock& block,
                                const DirectRecords::Ticket& ticket, bool write,
                                std::int64_t offset) noexcept {
    const long before = engine::thread_sleeps();
    const bool submitted = submit(block, ticket, write, offset);
    if (engine::thread_sleeps() != before) {
        direction.slept.store(true);
        direction.until_watched.store(Direction::engines);
        return submitted;
    }
    const std::uint32_t clean = direction.clean.load(std::memory_order_relaxed);
    std::uint32_t random = direction.random.load(std::memory_order_relaxed);
    const unsigned distance = engine::RoutePolicy::next_distance(write, clean, random);
    direction.random.store(random, std::memory_order_relaxed);
    direction.clean.store(std::min(clean + distance, engine::RoutePolicy::long_clean),
                          std::memory_order_relaxed);
    direction.until_watched.store(static_cast<int>(distance), std::memory_order_relaxed);
    return submitted;
}

void DirectPath::drop(ControlBlock& block, std::uint64_t generation) noexcept {
    int ignored = 0;
    if (block.state(generation) == ControlBlock::Is::direct) {
        take(block, ignored);
    }
}

/// Another thread may take the event that ends the wait for one.
void DirectPath::await_idle(int fd) noexcept {
    constexpr kernel::Timeout look_again = 1'000'000;
    while (any_in_progress(fd)) {
        // With no memory to write the event to the kernel does not take it: EFAULT.
        const int result = kernel::get_events(context_, 1, 1, nullptr, look_again, nullptr);
        if (result != 0 && result != -EFAULT) {
            constexpr timespec pause{0, look_again};
            ::nanosleep(&pause, nullptr);
        }
    }
}

/// What a handler that has forked has interrupted finds an empty ring.
void DirectPath::abandon() noexcept {
    if (context_ != 0) {
        Ring::stand_in(context_, ring_.bytes());
        context_ = 0;
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
