// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/transfer.hpp"

#include "tool/failure.hpp"

#include <cerrno>
#include <coroutine>
#include <exception>
#include <span>

#include <unistd.h>

namespace tool {
namespace {

struct Ended {
    int error = 0;
    std::size_t bytes = 0;
};

/// All of it, or up to the end of the file, or until an error.
Ended transfer_plainly(Direction direction, int fd, std::span<std::byte> bytes,
                       std::int64_t offset) {
    Ended ended;
    while (ended.bytes < bytes.size()) {
        const std::span<std::byte> rest = bytes.subspan(ended.bytes);
        const auto at = static_cast<off_t>(offset + static_cast<std::int64_t>(ended.bytes));
        const ssize_t count = direction == Direction::read
                                  ? ::pread(fd, rest.data(), rest.size(), at)
                                  : ::pwrite(fd, rest.data(), rest.size(), at);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        ended.error = count < 0 ? errno : 0;
        if (count <= 0) {
            break;
        }
        ended.bytes += static_cast<std::size_t>(count);
    }
    return ended;
}

/// For a file whose last byte is before `end`: throws.
[[noreturn]] void fail_at_end(const OpenFile& file, std::int64_t end) {
    const std::int64_t size = file.size();
    if (size <= end) {
        throw Failure(file.name() + ": shrank while it was copied");
    }
    // Its file system is wrong, or the server behind it.
    throw Failure(file.name() + ": ends after " + std::to_string(end) +
                  " bytes, and says that it has " + std::to_string(size));
}

/// The bottom of a task that waits for nothing.
struct AtOnce {
    struct promise_type {
        std::exception_ptr failure;

        AtOnce get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { failure = std::current_exception(); }
    };
    std::coroutine_handle<promise_type> frame;
};

AtOnce begin_at_once(aioxx::Task<> task) {
    co_await std::move(task);
}

} // namespace

aioxx::Task<> transfer(aioxx::Queue* queue, Direction direction, OpenFile& file, std::byte* buffer,
                       Block block) {
    const bool reading = direction == Direction::read;
    for (;;) {
        const bool direct = file.is_direct();
        const std::int64_t length = round_up(block.length, file.alignment());
        const std::span<std::byte> bytes{buffer, static_cast<std::size_t>(length)};
        Ended end;
        if (queue == nullptr) {
            end = transfer_plainly(direction, file.fd(), bytes, block.offset);
        } else {
            auto operation = reading ? queue->read_full(file.file(), bytes, block.offset)
                                     : queue->write_all(file.file(), bytes, block.offset);
            const aioxx::Completion completion = co_await std::move(operation).completion();
            end = {completion.error().value(), completion.bytes()};
        }
        if (end.error == EINVAL && direct && file.give_up_direct()) {
            continue;
        }
        const bool ended = end.bytes < static_cast<std::size_t>(block.length);
        if (reading && end.error == 0 && ended) {
            fail_at_end(file, block.offset + static_cast<std::int64_t>(end.bytes));
        }
        if (end.error != 0 || ended) {
            throw Failure(file.name(), reading ? "cannot read" : "cannot write",
                          end.error != 0 ? end.error : ENOSPC);
        }
        co_return;
    }
}

void run_at_once(aioxx::Task<> task) {
    const AtOnce running = begin_at_once(std::move(task));
    const std::exception_ptr failure = running.frame.promise().failure;
    running.frame.destroy();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

aioxx::Queue& LazyQueue::get(unsigned depth) {
    if (!queue_) {
        queue_.emplace(aioxx::Queue::Options{.depth = depth}, error_);
        if (error_) {
            throw Failure("eventfd", "cannot make a queue", error_.value());
        }
    }
    return *queue_;
}

} // namespace tool
