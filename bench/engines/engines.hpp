// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/engine.hpp"

namespace bench {

std::unique_ptr<Engine> make_c(const Workload&);
std::unique_ptr<Engine> make_context(const Workload&);
std::unique_ptr<Engine> make_context_ring(const Workload&);
std::unique_ptr<Engine> make_queue(const Workload&);
/// Refuses io_setup in this process from now on.
std::unique_ptr<Engine> make_queue_on_workers(const Workload&);
std::unique_ptr<Engine> make_coroutines(const Workload&);
std::unique_ptr<Engine> make_pread(const Workload&);
std::unique_ptr<Engine> make_thread_pool(const Workload&);
std::unique_ptr<Engine> make_posix_drop_in(const Workload&);
std::unique_ptr<Engine> make_glibc_aio(const Workload&);
std::unique_ptr<Engine> make_uring(const Workload&);
std::unique_ptr<Engine> make_uring_registered(const Workload&);

} // namespace bench
