// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// What `aioxx posix --stats` tells of the requests, of one process or of a run of several.
struct Totals {
    std::uint64_t requests = 0;
    std::uint64_t at_once = 0;   // done when the call returned
    std::uint64_t direct = 0;    // in the kernel when the call returned
    std::uint64_t offloaded = 0; // given to a worker
    std::uint64_t polled = 0;    // waits of streams
    std::uint64_t cancelled = 0; // by aio_cancel
    std::uint64_t deepest = 0;   // most in progress at a time, in one process
    bool used_kernel_aio = false;
    bool lacks_kernel_aio = false; // it was refused
};

/// Prints one line to standard error. `processes`: that have made requests; 1 is not named.
inline void print(const Totals& totals, std::uint64_t processes) noexcept {
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    const char* const refused = totals.lacks_kernel_aio ? "refused" : "not needed";
    std::fprintf(stderr,
                 "aioxx posix: %llu requests: %llu done at once, %llu direct, %llu offloaded, "
                 "%llu polled, %llu cancelled; %llu in progress at most; kernel AIO %s",
                 number(totals.requests), number(totals.at_once), number(totals.direct),
                 number(totals.offloaded), number(totals.polled), number(totals.cancelled),
                 number(totals.deepest), totals.used_kernel_aio ? "used" : refused);
    if (processes > 1) {
        std::fprintf(stderr, "; %llu processes", number(processes));
    }
    std::fputc('\n', stderr);
}

/// The totals of all processes of a run, in memory that they share and add to as they go: so they
/// are right however a process ends. Zeros at first. Any thread of any process.
class RunCounts {
public:
    using Count = std::atomic<std::uint64_t>;
    static_assert(Count::is_always_lock_free);

    void add_process() noexcept { processes_.fetch_add(1, std::memory_order_relaxed); }
    /// Adds what one process has counted since it said `before`.
    void add(const Totals& now, const Totals& before) noexcept {
        const auto grow = [](Count& count, std::uint64_t by) {
            if (by > 0) {
                count.fetch_add(by, std::memory_order_relaxed);
            }
        };
        grow(requests_, now.requests - before.requests);
        grow(at_once_, now.at_once - before.at_once);
        grow(direct_, now.direct - before.direct);
        grow(offloaded_, now.offloaded - before.offloaded);
        grow(polled_, now.polled - before.polled);
        grow(cancelled_, now.cancelled - before.cancelled);
        std::uint64_t most = deepest_.load(std::memory_order_relaxed);
        while (most < now.deepest &&
               !deepest_.compare_exchange_weak(most, now.deepest, std::memory_order_relaxed)) {
        }
        if (now.used_kernel_aio && !before.used_kernel_aio) {
            used_kernel_aio_.store(1, std::memory_order_relaxed);
        }
        if (now.lacks_kernel_aio && !before.lacks_kernel_aio) {
            lacks_kernel_aio_.store(1, std::memory_order_relaxed);
        }
    }
    /// Reads that were done without the lock: to be counted there, each by one.
    [[nodiscard]] Count& cached_reads() noexcept { return cached_reads_; }
    /// Likewise direct requests.
    [[nodiscard]] Count& direct_path() noexcept { return direct_path_; }

    [[nodiscard]] std::uint64_t processes() const noexcept { return processes_.load(); }
    [[nodiscard]] Totals totals() const noexcept {
        const std::uint64_t cached = cached_reads_.load();
        const std::uint64_t direct = direct_path_.load();
        return {.requests = requests_.load() + cached + direct,
                .at_once = at_once_.load() + cached,
                .direct = direct_.load() + direct,
                .offloaded = offloaded_.load(),
                .polled = polled_.load(),
                .cancelled = cancelled_.load(),
                .deepest = std::max<std::uint64_t>(deepest_.load(), cached > 0 ? 1 : 0),
                .used_kernel_aio = used_kernel_aio_.load() != 0,
                .lacks_kernel_aio = lacks_kernel_aio_.load() != 0};
    }

private:
    // Of one size and alignment for programs of 32 and of 64 bits.
    alignas(8) Count processes_{0};
    alignas(8) Count requests_{0};
    alignas(8) Count at_once_{0};
    alignas(8) Count direct_{0};
    alignas(8) Count offloaded_{0};
    alignas(8) Count polled_{0};
    alignas(8) Count cancelled_{0};
    alignas(8) Count deepest_{0};
    alignas(8) Count used_kernel_aio_{0};
    alignas(8) Count lacks_kernel_aio_{0};
    alignas(8) Count cached_reads_{0};
    alignas(8) Count direct_path_{0};
};

} // namespace posix
AIOXX_NAMESPACE_END
