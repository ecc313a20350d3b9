// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// One request of the chaos test, and what is expected of it.

#include "posix/wait.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <aio.h>

namespace aioxx::test::chaos {

/// What was counted, for all workers together.
struct Tally {
    std::atomic<std::uint64_t> started{0};
    std::atomic<std::uint64_t> completed{0};
    std::atomic<std::uint64_t> cancelled{0};
    std::atomic<std::uint64_t> notified{0};
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<const char*> first_wrong{nullptr};

    void expect(bool holds, const char* what) {
        if (!holds && wrong++ == 0) {
            first_wrong = what;
        }
    }
};
inline Tally tally;

inline constexpr std::size_t block_size = 4096;
inline const int notification_signal = SIGRTMIN + 3;

struct Slot {
    enum class How : std::uint8_t { silent, signal, thread };

    aiocb control{};
    std::atomic<unsigned> notifications{0};
    unsigned notifications_wanted = 0;
    bool busy = false;
    std::uint64_t number = 0; // of the target's requests
    char pattern = 0;
    alignas(block_size) std::array<char, block_size> buffer{};

    void prepare(int fd, std::size_t bytes, off_t offset, How how) {
        std::memset(static_cast<void*>(&control), 0xAA, sizeof(control));
        control.aio_fildes = fd;
        control.aio_reqprio = 0;
        control.aio_buf = buffer.data();
        control.aio_nbytes = bytes;
        control.aio_offset = offset;
        notifications_wanted += how == How::silent ? 0 : 1;
        sigevent& event = control.aio_sigevent;
        event.sigev_notify = how == How::silent   ? SIGEV_NONE
                             : how == How::signal ? SIGEV_SIGNAL
                                                  : SIGEV_THREAD;
        event.sigev_signo = notification_signal;
        event.sigev_value.sival_ptr = this;
        if (how == How::thread) {
            event.sigev_notify_attributes = nullptr;
            event.sigev_notify_function = [](sigval value) { told(value.sival_ptr); };
        }
        busy = true;
        ++tally.started;
    }

    /// A notification has come. Async-signal-safe.
    static void told(void* pointer) {
        auto& slot = *static_cast<Slot*>(pointer);
        tally.expect(::aio_error(&slot.control) != EINPROGRESS, "told before it was done");
        ++tally.notified;
        ++slot.notifications;
    }

    /// Takes the result; the request is done. Waits for the notification, so that the next one is
    /// not taken for it.
    int take(ssize_t& result) {
        const int error = ::aio_error(&control);
        result = ::aio_return(&control);
        tally.expect(error != EINPROGRESS, "in progress again");
        tally.expect((error == 0) == (result >= 0), "error and result disagree");
        tally.expect(::aio_return(&control) == -1, "a second result");
        tally.expect(eventually([this] { return notifications == notifications_wanted; }),
                     "no notification, or two");
        ++(error == ECANCELED ? tally.cancelled : tally.completed);
        busy = false;
        return error;
    }
};

} // namespace aioxx::test::chaos
