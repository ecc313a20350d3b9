// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/file_traits.hpp"
#include "engine/operation.hpp"

#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// By which way operations in one direction, reading or writing, of one file are carried out, and
/// what has been learnt about that.
///
/// Pure: no system call, no clock. The tests go through each row and each constant below.
class RoutePolicy {
public:
    // NOWAIT on files with pages in the cache: after so many refusals in a row it is left out, for
    // 4, 8, 16, 32, 64 operations.
    static constexpr unsigned misses_until_skipped = 4;
    static constexpr unsigned most_skips = 64;
    // Direct I/O: the first submits are watched one by one, then one in a while. Watching costs two
    // system calls, about 0.2 us. Writes are watched more often: some come to block in bursts (XFS,
    // while the ends of earlier writes are entered in the inode).
    static constexpr unsigned watched_at_first = 64;
    static constexpr unsigned fewest_between_reads = 64;
    static constexpr unsigned most_between_reads = 1024;
    static constexpr unsigned between_writes = 4;
    // Two submits in a row that slept send the next operations to workers: 64, and twice as many
    // each time, up to 4096. Then 16 are tried again, and one that sleeps is enough.
    static constexpr unsigned sleeps_until_offloaded = 2;
    static constexpr unsigned watched_after_one = 8;
    static constexpr unsigned trials_after_sleeping = 16;
    static constexpr unsigned first_penalty = 64;
    static constexpr unsigned most_penalty = 4096;
    // So many submits without one that slept, and the penalty is the first again.
    static constexpr unsigned long_clean = 4096;

    /// What the choice depends on beside the file.
    struct Question {
        bool write = false;
        bool asks_nowait = false;   // the user has set RWF_NOWAIT: EAGAIN is an answer
        bool appends = false;       // it extends the file
        bool nonblocking = false;   // the file has an O_NONBLOCK descriptor
        bool small = true;          // the engine's own thread may copy that much in this pass; not
                                    // asked of direct transfers
        bool kernel_aio = true;     // there is a context, or may be one
        bool nowait_always = false; // Queue::Options
    };
    struct Choice {
        Way way = Way::submit;
        SubmitWatch watch = SubmitWatch::none;
    };

    /// For the next transfer: the first row that fits. Counts it. Inline: each operation comes
    /// here.
    Choice choose(const FileTraits& file, const Question& question) noexcept;

    /// The way of most reads of the file: of those that are small and ask for no NOWAIT, where
    /// there is kernel AIO, without `nowait_always`, and take_usual() agrees. Way::worker: there is
    /// none.
    [[nodiscard]] static Way usual_read(const FileTraits& file) noexcept;
    /// For the next of these, by `way`: whether choose() would say so, and that it is not watched.
    /// Counts it, if so, as choose() does.
    [[nodiscard]] bool take_usual(Way way) noexcept {
        if (way == Way::submit) {
            const bool is_usual = offloaded_ == 0 && watched_ == 0 && unwatched_ > 0;
            unwatched_ = static_cast<std::uint16_t>(unwatched_ - (is_usual ? 1 : 0));
            return is_usual;
        }
        return way == Way::call || (!refuses_nowait() && skips_ == 0);
    }

    /// Whether the next transfer may go by io_submit: then it needs a slot.
    [[nodiscard]] static bool needs_slot(const FileTraits& file,
                                         const Question& question) noexcept {
        return file.direct && question.kernel_aio && (question.asks_nowait || !question.appends);
    }

    /// Whether a transfer on a stream has to wait for readiness before it is tried.
    [[nodiscard]] bool waits_first(bool nonblocking) const noexcept {
        return refuses_nowait() && !nonblocking;
    }
    [[nodiscard]] bool refuses_nowait() const noexcept { return nowait_ != Nowait::unknown; }

    /// A try has been answered with EAGAIN, or EOPNOTSUPP. `asks_for_more`: the operation has flags
    /// of its own that the file may have refused.
    void try_refused(const FileTraits& file, int error, bool asks_for_more) noexcept;
    /// A try has transferred something.
    void try_passed() noexcept { misses_ = 0; }
    /// What follows in the file is not in the cache.
    void next_is_uncached() noexcept { skips_ = 1; }
    /// RWF_NOWAIT is refused.
    void refuse_nowait() noexcept { nowait_ = Nowait::refused; }
    /// No try is of use, as the file cannot be waited for.
    void refuse_tries() noexcept { nowait_ = Nowait::useless; }

    /// Whether submits neither are watched one by one nor left to workers: then more may be
    /// submitted that this policy is not asked about, if some of them are watched.
    [[nodiscard]] bool trusts_submits() const noexcept { return offloaded_ == 0 && watched_ == 0; }
    /// How many submits go by between two that are watched: uneven, since submits can sleep in a
    /// rhythm (btrfs: every second write), and an even distance might always meet the other beat.
    /// `clean`: submits since one slept, about. Changes `random`.
    static unsigned next_distance(bool write, unsigned clean, std::uint32_t& random) noexcept;
    /// One that the policy was not asked about has slept, after so many that had not.
    void slept_elsewhere(unsigned clean) noexcept;

    /// An operation has been submitted. `alone`: by a call of its own. `slept`: the call put the
    /// thread to sleep.
    void submitted(SubmitWatch watch, bool alone, bool slept) noexcept;

private:
    enum class Nowait : std::uint8_t {
        unknown,
        refused, // RWF_NOWAIT; a nonblocking descriptor is tried
        useless,
    };

    /// Of the question what it needs: all of it would have to be put into memory for each
    /// operation.
    Choice choose_direct(bool starting_waits, bool asks_nowait, bool nowait_always,
                         bool write) noexcept;
    Choice choose_watched(bool write) noexcept;
    void suspect() noexcept;
    void learn(bool slept) noexcept;

    Nowait nowait_ = Nowait::unknown;
    std::uint8_t misses_ = 0;                  // NOWAIT tries in a row that were refused
    std::uint8_t skips_ = 0;                   // operations that go without a try
    std::uint8_t slept_ = 0;                   // watched submits in a row that slept
    std::uint16_t watched_ = watched_at_first; // submits still to be watched one by one
    std::uint16_t unwatched_ = 0;              // submits until the next that is watched
    std::uint16_t clean_ = 0;                  // submits since one slept, about
    std::uint16_t offloaded_ = 0;              // operations that go to workers
    std::uint16_t penalty_ = first_penalty;    // how many, the next time
    std::uint32_t random_ = 1;
};

/// The first row that fits.
inline RoutePolicy::Choice RoutePolicy::choose(const FileTraits& file,
                                               const Question& question) noexcept {
    if (needs_slot(file, question)) [[likely]] {
        return choose_direct(file.starting_waits, question.asks_nowait, question.nowait_always,
                             question.write);
    }
    const bool refused = refuses_nowait();
    if (file.never_waits) {
        return {Way::call};
    }
    if (file.stream) {
        if (question.asks_nowait) {
            return {Way::call};
        }
        if (!refused) {
            return {Way::call_nowait};
        }
        return {question.nonblocking && nowait_ != Nowait::useless ? Way::call_nonblocking
                                                                   : Way::worker};
    }
    // A direct transfer waits for its device inside the call, with RWF_NOWAIT as well.
    if (file.direct || !question.small) {
        return {Way::worker};
    }
    if (question.asks_nowait || file.in_memory) {
        return {Way::call};
    }
    // A write that extends the file waits inside the call. On FUSE the server is asked for
    // attributes first, and the answer is awaited.
    if (question.appends || file.starting_waits || refused) {
        return {Way::worker};
    }
    if (skips_ > 0) {
        --skips_;
        return {Way::worker};
    }
    return {Way::call_nowait};
}

} // namespace engine
AIOXX_NAMESPACE_END
