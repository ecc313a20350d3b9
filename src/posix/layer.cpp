// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/layer.hpp"

#include "core/fork_generation.hpp"

#include <algorithm>
#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace posix {

Layer::Layer(const Settings& settings, std::error_code& error)
    : engine_(
          {.depth = 128,
           .workers = {.limit = settings.workers, .spare_for_tasks = true, .idle = settings.idle},
           .event_fd = true,
           .event_fd_blocks = true,
           .high_descriptors = true,
           .flush_after_reads = true,
           .table = &pins_},
          error),
      generation_(fork_generation::current()), attendant_(*this, settings.idle) {
    direct_path_.count_in_event_fd(engine_.event_fd());
    pins_.attach(engine_.workers(), engine_.mailbox(), engine_.wake_fd(), engine_.event_fd());
    pins_.flush_after(direct_path_);
    if (!error && !(anonymous_files_.open(engine_.wake_fd()) && waiters_.open())) {
        error.assign(EMFILE, std::generic_category());
    }
}

Totals Layer::totals() const noexcept {
    const std::uint64_t cached = descriptors_.cached_reads().count();
    const std::uint64_t direct = direct_path_.count();
    return {.requests = counts_.requests + cached + direct,
            .at_once = counts_.at_once + cached,
            .direct = counts_.direct + direct,
            .offloaded = engine_.statistics().offloaded,
            .polled = engine_.statistics().polled,
            .cancelled = counts_.cancelled,
            .deepest = std::max<std::uint64_t>(
                {counts_.deepest, direct_path_.deepest(), cached > 0 ? 1U : 0U}),
            .used_kernel_aio = engine_.uses_slots(),
            .lacks_kernel_aio = engine_.lacks_context()};
}

void Layer::work() noexcept {
    completions_.reap(nullptr);
    engine_.flush(); // unlike reap() it may make threads for what needs one
    completions_.reap(nullptr);
    publish_counts();
    notifier_.send_all();
}

} // namespace posix
AIOXX_NAMESPACE_END
