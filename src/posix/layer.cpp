// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/layer.hpp"

#include "core/fork_generation.hpp"

#include <cerrno>

AIOXX_NAMESPACE_BEGIN
namespace posix {

Layer::Layer(const Settings& settings, std::error_code& error)
    : engine_(
          {.depth = 256,
           .workers = {.limit = settings.workers, .spare_for_tasks = true, .idle = settings.idle},
           .event_fd = true,
           .event_fd_blocks = true,
           .high_descriptors = true,
           .flush_after_reads = true,
           .table = &pins_},
          error),
      generation_(fork_generation::current()), attendant_(*this, settings.idle) {
    pins_.attach(engine_.workers(), engine_.mailbox(), engine_.wake_fd(), engine_.event_fd());
    if (!error && !anonymous_files_.open(engine_.wake_fd())) {
        error.assign(EMFILE, std::generic_category());
    }
}

void Layer::work() noexcept {
    completions_.reap(nullptr);
    engine_.flush(); // unlike reap() it may make threads for what needs one
    completions_.reap(nullptr);
    notifier_.send_all();
}

} // namespace posix
AIOXX_NAMESPACE_END
