// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// How operations end in the simulated kernel.
#include "model/simulated_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

bool is_stream(const SimulatedFile* file) noexcept {
    return file != nullptr && file->kind != SimulatedFile::Kind::regular;
}

std::size_t bytes_in(const std::vector<iovec>& parts) noexcept {
    std::size_t bytes = 0;
    for (const iovec& part : parts) {
        bytes += part.iov_len;
    }
    return bytes;
}

/// The first `bytes` of `parts`.
std::vector<iovec> first(std::vector<iovec> parts, std::size_t bytes) {
    for (iovec& part : parts) {
        part.iov_len = std::min(part.iov_len, bytes);
        bytes -= part.iov_len;
    }
    return parts;
}

} // namespace

std::size_t SimulatedKernel::advance(std::size_t count) {
    const std::lock_guard lock{mutex_};
    return advance_locked(count);
}

std::size_t SimulatedKernel::advance_locked(std::size_t count) {
    scribble();
    std::size_t done = 0;
    while (done < count && !pending_.empty()) {
        const std::vector<short> ready = readiness();
        const std::size_t from = random_.below(pending_.size());
        const std::size_t before = done;
        for (std::size_t i = 0; i < ready.size() && done == before; ++i) {
            const std::size_t place = (from + i) % ready.size();
            if (!pending_[place].forgotten && complete(place, ready[place])) {
                ++done;
            }
        }
        if (done == before) {
            break;
        }
    }
    return done;
}

/// What poll(2) says of each that is pending; 0 for regular files.
std::vector<short> SimulatedKernel::readiness() const {
    std::vector<pollfd> polled;
    std::vector<short> ready;
    bool any = false;
    for (const Pending& pending : pending_) {
        pollfd one{-1, 0, 0};
        if (is_poll(pending.submitted)) {
            one = {pending.file != nullptr ? pending.file->fd : pending.poll_fd,
                   static_cast<short>(pending.submitted.buffer), 0};
        } else if (is_stream(pending.file.get())) {
            one = {pending.file->fd, is_write(pending.submitted) ? short{POLLOUT} : short{POLLIN},
                   0};
        }
        any |= one.fd >= 0;
        polled.push_back(one);
    }
    if (any) {
        ::poll(polled.data(), polled.size(), 0);
    }
    for (const pollfd& one : polled) {
        ready.push_back(one.fd >= 0 ? one.revents : short{0});
    }
    return ready;
}

/// False when it is not ready to.
bool SimulatedKernel::complete(std::size_t place, short ready) {
    Pending& pending = pending_[place];
    if (is_poll(pending.submitted)) {
        if (ready == 0 && !pending.cancelled) {
            return false;
        }
        put(place, pending.cancelled ? 0 : ready);
        return true;
    }
    if (!is_flush(pending.submitted)) {
        check_written(pending);
    }
    std::int64_t result = 0;
    if (is_flush(pending.submitted)) {
        result = random_.percent(behaviour_.failed) ? -EIO : 0;
    } else if (is_stream(pending.file.get())) {
        if (ready == 0 && !pending.nowait) {
            return false;
        }
        result = pipe_transfer(pending, ready);
    } else {
        result = file_transfer(pending);
    }
    put(place, result);
    return true;
}

std::int64_t SimulatedKernel::file_transfer(Pending& pending) {
    SimulatedFile& file = *pending.file;
    const bool writes = is_write(pending.submitted);
    if (pending.nowait && writes && file.traits.nowait_fails) {
        return -EOPNOTSUPP;
    }
    if (pending.nowait && random_.percent(behaviour_.would_block)) {
        return -EAGAIN;
    }
    if (pending.interruptible && random_.percent(behaviour_.interrupted)) {
        return -EINTR;
    }
    if (random_.percent(behaviour_.failed)) {
        return -EIO;
    }
    const std::size_t wanted = bytes_in(pending.parts);
    const std::size_t at =
        pending.append ? file.bytes.size() : static_cast<std::size_t>(pending.submitted.offset);
    const std::size_t there = file.bytes.size() - std::min(at, file.bytes.size());
    const std::size_t bytes = cut(pending, writes ? wanted : std::min(wanted, there));
    const std::size_t unit = pending.direct ? file.traits.unit : 1;
    if (at % unit != 0 || wanted % unit != 0) {
        violation("a transfer that is not aligned, on direct I/O");
        return -EINVAL;
    }
    std::size_t done = 0;
    if (writes && bytes > 0) {
        file.grow(at + bytes);
    }
    for (const iovec& part : first(pending.parts, bytes)) {
        if (part.iov_len == 0) {
            continue;
        }
        std::byte* const in_file = file.bytes.data() + at + done;
        if (writes) {
            std::memcpy(in_file, part.iov_base, part.iov_len);
        } else {
            std::memcpy(part.iov_base, in_file, part.iov_len);
        }
        done += part.iov_len;
    }
    return static_cast<std::int64_t>(bytes);
}

std::int64_t SimulatedKernel::pipe_transfer(Pending& pending, short ready) {
    // Another reader or writer may have been faster.
    if (pending.nowait && (ready == 0 || random_.percent(behaviour_.would_block))) {
        return -EAGAIN;
    }
    if (pending.interruptible && random_.percent(behaviour_.interrupted)) {
        return -EINTR;
    }
    const std::size_t most = std::min(bytes_in(pending.parts), std::size_t{1024}); // cannot block
    const std::vector<iovec> parts = first(pending.parts, cut(pending, most));
    const auto count = static_cast<int>(parts.size());
    const ssize_t result = is_write(pending.submitted)
                               ? ::writev(pending.file->fd, parts.data(), count)
                               : ::readv(pending.file->fd, parts.data(), count);
    return result >= 0 ? result : -errno;
}

/// Perhaps fewer: NOWAIT ends where the cache does; anything may be short.
std::size_t SimulatedKernel::cut(const Pending& pending, std::size_t bytes) {
    const std::size_t unit = pending.direct ? pending.file->traits.unit : 1;
    const bool may_be = pending.nowait || behaviour_.cuts_plain || is_stream(pending.file.get());
    if (bytes <= unit || !may_be || !random_.percent(behaviour_.cut)) {
        return bytes;
    }
    return (1 + random_.below(bytes / unit)) * unit; // never 0, which would be the end
}

/// What is handed over stays as it is until it is handed back.
void SimulatedKernel::check_written(const Pending& pending) {
    std::size_t at = 0;
    for (const iovec& part : pending.parts) {
        if (!pending.data.empty() && part.iov_len > 0 &&
            std::memcmp(part.iov_base, pending.data.data() + at, part.iov_len) != 0) {
            violation("what was to be written changed before it was");
        }
        at += part.iov_len;
    }
}

/// A disk may write to what it was given at any time until it has said that it is done.
void SimulatedKernel::scribble() {
    if (pending_.empty()) {
        return;
    }
    const Pending& pending = pending_[random_.below(pending_.size())];
    if (is_poll(pending.submitted) || is_write(pending.submitted) || pending.parts.empty()) {
        return;
    }
    const iovec& part = pending.parts[random_.below(pending.parts.size())];
    if (part.iov_len > 0) {
        std::memset(part.iov_base, 0xdd, part.iov_len);
    }
}

void SimulatedKernel::put(std::size_t place, std::int64_t result) {
    const Pending pending = std::move(pending_[place]);
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(place));
    last_change_ = Clock::now();
    if (pending.call != nullptr) {
        *pending.call = {true, result};
        returned_.notify_all();
        return;
    }
    Context& context = contexts_.at(pending.context);
    if (pending.iocb->data != pending.submitted.data || pending.iocb->key != 0 ||
        pending.iocb->opcode != pending.submitted.opcode) {
        violation("an iocb changed while it was in flight");
    }
    kernel::EventLayout event;
    event.data = pending.submitted.data;
    event.iocb = reinterpret_cast<std::uintptr_t>(pending.iocb);
    event.result = result;
    context.ring->put(event);
    --context.in_flight;
    if (pending.event_fd >= 0) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(pending.event_fd, &one, sizeof(one));
    }
    if (pending.poll_fd >= 0) {
        ::close(pending.poll_fd);
    }
}

void SimulatedKernel::violation(std::string what) {
    violations_.push_back(std::move(what));
}

} // namespace aioxx::test
