// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The backend that delegates to libaio 0.3.

#include "kernel/kernel.hpp"

#include "kernel/raw_call.hpp"

#include <array>
#include <atomic>
#include <climits>
#include <cstddef>

#include <libaio.h>

AIOXX_NAMESPACE_BEGIN
namespace kernel {
namespace {

static_assert(sizeof(iocb) == sizeof(IocbLayout) && sizeof(io_event) == sizeof(EventLayout));

iocb* native(IocbLayout& layout) noexcept {
    return reinterpret_cast<iocb*>(&layout);
}

io_context_t native(Handle handle) noexcept {
    return reinterpret_cast<io_context_t>(handle); // NOLINT(performance-no-int-to-ptr)
}

/// libaio's io_getevents and io_pgetevents read the ring at the address that the handle is, before
/// they enter the kernel: a handle that is none crashes there, where the system call says EINVAL.
/// So only handles known to be alive are delegated. One slot for each hash, and the later context
/// takes it: one that is not found is not wrong, it goes by the system call.
class LiveHandles {
public:
    void add(Handle handle) noexcept { slot(handle).store(handle, std::memory_order_relaxed); }
    void remove(Handle handle) noexcept {
        slot(handle).compare_exchange_strong(handle, 0, std::memory_order_relaxed);
    }
    [[nodiscard]] bool has(Handle handle) const noexcept {
        return handle != 0 && slots_[index(handle)].load(std::memory_order_relaxed) == handle;
    }

private:
    static std::size_t index(Handle handle) noexcept { return (handle >> 12) % size; } // page
    std::atomic<Handle>& slot(Handle handle) noexcept { return slots_[index(handle)]; }

    static constexpr std::size_t size = 256;
    std::array<std::atomic<Handle>, size> slots_{};
};

constinit LiveHandles live_handles;

/// Apart, so that the call without limit needs no room for what this one needs.
[[gnu::noinline]] int get_events_with(Handle handle, long min, long max, EventLayout* events,
                                      Timeout timeout, const sigset_t* mask) noexcept {
    if (!live_handles.has(handle)) {
        return raw_get_events(handle, min, max, events, timeout, mask);
    }
    if (min < 0 || min > max) {
        return -EINVAL; // libaio answers 0 on an empty ring with a zero timeout
    }
    auto* const out = reinterpret_cast<io_event*>(events);
    TimeoutSpec<timespec> limit{timeout};
    if (mask == nullptr) {
        return io_getevents(native(handle), min, max, out, limit.get());
    }
    sigset_t copy = *mask; // declared without const there
    return io_pgetevents(native(handle), min, max, out, limit.get(), &copy);
}

} // namespace

int setup(unsigned events, Handle* handle) noexcept {
    const int result = io_setup(static_cast<int>(events), reinterpret_cast<io_context_t*>(handle));
    if (result == 0) {
        live_handles.add(*handle);
    }
    return result;
}

int destroy(Handle handle) noexcept {
    live_handles.remove(handle);
    return io_destroy(native(handle));
}

int submit(Handle handle, long count, IocbLayout** iocbs) noexcept {
    return io_submit(native(handle), count, reinterpret_cast<iocb**>(iocbs));
}

int cancel(Handle handle, IocbLayout* iocb, EventLayout* event) noexcept {
    return io_cancel(native(handle), reinterpret_cast<struct iocb*>(iocb),
                     reinterpret_cast<io_event*>(event));
}

int get_events(Handle handle, long min, long max, EventLayout* events, Timeout timeout,
               const sigset_t* mask) noexcept {
    if (timeout == forever && mask == nullptr) {
        // libaio would read the ring, find that it may not answer from it, and make this call.
        return raw_get_events(handle, min, max, events);
    }
    return get_events_with(handle, min, max, events, timeout, mask);
}

void prepare_read(IocbLayout& iocb, int fd, void* buffer, std::size_t length,
                  std::int64_t offset) noexcept {
    io_prep_pread(native(iocb), fd, buffer, length, offset);
}

void prepare_write(IocbLayout& iocb, int fd, const void* buffer, std::size_t length,
                   std::int64_t offset) noexcept {
    io_prep_pwrite(native(iocb), fd, const_cast<void*>(buffer), length, offset);
}

void prepare_readv(IocbLayout& iocb, int fd, const iovec* buffers, std::size_t count,
                   std::int64_t offset) noexcept {
    io_prep_preadv(native(iocb), fd, buffers, 0, offset);
    iocb.length = count; // an int there, which would make some counts out of others
}

void prepare_writev(IocbLayout& iocb, int fd, const iovec* buffers, std::size_t count,
                    std::int64_t offset) noexcept {
    io_prep_pwritev(native(iocb), fd, buffers, 0, offset);
    iocb.length = count;
}

void prepare_fsync(IocbLayout& iocb, int fd) noexcept {
    io_prep_fsync(native(iocb), fd);
}

void prepare_fdatasync(IocbLayout& iocb, int fd) noexcept {
    io_prep_fdsync(native(iocb), fd);
}

void prepare_poll(IocbLayout& iocb, int fd, std::uint32_t events) noexcept {
    io_prep_poll(native(iocb), fd, static_cast<int>(events));
}

void set_event_fd(IocbLayout& iocb, int fd) noexcept {
    io_set_eventfd(native(iocb), fd);
}

const char* backend() noexcept {
    return "libaio";
}

} // namespace kernel
AIOXX_NAMESPACE_END
