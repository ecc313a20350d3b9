// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/work.hpp"

#include <algorithm>
#include <cstddef>
#include <random>

namespace bench {
namespace {

constexpr std::size_t request_count = 1 << 16;

request_kind kind_of(std::size_t index, Operation operation) noexcept {
    switch (operation) {
    case Operation::write:
        return request_write;
    case Operation::mix:
        return index % 2 == 0 ? request_read : request_write;
    case Operation::write_sync:
        return index % 8 == 7 ? request_sync : request_write;
    case Operation::read:
        break;
    }
    return request_read;
}

} // namespace

Work::Work(int fd, std::uint64_t size, unsigned depth, const Options& options)
    : buffers_(depth * options.block_size, 4096), requests_(request_count) {
    const std::uint64_t blocks = std::max<std::uint64_t>(1, size / options.block_size);
    std::mt19937_64 random{depth};
    for (std::size_t i = 0; i < request_count; ++i) {
        const std::uint64_t block = options.order == Order::random ? random() % blocks : i % blocks;
        requests_[i].offset = static_cast<std::int64_t>(block * options.block_size);
        requests_[i].kind = kind_of(i, options.operation);
    }
    workload_ = {fd, options.block_size, depth, buffers_.data(), requests_};
}

} // namespace bench
