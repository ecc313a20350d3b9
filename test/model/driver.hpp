// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "model/random.hpp"
#include "model/shadow.hpp"
#include "model/simulated_kernel.hpp"

#include <aioxx/aioxx.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace aioxx::test {

/// A file of the driver's, and what has to be true of it.
struct Subject {
    enum class Kind : std::uint8_t { random, append, reader, writer };

    Kind kind = Kind::random;
    File file;
    std::shared_ptr<SimulatedFile> simulated; // null on the real kernel
    SimulatedFile::Traits traits;
    int watch = -1; // a descriptor of our own; of a pipe: its other end
    std::size_t unit = 1;
    Shadow shadow;
    std::vector<std::size_t> writes; // in the order of their calls
    std::vector<std::byte> drained;  // what came out of a pipe
    std::size_t fed = 0;             // bytes that went into one
    std::size_t received = 0;        // and came to a callback
    bool unknown = false;            // an operation was given up: its bytes may be anywhere
};

/// One operation that was started.
struct Started {
    enum class Kind : std::uint8_t { read, write, flush, poll, sleep, room, condition, permit };

    Kind kind = Kind::sleep;
    OperationId id;
    std::size_t subject = 0;
    AlignedBuffer memory; // borrowed; given back when it completes
    const std::byte* data = nullptr;
    std::vector<std::byte> content; // of a write
    std::size_t length = 0;
    std::size_t offset = 0;
    bool exact = false;
    bool append = false;
    bool owned = false;
    bool nowait = false; // asked for
    bool unaligned = false;
    bool deadline = false;
    bool ordered = false;
    bool may_be_cancelled = false;
    bool was_cancelled = false; // so the last cancel said
    bool lost = false;          // given up, and perhaps still with the kernel
    std::uint32_t begun = 0;
    std::size_t size_at_least = 0;
    std::vector<std::size_t> writes_before;
    unsigned completions = 0;
    std::size_t bytes = 0;
};

/// Does at random everything that a Queue can, and holds it to its contracts.
class Driver {
public:
    /// `model` null: on the real kernel, in `directory`.
    Driver(std::uint64_t seed, SimulatedKernel* model, const Behaviour& behaviour,
           std::string directory);
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    static Queue::Options options(Random& random, const Behaviour& behaviour);

    void run();
    [[nodiscard]] const std::vector<std::string>& failures() const noexcept { return failures_; }

private:
    // Files (subjects.cpp)
    std::size_t open(Subject::Kind kind);
    int open_regular(Subject& subject);
    void reopen(std::size_t& place);
    bool move_pipes();
    void check_contents(Subject& subject);
    std::vector<std::byte> contents(const Subject& subject);

    // Doing (driver.cpp)
    void step();
    void run_some();
    void cancel_something();
    void post_something();
    void tell_some();
    bool tell_all();
    Task<> task();
    Task<> race();
    void drain();
    void drain_by_event_fd();
    void end();
    void check_end();

    // Operations (operations.cpp)
    void start_something();
    void start_transfer();
    void start_flush();
    void start_poll();
    template <typename Result, OperationKind kind>
    void begin(Operation<Result, kind>&& operation, std::size_t index);
    Started& add(Started::Kind kind, std::size_t subject);
    void fill(Started& started, Subject& subject);
    void completed(std::size_t index, Completion& completion);
    void check_result(Started& started, const Completion& completion);
    void check_read(Started& started, const Completion& completion, const std::byte* data);
    void check_written(Started& started, const Completion& completion);
    void check_flush(const Started& started);
    bool allowed(const Started& started, int error) const;

    void expect(bool holds, const char* what);
    /// The same, and which operation with which error it was.
    void expect(bool holds, const char* what, const Started& started, int error);
    std::size_t some_subject();

    Random random_;
    SimulatedKernel* const model_;
    const Behaviour behaviour_;
    const std::string directory_;
    std::vector<std::string> failures_;
    std::deque<Subject> subjects_;
    std::vector<std::size_t> current_; // those that are open
    std::deque<Started> started_;
    std::optional<Queue> owned_queue_;
    Queue* queue_ =
        nullptr; // also while it is being destroyed, when its owner says that it is gone
    BufferPool pool_{2, 4096};           // for tasks
    std::optional<Condition> condition_; // go after the queue
    std::optional<Semaphore> permits_;
    std::size_t released_ = 1; // permits, those at the beginning among them
    std::size_t acquired_ = 0;
    std::size_t waiting_ = 0; // for either, and not completed
    std::size_t limit_ = 0;
    bool event_fd_ = false;
    bool ending_ = false;
    std::size_t posted_ = 0;
    std::size_t posts_run_ = 0;
    std::size_t tasks_ = 0;
    std::size_t tasks_gone_ = 0;
    std::size_t quarantined_ = 0;
};

} // namespace aioxx::test
