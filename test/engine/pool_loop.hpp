// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// A worker pool with a loop that takes what comes back from it, in place of the engine.

#include "descriptors.hpp"
#include "engine/plain_file.hpp"
#include "engine/worker_pool.hpp"
#include "eventually.hpp"
#include "threads.hpp"

#include <aioxx/aioxx.hpp>
#include <aioxx/queue/worker_limit.hpp>

#include <cstddef>
#include <cstdint>
#include <system_error>

#include <poll.h>
#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {

/// Whether `fd` is readable within half a minute.
inline bool becomes_readable(int fd) {
    pollfd one{fd, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&one, 1, 30'000);
    } while (ready < 0 && errno == EINTR);
    return ready == 1;
}

/// The limit for the time of a test.
class WorkerLimit {
public:
    explicit WorkerLimit(unsigned limit) { set_worker_limit(limit); }
    ~WorkerLimit() { set_worker_limit(before_); }
    WorkerLimit(const WorkerLimit&) = delete;
    WorkerLimit& operator=(const WorkerLimit&) = delete;

private:
    const unsigned before_ = worker_limit();
};

/// A task that tells that it has been run.
struct Signal : engine::WorkerPool::Task {
    Signal() {
        run = [](Task& task) noexcept { static_cast<Signal&>(task).done.signal(); };
    }
    /// Whether it runs within half a minute.
    bool has_run() { return becomes_readable(done.fd()) && done.read() == 1; }

    EventFd done;
};

class PoolLoop {
public:
    explicit PoolLoop(const engine::WorkerPool::Options& options = {})
        : PoolLoop(options, shared_) {}
    PoolLoop(const engine::WorkerPool::Options& options, engine::WorkerTable& table)
        : pool(options, mailbox, table, &context) {
        mailbox.open(wake.fd(), events.fd(), true);
    }

    void start() {
        std::error_code error;
        pool.start(error);
        REQUIRE(!error);
    }
    /// To be set before. Starts workers where none run.
    void add(WorkerOperation& operation) {
        operation.prepare(-1, events.fd());
        operation.move_to(engine::State::to_run);
        operation.move_to(engine::State::worker);
        while (!pool.add(operation)) {
            start();
        }
    }
    void add(WorkerOperation& operation, engine::Kind kind, engine::OpenFile& file,
             engine::Way way = engine::Way::worker) {
        operation.set(kind, file, way);
        add(operation);
    }
    void add_in_turn(WorkerOperation& operation, engine::Kind kind, engine::OpenFile& file) {
        operation.set(kind, file);
        operation.in_turn = true;
        add(operation);
    }

    /// The next that has come back, from a worker or from the ring.
    engine::Operation& next() {
        while (returned_.empty()) {
            REQUIRE(becomes_readable(events.fd()));
            events.read();
            take();
        }
        return *returned_.pop_front();
    }
    /// The result of `operation`, which is the next to come back.
    std::int64_t result_of(const engine::Operation& operation) {
        CHECK(&next() == &operation);
        return operation.result;
    }
    [[nodiscard]] bool has_returned() const { return !returned_.empty(); }
    /// Looks for what has come back by now.
    void take() {
        engine::OperationList made = mailbox.take();
        while (engine::Operation* const operation = made.pop_front()) {
            returned_.push_back(*operation);
        }
        EventBatch batch{16};
        context.reap(batch);
        for (const Event& event : batch) {
            auto* const operation = event.data_as<engine::Operation>();
            operation->result = event.result();
            returned_.push_back(*operation);
        }
    }

    EventFd wake;
    EventFd events; // counts what comes back
    engine::Mailbox mailbox;
    Context context{64};

private:
    engine::SharedTable shared_;
    engine::OperationList returned_;

public:
    engine::WorkerPool pool; // ends first
};

/// A file that is read at once.
struct AbcFile {
    TemporaryFile content{"abc"};
    PlainFile file{content};
};

/// A file of which a worker waits to read, in a call or in io_submit, until it is filled.
struct PipeFile {
    Pipe pipe;
    PlainFile file{pipe.reader};
};

/// Reads one byte.
struct ByteRead : WorkerOperation {
    ByteRead() { length = 1; }
};

/// Whether so many workers come to wait in the call, at the same time.
inline bool workers_wait(std::size_t count, long call = SYS_preadv2) {
    return eventually([=] { return count_blocked_in(call) == count; });
}

} // namespace aioxx::test
