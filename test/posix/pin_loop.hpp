// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Workers with a pin table, and a loop in place of the engine.

#include "engine/pool_loop.hpp"
#include "posix/pin_table.hpp"

#include <cstddef>
#include <string>

#include <fcntl.h>
#include <sys/file.h>

namespace aioxx::test {

class PinLoop {
public:
    explicit PinLoop(engine::WorkerPool::Options options = {})
        : loop((options.spare_for_tasks = true, options), table) {
        table.attach(loop.pool, loop.mailbox, loop.wake.fd(), loop.events.fd());
        table.reserve(8);
        loop.start();
    }

    /// The workers may end for idleness before.
    posix::Pin& pin(int fd) {
        table.reserve(++files_);
        posix::Pin* made = nullptr;
        while ((made = table.pin(fd)) == nullptr) {
            REQUIRE(errno == EAGAIN);
            loop.start();
        }
        return *made;
    }
    void add(WorkerOperation& operation, engine::Kind kind, engine::OpenFile& file, posix::Pin& pin,
             engine::Way way = engine::Way::worker) {
        operation.set(kind, file, way);
        operation.pin = &pin;
        loop.add(operation);
    }
    /// A write in turn whose file goes along.
    void add_lent(WorkerOperation& operation, engine::OpenFile& file, posix::Loan& loan, int fd) {
        operation.set(engine::Kind::write, file);
        operation.in_turn = true;
        while (!table.lend(loan, fd, operation)) {
            REQUIRE(errno == EAGAIN);
            loop.start();
        }
        loop.add(operation);
    }

    posix::PinTable table;
    PoolLoop loop;

private:
    std::size_t files_ = 0;
};

/// The file that is open as `fd` once more, with an offset and locks of its own.
inline int open_again(int fd, int flags) {
    return ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), flags | O_CLOEXEC);
}

/// Whether no other open file holds a lock on that of `fd`.
inline bool can_lock(int fd) {
    return ::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::flock(fd, LOCK_UN) == 0;
}

inline int count_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
        count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

} // namespace aioxx::test
