// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// A scheduler with operations and files of its own, and the parts around it reduced to what they
// may answer. One step is one event of the scheduler, as a part or the floor above would tell it.
//
// All that changes lies in one block of memory that stays where it is. So a state is a copy of its
// bytes, and going back to it is copying them in again: pointers between the objects stay right.

#include "engine/scheduler.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace aioxx::test {

inline constexpr std::size_t most_operations = 5;
inline constexpr std::size_t most_files = 3;

/// A file of a scenario, and what happens to it.
struct FilePlan {
    engine::FileTraits traits;
    bool expires = false;            // its number is valid for a while only, from each start on
    bool closes = false;             // at any time
    bool keeps = false;              // it is kept while operations are under way
    bool reopens = false;            // it can have an O_NONBLOCK descriptor
    bool lingers = false;            // a poll of Readiness's own may outlast the operations
    bool silent = false;             // its disk may stop answering, and answer again
    unsigned slept = 0;              // submits that have been seen to sleep
    bool trusted = false;            // none has: the next ones are not watched
    std::array<int, 2> impossible{}; // as FileRecord has it
};

struct OperationPlan {
    std::size_t file = 0;
    engine::Kind kind = engine::Kind::read;
    std::size_t length = 2; // bytes; in two parts where it is vectored
    bool exact = false;
    bool after_writes = false;
    RwFlags flags = RwFlags::none;
    std::uint8_t rank = 0;
    std::uint8_t times = 1; // it is started again when it has been taken
};

/// What is explored: every order of events that can happen to these operations.
struct Scenario {
    const char* name = "";
    std::vector<FilePlan> files;
    std::vector<OperationPlan> operations;
    std::vector<std::size_t> slots{1}; // the capacity at first, and each that follows, at any time
    unsigned faults = 1;               // events on one path that are not the plain course
    bool any_order = false;            // operations are started in any order, not in theirs
    engine::Scheduler::Options options{};
};

enum class Event : std::uint8_t {
    start,
    cancel,    // the scheduler has it, and completes it
    take_back, // the part that has it gives it back
    ask,       // the kernel was asked: it may end sooner
    submitted, // value: 1 alone, 2 slept, or both
    refused,   // value: errno
    refused_for_now,
    given_to_worker,
    submit_instead,
    no_worker, // value: errno
    result,    // value: bytes, or a negative errno
    given_to_readiness,
    reopened, // the same, and the file has an O_NONBLOCK descriptor from then on
    poll_to_submit,
    poll_to_worker,
    poll_accepted,
    poll_to_epoll,
    ready,       // value: events
    unwatchable, // value: errno
    probed,      // value: whether it is the end
    take,        // by the floor above
    release,     // of a file that is on to_release
    quiet,       // the poll of Readiness's own on it has ended
    expire,
    close,
    slow, // value: whether it is
    set_slots,
};
inline constexpr std::size_t event_count = 27;

struct Step {
    Event event = Event::start;
    std::uint8_t subject = 0; // an operation, or a file
    bool fault = false;       // not the plain course
    std::int16_t value = 0;
};
inline constexpr std::size_t most_steps = 64;

/// Who has an operation outside the scheduler.
enum class Part : std::uint8_t { none, kernel, worker, readiness };

struct Subject : engine::Operation {
    std::uint8_t index = 0;
    std::uint8_t order = 0; // of starting, from 1; 0: not started
    std::uint8_t times = 0; // that it was started
    Part part = Part::none;
    bool completed = false;  // and taken
    bool ends_short = false; // something was told by which fewer bytes are the right result
    std::uint16_t told = 0;  // errors that may be its result: a bit for each
    std::size_t before = 0;  // bytes transferred when the last part began
    std::array<iovec, 2> parts{};
};

struct Record : engine::FileRecord {
    explicit Record(const FilePlan& plan) : FileRecord(plan.traits) { slots = &holder; }
    engine::SlotHolder holder;
    bool polled = false;  // by a poll of Readiness's own
    bool retired = false; // released after it was closed: it is gone
};

/// What is copied out and in.
struct Block {
    explicit Block(const Scenario& scenario);

    engine::Statistics statistics;
    engine::Scheduler scheduler;
    std::array<Record, most_files> files;
    std::array<Subject, most_operations> operations;
    std::uint8_t starts = 0;
    std::uint8_t slots = 0;  // of Scenario::slots, the one in force
    std::uint8_t faults = 0; // that may still happen
};

class World {
public:
    explicit World(const Scenario& scenario);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    using Snapshot = std::array<std::byte, sizeof(Block)>;
    void save(Snapshot& snapshot) const noexcept;
    void restore(const Snapshot& snapshot) noexcept;

    /// What may happen next, the plain course first. Returns how many.
    std::size_t steps(std::array<Step, most_steps>& found) const noexcept;
    void perform(const Step& step) noexcept;

    /// What is wrong, or null: first of what perform() has seen, then of the lists and holders.
    /// Sets digest().
    const char* check_holders() noexcept;
    /// The rest of the invariants: what holds in a state, however it was reached.
    const char* check_state() noexcept;
    /// The same for states that do not differ in what the scheduler may do next.
    [[nodiscard]] std::uint64_t digest() const noexcept { return digest_; }

    [[nodiscard]] unsigned faults_left() const noexcept { return block_.faults; }
    [[nodiscard]] bool all_completed() const noexcept;

private:
    friend class StepList;

    static constexpr std::uint8_t nowhere = 0xff; // for a place in a list

    /// A list of the scheduler's, and the state of what is in it.
    struct Watched {
        const engine::OperationList* list = nullptr;
        engine::State state = engine::State::idle;
        std::uint32_t rank = 0; // the bit that the backlog has for it
    };

    [[nodiscard]] const FilePlan& plan_of(const Subject& operation) const noexcept {
        return scenario_.files[scenario_.operations[operation.index].file];
    }
    Subject& subject(const Step& step) noexcept { return block_.operations[step.subject]; }
    /// Whether the scheduler has not ended it.
    static bool is_under_way(const Subject& operation) noexcept {
        return operation.state() != engine::State::idle &&
               operation.state() != engine::State::completed;
    }
    /// Whether flushes of its file may have to wait for it.
    [[nodiscard]] bool holds_flushes(const Subject& operation) const noexcept {
        return operation.is_write() || (scenario_.options.flush_after_reads && operation.is_read());
    }
    static bool appends(const Subject& operation) noexcept {
        const engine::FileTraits& file = operation.file->traits;
        return operation.is_write() && file.regular && file.append;
    }
    /// Workers keep the order of these.
    static bool appends_in_turn(const Subject& operation) noexcept {
        const engine::FileTraits& file = operation.file->traits;
        return appends(operation) && !file.direct && !file.synchronous && !file.in_memory &&
               operation.request.flags == RwFlags::none;
    }
    void find_lists() noexcept;
    void expect(bool holds, const char* what) noexcept {
        if (!holds && broken_ == nullptr) {
            broken_ = what;
        }
    }
    void start(Subject& operation) noexcept;
    void take_back(Subject& operation) noexcept;
    void tell_result(Subject& operation, std::int64_t result) noexcept;
    void tell_refusal(Subject& operation, int error) noexcept;
    void tell_probe(Subject& operation, bool at_end) noexcept;
    static bool gets_on(const Subject& operation, std::size_t before, std::size_t done) noexcept;
    void leave(Subject& operation) noexcept;
    void leave_front(Subject& operation, engine::OperationList& list) noexcept;
    void to_readiness(Subject& operation, const Step& step) noexcept;
    void perform_on_file(Record& file, const Step& step) noexcept;
    void take(Subject& operation) noexcept;

    [[nodiscard]] const char*
    walk_lists(std::array<std::uint8_t, most_operations>& places) const noexcept;
    [[nodiscard]] const char* walk_transfers() const noexcept;
    [[nodiscard]] const char* check_result(const Subject& operation) const noexcept;
    [[nodiscard]] std::uint64_t digest_of(const Subject& one, std::uint8_t place) const noexcept;
    void make_digest(const std::array<std::uint8_t, most_operations>& places) noexcept;
    [[nodiscard]] const char* check_order() const noexcept;
    [[nodiscard]] const char* check_order_behind(const Subject& later) const noexcept;
    [[nodiscard]] const char* check_ways() const noexcept;
    [[nodiscard]] const char* check_slots() const noexcept;
    [[nodiscard]] const char* check_waiting() const noexcept;
    [[nodiscard]] std::uint32_t backlogged() const noexcept;
    void check_backlogged(std::uint32_t before) noexcept;
    [[nodiscard]] bool needs_no_slot(const Subject& operation) const noexcept;
    [[nodiscard]] const char* check_files() const noexcept;
    const char* check_cancel() noexcept;

    const Scenario& scenario_;
    Block& block_;
    const char* broken_ = nullptr;
    std::uint64_t digest_ = 0;
    std::array<Watched, 24> lists_{};
    std::size_t list_count_ = 0;
    std::array<const engine::RoutePolicy*, 2 * most_files> policies_{}; // that are used
    std::size_t policy_count_ = 0;
};

/// The bit in Subject::told.
std::uint16_t bit_of(int error) noexcept;
/// `step` in words.
const char* name_of(Event event) noexcept;

} // namespace aioxx::test
