// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/engine.hpp"
#include "bench/options.hpp"

#include <aioxx/file/aligned_buffer.hpp>

#include <cstdint>
#include <vector>

namespace bench {

/// The operations, and the memory they need. The same depth and options give the same operations,
/// in whatever process.
class Work {
public:
    /// `size`: bytes of what `fd` is open on, which is borrowed.
    Work(int fd, std::uint64_t size, unsigned depth, const Options& options);
    [[nodiscard]] const Workload& workload() const noexcept { return workload_; }

private:
    aioxx::AlignedBuffer buffers_;
    std::vector<request> requests_;
    Workload workload_{};
};

} // namespace bench
