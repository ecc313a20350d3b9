// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/queue/worker_limit.hpp>

#include "engine/worker_budget.hpp"

AIOXX_NAMESPACE_BEGIN

unsigned worker_limit() noexcept {
    return engine::worker_budget.limit();
}

void set_worker_limit(unsigned limit) noexcept {
    engine::worker_budget.set_limit(limit);
}

AIOXX_NAMESPACE_END
