// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/blocking_call.hpp"

#include "engine/opening.hpp"
#include "engine/write_run.hpp"
#include "engine/write_signals.hpp"
#include "kernel/kernel.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

/// Gives this thread the I/O priority that an iocb would have had, for one call.
class ThreadPriority {
public:
    explicit ThreadPriority(const Request& request) noexcept {
        if (!request.prioritised) {
            return;
        }
        before_ = ::syscall(SYS_ioprio_get, who_process, 0);
        const auto wanted = static_cast<int>(request.priority.value());
        error_ = ::syscall(SYS_ioprio_set, who_process, 0, wanted) == 0 ? 0 : errno;
        changed_ = error_ == 0 && before_ >= 0;
    }
    ~ThreadPriority() {
        if (changed_) {
            const long back =
                before_ >> 13 == 0 ? 0 : before_; // of class none, which takes no level
            ::syscall(SYS_ioprio_set, who_process, 0, static_cast<int>(back));
        }
    }
    ThreadPriority(const ThreadPriority&) = delete;
    ThreadPriority& operator=(const ThreadPriority&) = delete;

    /// EINVAL or EPERM, as io_submit would have said.
    [[nodiscard]] int error() const noexcept { return error_; }

private:
    static constexpr int who_process = 1; // IOPRIO_WHO_PROCESS, which means one thread

    long before_ = 0;
    int error_ = 0;
    bool changed_ = false;
};

template <typename Call>
std::int64_t repeat(Call call) noexcept {
    std::int64_t result = 0;
    do {
        result = call();
    } while (result == -EINTR);
    return result;
}

std::int64_t make_transfer(const Operation& operation, int fd, bool stream, RwFlags more) noexcept {
    const Request& request = operation.request;
    const iovec one{static_cast<std::byte*>(request.data) + operation.done,
                    request.is_vectored() ? 0 : request.length - operation.done};
    const iovec* const parts =
        request.is_vectored() ? static_cast<const iovec*>(request.data) : &one;
    const std::size_t count = request.is_vectored() ? request.length : 1;
    const RwFlags flags = operation.flags() | more;
    const auto transfer = [&](std::int64_t at) {
        return repeat([&] {
            return kernel::transfer(operation.is_write(), fd, parts, count, at,
                                    static_cast<int>(flags));
        });
    };
    const std::int64_t at = stream ? -1 : operation.current_offset();
    std::int64_t result = transfer(at);
    if (result == -EOPNOTSUPP && operation.asks_nowait() && operation.file->traits.socket &&
        request.flags == RwFlags::none) {
        const std::int64_t message = repeat(
            [&] { return kernel::transfer_message(operation.is_write(), fd, parts, count); });
        result = message == -EINVAL ? result : message; // some do not know the flags
    }
    if (result == -ESPIPE && at >= 0) {
        result = transfer(-1); // a file of /proc that is written as a whole, at any offset
    }
    // Of a directory io_submit says EINVAL, and all ways give one answer.
    return result == -EISDIR ? -EINVAL : result;
}

/// What remains of all in `run`, of which a WriteRun has seen to it that they fit.
std::int64_t write_together(std::span<Operation* const> run, int fd) noexcept {
    std::array<iovec, WriteRun::most_parts> parts;
    std::size_t count = 0;
    for (const Operation* const operation : run) {
        const Request& request = operation->request;
        if (request.is_vectored()) {
            const std::span own{static_cast<const iovec*>(request.data), request.length};
            std::ranges::copy(own, parts.begin() + static_cast<std::ptrdiff_t>(count));
            count += own.size();
        } else {
            parts[count++] = {static_cast<std::byte*>(request.data) + operation->done,
                              request.length - operation->done};
        }
    }
    const Operation& first = *run.front();
    const std::int64_t at = first.current_offset();
    return repeat([&] {
        return kernel::transfer(true, fd, parts.data(), count, at,
                                static_cast<int>(first.request.flags));
    });
}

/// Tells those whose turn it was that so many bytes were written. Returns those that go on.
std::span<Operation* const> tell(std::span<Operation* const> run, std::size_t bytes) noexcept {
    while (!run.empty() && bytes >= run.front()->remaining()) {
        run.front()->result = static_cast<std::int64_t>(run.front()->remaining());
        bytes -= run.front()->remaining();
        run = run.subspan(1);
    }
    if (bytes == 0) {
        return run;
    }
    if (run.front()->request.exact) {
        run.front()->advance(bytes);
        return run;
    }
    run.front()->result = static_cast<std::int64_t>(bytes);
    return run.subspan(1);
}

std::int64_t open(const Request& request) noexcept {
    auto& opening = *static_cast<Opening*>(request.data);
    std::error_code error;
    // It asks the file system what the file can do, which may wait as well.
    opening.file = File::open(opening.path, static_cast<int>(request.bits),
                              static_cast<unsigned>(request.offset), error);
    return error ? -error.value() : opening.file.fd();
}

std::int64_t resize(const Request& request, int fd) noexcept {
    const auto at = static_cast<off_t>(request.offset);
    const int result =
        request.kind == Kind::ftruncate
            ? ::ftruncate(fd, at)
            : ::fallocate(fd, static_cast<int>(request.bits), at, static_cast<off_t>(request.room));
    return result < 0 ? -errno : 0;
}

std::int64_t call_with(Operation& operation, int fd, bool stream, RwFlags more) noexcept {
    const Request& request = operation.request;
    if (operation.is_flush()) {
        return repeat([&] { return kernel::flush(request.kind == Kind::fdatasync, fd); });
    }
    if (request.kind == Kind::open) {
        return repeat([&] { return open(request); });
    }
    if (operation.is_resize()) {
        return repeat([&] { return resize(request, fd); });
    }
    if (!stream && request.offset < 0) {
        return -EINVAL; // -1 would mean the file's own position
    }
    const ThreadPriority priority{request};
    if (priority.error() != 0) {
        return -priority.error();
    }
    std::int64_t result = make_transfer(operation, fd, stream, more);
    while (operation.in_turn && request.exact && result > 0 &&
           static_cast<std::size_t>(result) < operation.remaining()) {
        operation.advance(static_cast<std::size_t>(result));
        result = make_transfer(operation, fd, stream, more);
    }
    return result;
}

/// What the kernel says to RWF_NOSIGNAL; since Linux 6.18 it is known. Set once, by any thread.
std::atomic<bool> refuses_nosignal{false};

/// A write that may send a signal. The flag costs nothing; blocking signals costs four calls.
std::int64_t call_without_signal(Operation& operation, int fd, bool stream) noexcept {
    std::int64_t result = 0;
    if (operation.file->traits.takes_nosignal &&
        !refuses_nosignal.load(std::memory_order_relaxed)) {
        result = call_with(operation, fd, stream, RwFlags::nosignal);
        if (result != -EOPNOTSUPP && result != -EINVAL) {
            return result;
        }
    }
    const NoWriteSignals kept_away;
    const std::int64_t without = call_with(operation, fd, stream, RwFlags::none);
    if (result != 0 && without != result) {
        refuses_nosignal.store(true, std::memory_order_relaxed);
    }
    return without;
}

} // namespace

std::int64_t blocking_call(Operation& operation, int fd, bool stream, RwFlags more) noexcept {
    return call_with(operation, fd, stream, more);
}

void blocking_writes(std::span<Operation* const> run, int fd) noexcept {
    const ThreadPriority priority{run.front()->request};
    while (run.size() > 1 && priority.error() == 0) {
        const std::int64_t bytes = write_together(run, fd);
        if (bytes <= 0) {
            break; // whose fault it is shows when each is made alone
        }
        run = tell(run, static_cast<std::size_t>(bytes));
    }
    for (Operation* const operation : run) {
        operation->result = blocking_call(*operation, fd, false);
    }
}

/// A read as most are, of a file that has offsets.
std::int64_t read_once(const Operation& operation, int fd) noexcept {
    const Request& request = operation.request;
    const iovec part{static_cast<std::byte*>(request.data) + operation.done,
                     request.length - operation.done};
    return kernel::transfer(false, fd, &part, 1, operation.current_offset(),
                            static_cast<int>(operation.flags()));
}

std::int64_t call_here(Operation& operation, int fd, bool stream) noexcept {
    const Request& request = operation.request;
    if (request.kind == Kind::read && !stream && request.offset >= 0 && !request.prioritised)
        [[likely]] {
        const std::int64_t result = read_once(operation, fd);
        if (result != -EINTR && result != -ESPIPE && result != -EISDIR) [[likely]] {
            return result;
        } // else it has read nothing, and is made once more
    }
    // An exact one in turn is carried on, perhaps beyond the limit.
    const bool carried_on = operation.in_turn && operation.request.exact &&
                            operation.file->traits.size_limit != FileTraits::no_limit;
    return may_send_signal(operation) || carried_on
               ? call_without_signal(operation, fd, stream)
               : call_with(operation, fd, stream, RwFlags::none);
}

} // namespace engine
AIOXX_NAMESPACE_END
