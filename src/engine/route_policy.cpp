// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/route_policy.hpp"

#include <algorithm>
#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

std::uint16_t narrow(unsigned value) noexcept {
    return static_cast<std::uint16_t>(value);
}

/// In the middle.
unsigned read_distance(unsigned clean) noexcept {
    return std::clamp(clean, RoutePolicy::fewest_between_reads, RoutePolicy::most_between_reads);
}

} // namespace

/// Direct I/O is asynchronous on most files. Which are the others shows only when a submit sleeps.
inline RoutePolicy::Choice RoutePolicy::choose_watched(bool write) noexcept {
    if (offloaded_ > 0) {
        --offloaded_;
        return {Way::worker_submit};
    }
    if (watched_ > 0) {
        --watched_;
        return {Way::submit, SubmitWatch::alone};
    }
    if (unwatched_ > 0) {
        --unwatched_;
        return {Way::submit};
    }
    unwatched_ = narrow(next_distance(write, clean_, random_));
    clean_ =
        narrow(std::min(clean_ + (write ? between_writes : read_distance(clean_)), long_clean));
    if (clean_ == long_clean) {
        penalty_ = first_penalty;
    }
    return {Way::submit, SubmitWatch::together};
}

unsigned RoutePolicy::next_distance(bool write, unsigned clean, std::uint32_t& random) noexcept {
    random = random * 1664525U + 1013904223U; // Numerical Recipes' generator
    const unsigned middle = write ? between_writes : read_distance(clean);
    return middle / 2 + (random >> 16) % middle;
}

RoutePolicy::Choice RoutePolicy::choose_direct(bool starting_waits, bool asks_nowait,
                                               bool nowait_always, bool write) noexcept {
    if (asks_nowait) {
        return {Way::submit};
    }
    // The kernel asks the server for attributes first and awaits the answer, and it awaits room
    // among the requests that it lets a server have.
    if (starting_waits) {
        return {Way::worker_submit};
    }
    if (!nowait_always) {
        return choose_watched(write);
    }
    if (refuses_nowait()) {
        return {Way::worker};
    }
    if (skips_ > 0) {
        --skips_;
        return {Way::worker};
    }
    return {Way::submit_nowait};
}

Way RoutePolicy::usual_read(const FileTraits& file) noexcept {
    if (file.stream || file.starting_waits) {
        return Way::worker;
    }
    if (file.direct) {
        return Way::submit;
    }
    return file.never_waits || file.in_memory ? Way::call : Way::call_nowait;
}

void RoutePolicy::try_refused(const FileTraits& file, int error, bool asks_for_more) noexcept {
    if (error == EOPNOTSUPP && (file.stream || !asks_for_more)) {
        refuse_nowait();
        return;
    }
    if (file.stream) {
        return;
    }
    if (error != EOPNOTSUPP) {
        misses_ = static_cast<std::uint8_t>(std::min(misses_ + 1, 255));
        if (misses_ >= misses_until_skipped) {
            const unsigned doubled = 4U << std::min(misses_ - misses_until_skipped, 4U);
            skips_ = static_cast<std::uint8_t>(std::min(doubled, most_skips));
        }
    }
    skips_ = std::max<std::uint8_t>(skips_, 1); // this one
}

void RoutePolicy::submitted(SubmitWatch watch, bool alone, bool slept) noexcept {
    if (watch == SubmitWatch::none) {
        return;
    }
    if (alone) {
        learn(slept);
    } else if (slept) {
        suspect(); // or another in the call
    }
}

/// One may be an accident, a lock that another thread held. The next ones will tell.
void RoutePolicy::suspect() noexcept {
    watched_ = std::max(watched_, narrow(watched_after_one));
    clean_ = 0;
}

void RoutePolicy::slept_elsewhere(unsigned clean) noexcept {
    if (clean >= long_clean) {
        penalty_ = first_penalty;
    }
    suspect();
}

void RoutePolicy::learn(bool slept) noexcept {
    if (!slept) {
        // Trusted again when all of those that are watched have passed.
        slept_ = watched_ > 0 ? slept_ : std::uint8_t{0};
        return;
    }
    suspect();
    if (++slept_ >= sleeps_until_offloaded) {
        offloaded_ = penalty_;
        penalty_ = narrow(std::min(penalty_ * 2U, most_penalty));
        slept_ = sleeps_until_offloaded - 1;
        watched_ = trials_after_sleeping; // some of them may pass by luck
    }
}

} // namespace engine
AIOXX_NAMESPACE_END
