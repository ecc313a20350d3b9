// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/engine.hpp"
#include "posix/anonymous_files.hpp"
#include "posix/attendant.hpp"
#include "posix/completions.hpp"
#include "posix/counts.hpp"
#include "posix/critical_section.hpp"
#include "posix/descriptor_table.hpp"
#include "posix/direct_path.hpp"
#include "posix/duplicate_table.hpp"
#include "posix/notifier.hpp"
#include "posix/own_descriptors.hpp"
#include "posix/pin_table.hpp"
#include "posix/request_table.hpp"
#include "posix/wait_queue.hpp"

#include <chrono>
#include <cstdint>
#include <ctime>
#include <system_error>

AIOXX_NAMESPACE_BEGIN
namespace posix {

struct Settings {
    unsigned workers = 16;
    std::chrono::nanoseconds idle = std::chrono::seconds{1};
};

/// POSIX AIO on one engine, for the whole process: owns the parts and connects them. What a call of
/// the program does is in StartingCall, cancellation and Waiter. All is used with the
/// CriticalSection held, except where it is said otherwise; doc/posix-internals.md has a picture.
///
/// The work is done by any thread that calls: one that starts requests, aio_error when the ring is
/// not empty, one that waits; and by the attendant where the program may make no more calls.
class Layer final : private Attendant::Duties {
public:
    Layer(const Settings& settings, std::error_code& error);
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;

    [[nodiscard]] engine::Engine& engine() noexcept { return engine_; }
    [[nodiscard]] OwnDescriptors& own_descriptors() noexcept { return own_descriptors_; }
    [[nodiscard]] DescriptorTable& descriptors() noexcept { return descriptors_; }
    [[nodiscard]] RequestTable& requests() noexcept { return requests_; }
    [[nodiscard]] WaitQueue& waiters() noexcept { return waiters_; }
    [[nodiscard]] Attendant& attendant() noexcept { return attendant_; }
    [[nodiscard]] Notifier& notifier() noexcept { return notifier_; }
    [[nodiscard]] Completions& completions() noexcept { return completions_; }
    [[nodiscard]] Counts& counts() noexcept { return counts_; }

    /// By a thread of the program.
    void reap(const CriticalSection& section) noexcept {
        // Without POLL the attendant alone learns that a stream is ready.
        reaps_ += engine_.readiness().is_without_poll() ? 0U : 1U;
        direct_path_.reap();
        completions_.reap(&section.before());
        if (engine_.has_to_run()) {
            engine_.wake(); // for the attendant, which may start a worker
        }
        publish_counts();
    }

    // Without the lock.
    [[nodiscard]] CachedReads& cached_reads() noexcept { return descriptors_.cached_reads(); }
    [[nodiscard]] DirectPath& direct_path() noexcept { return direct_path_; }
    [[nodiscard]] bool has_events() const noexcept { return engine_.has_events(); }
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

    /// Whether a request may be made here. False when the layer is cut off, see OwnDescriptors:
    /// then what waits here waits for ever.
    [[nodiscard]] bool allows_request() noexcept {
        return own_descriptors_.allow_request(!requests_.empty());
    }
    /// In a forked child, before anything is mapped there: closes the child's copies of the layer's
    /// descriptors, where they still are that. Nothing else may be called there any more; what a
    /// handler that has forked has interrupted goes on.
    void abandon() noexcept {
        direct_path_.abandon();
        engine_.leave_ring_to_parent();
        duplicates_.close_inherited();
        if (own_descriptors_.are_closed()) {
            return;
        }
        engine_.close_inherited_descriptors();
        pins_.close_inherited();
        waiters_.close_inherited();
        anonymous_files_.close();
    }
    /// Adds what is counted from now on to the counts of the run as well. Before the first request.
    void count_in(RunCounts& run) noexcept {
        run_ = &run;
        descriptors_.cached_reads().count_in(run.cached_reads());
        direct_path_.count_in(run.direct_path());
    }
    /// The end of what a call has counted.
    void publish_counts() noexcept {
        if (run_ != nullptr) {
            const Totals now = totals();
            run_->add(now, published_);
            published_ = now;
        }
    }
    /// But for reads that were done without the lock, where those are counted in a run.
    [[nodiscard]] Totals totals() const noexcept;

    /// Of the list of layers that are not used any more: see process.cpp.
    Layer* next_unused = nullptr;

private:
    // What the attendant does.
    void work() noexcept override;
    bool has_work() noexcept override { return engine_.has_events(); }
    std::chrono::nanoseconds retry_after() noexcept override {
        return engine_.has_unsubmitted() ? Notifier::least_pause : notifier_.retry_after();
    }
    std::uint64_t programs_looks() noexcept override { return reaps_; }
    bool is_over() noexcept override { return own_descriptors_.are_closed(); }
    bool begin_sleep() noexcept override {
        return engine_.mailbox().begin_sleep(engine::Mailbox::Sleep::ring);
    }
    void sleep(std::chrono::nanoseconds limit) noexcept override { engine_.await_event(limit); }
    void end_sleep() noexcept override {
        engine_.mailbox().end_sleep(engine::Mailbox::Sleep::ring);
    }
    void nap(std::chrono::nanoseconds time) noexcept override {
        const timespec limit{0, static_cast<long>(time.count())};
        ::nanosleep(&limit, nullptr);
    }
    void wake() noexcept override { engine_.wake(); }

    DirectPath direct_path_;
    DuplicateTable duplicates_;
    PinTable pins_; // workers use both until the engine ends
    FileLists files_;
    engine::Engine engine_;
    const std::uint64_t generation_;
    AnonymousFiles anonymous_files_; // and the layer's own descriptor
    OwnDescriptors own_descriptors_{anonymous_files_};
    DescriptorTable descriptors_{engine_, duplicates_,      pins_,
                                 files_,  anonymous_files_, direct_path_};
    RequestTable requests_;
    WaitQueue waiters_{engine_.event_counter(), own_descriptors_};
    Attendant attendant_;
    Notifier notifier_{requests_, attendant_};
    Completions completions_{engine_, descriptors_, requests_, notifier_, waiters_, direct_path_};
    std::uint64_t reaps_ = 0; // by threads of the program
    Counts counts_;
    RunCounts* run_ = nullptr; // of the run, if any
    Totals published_;         // there
};

} // namespace posix
AIOXX_NAMESPACE_END
