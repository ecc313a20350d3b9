// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/engines.hpp"

// In the place of io_uring.cpp where liburing is missing.

namespace bench {

std::unique_ptr<Engine> make_uring(const Workload& /*workload*/) {
    throw Unavailable("built without liburing");
}

std::unique_ptr<Engine> make_uring_registered(const Workload& workload) {
    return make_uring(workload);
}

} // namespace bench
