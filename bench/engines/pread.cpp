// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/blocking_call.hpp"
#include "bench/engines/engines.hpp"

namespace bench {
namespace {

class Pread final : public LoopEngine<Pread> {
public:
    explicit Pread(const Workload& workload) : workload_(workload) {}

private:
    friend class LoopEngine<Pread>;

    template <typename Clock>
    void loop(std::uint64_t operations, Clock& clock) {
        for (std::uint64_t i = 0; i < operations; ++i) {
            const request& request = workload_.at(next_request_++);
            clock.start(0);
            const std::int64_t result = blocking_call(workload_, request, 0);
            if (result != workload_.expected(request)) {
                fail_operation("pread", result);
            }
            clock.stop(0);
        }
    }

    Workload workload_;
    std::size_t next_request_ = 0;
};

} // namespace

std::unique_ptr<Engine> make_pread(const Workload& workload) {
    return std::make_unique<Pread>(workload);
}

} // namespace bench
