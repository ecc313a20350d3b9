// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/c_loop.h"
#include "bench/engines/engines.hpp"

namespace bench {
namespace {

class CLoop final : public Engine {
public:
    explicit CLoop(const Workload& workload) {
        loop_.fd = workload.fd;
        loop_.depth = workload.depth;
        loop_.block_size = workload.block_size;
        loop_.buffers = reinterpret_cast<char*>(workload.buffers);
        loop_.requests = workload.requests.data();
        loop_.request_mask = workload.requests.size() - 1;
        const int result = c_loop_open(&loop_);
        if (result < 0) {
            c_loop_close(&loop_);
            fail_operation("c", result);
        }
    }
    ~CLoop() override { c_loop_close(&loop_); }

    void run(std::size_t first, std::uint64_t operations) override {
        loop_.next_request = first;
        check(c_loop_run(&loop_, operations));
    }

    void run_timed(std::size_t first, std::uint64_t operations, Histogram& latencies) override {
        loop_.next_request = first;
        const c_loop_record record = [](void* to, long long nanoseconds) {
            static_cast<Histogram*>(to)->record(static_cast<std::uint64_t>(nanoseconds));
        };
        check(c_loop_run_timed(&loop_, operations, record, &latencies));
    }

private:
    static void check(int result) {
        if (result < 0) {
            fail_operation("c", result);
        }
    }

    c_loop loop_{};
};

} // namespace

std::unique_ptr<Engine> make_c(const Workload& workload) {
    return std::make_unique<CLoop>(workload);
}

} // namespace bench
