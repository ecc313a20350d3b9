// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/counts.hpp"

#include <cstdio>

AIOXX_NAMESPACE_BEGIN
namespace posix {

void print(const Counts& counts, std::uint64_t cached_reads, const engine::Statistics& engine,
           const char* kernel_aio) noexcept {
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::fprintf(stderr,
                 "aioxx posix: %llu requests: %llu done at once, %llu direct, %llu offloaded, "
                 "%llu polled, %llu cancelled; %llu in progress at most; kernel AIO %s\n",
                 number(counts.requests + cached_reads), number(counts.at_once + cached_reads),
                 number(counts.direct), number(engine.offloaded), number(engine.polled),
                 number(counts.cancelled), number(counts.deepest), kernel_aio);
}

} // namespace posix
AIOXX_NAMESPACE_END
