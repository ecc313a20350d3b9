// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "matrix.hpp"

#include "page_cache.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <span>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using Before = Matrix::Before;

/// What block `index` holds in the file's `version`.
void fill(std::span<std::byte> block, std::size_t index, unsigned version) {
    const auto number = static_cast<std::uint32_t>(index * 16 + version + 1);
    for (std::size_t at = 0; at < block.size(); at += sizeof(number)) {
        const std::uint32_t word = number * 2654435761U + static_cast<std::uint32_t>(at);
        std::memcpy(&block[at], &word, sizeof(word));
    }
}

bool holds(std::span<const std::byte> block, std::size_t index, unsigned version) {
    AlignedBuffer expected{block_size, block_size};
    fill(expected, index, version);
    return std::ranges::equal(block, std::span<const std::byte>{expected});
}

std::vector<std::size_t> shuffled() {
    std::vector<std::size_t> order(block_count);
    for (std::size_t i = 0; i < block_count; ++i) {
        order[i] = i;
    }
    std::shuffle(order.begin(), order.end(), std::minstd_rand{1});
    return order;
}

std::int64_t offset_of(std::size_t index) {
    return static_cast<std::int64_t>(index * block_size);
}

std::vector<AlignedBuffer> make_buffers() {
    std::vector<AlignedBuffer> buffers;
    for (unsigned i = 0; i < in_flight_at_a_time; ++i) {
        buffers.emplace_back(block_size, block_size);
    }
    return buffers;
}

/// Read back through another descriptor.
bool file_holds(const std::string& path, unsigned version) {
    const File file = File::open(path.c_str(), O_RDONLY);
    AlignedBuffer block{block_size, block_size};
    for (std::size_t i = 0; i < block_count; ++i) {
        if (::pread(file.fd(), block.data(), block_size, offset_of(i)) !=
                static_cast<ssize_t>(block_size) ||
            !holds(block, i, version)) {
            return false;
        }
    }
    return file.kind() != FileKind::regular || file.size() == offset_of(block_count);
}

} // namespace

long voluntary_switches() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

void Load::run(std::size_t operations, const std::function<void(std::size_t, unsigned)>& start) {
    for (unsigned slot = 0; slot < in_flight_at_a_time; ++slot) {
        free_.push_back(slot);
    }
    for (std::size_t i = 0; i < operations; ++i) {
        while (free_.empty()) {
            queue_.run_once();
        }
        const unsigned slot = free_.back();
        free_.pop_back();
        start(i, slot);
        ++operations_;
    }
    queue_.run();
}

Measured Load::measured() const {
    Measured result;
    result.operations = operations_;
    result.switches = switches_;
    result.failed = failed_;
    result.statistics = queue_.statistics();
    return result;
}

File Matrix::prepare(int flags, Before before) {
    ++files_;
    const bool device = !device_.empty();
    const File file = File::open(path().c_str(), device ? O_RDWR : O_RDWR | O_CREAT);
    bool good = device || ::ftruncate(file.fd(), 0) == 0;
    AlignedBuffer block{block_size, block_size};
    for (std::size_t i = 0; i < block_count && (before == Before::cold || before == Before::warm);
         ++i) {
        fill(block, i, 0);
        good = good && ::pwrite(file.fd(), block.data(), block_size, offset_of(i)) ==
                           static_cast<ssize_t>(block_size);
    }
    if (before == Before::hole) {
        good = good && ::ftruncate(file.fd(), offset_of(block_count)) == 0;
    }
    ::fsync(file.fd()); // ENOSYS here and there
    if (before == Before::cold) {
        good = good && (file.is_in_memory() || forget_cached(file.fd()));
    }
    REQUIRE(good);
    return File::open(path().c_str(), flags);
}

Measured Matrix::read(int flags, Before before) {
    const File file = prepare(flags | O_RDONLY, before);
    ::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_RANDOM); // each read for itself
    std::vector<AlignedBuffer> buffers = make_buffers();
    const std::vector<std::size_t> order = shuffled();
    std::vector<std::size_t> holding(in_flight_at_a_time, block_count);
    bool right = true;
    const auto look = [&](unsigned slot) {
        right = right && (holding[slot] == block_count || holds(buffers[slot], holding[slot], 0));
    };
    Load load{options};
    load.run(block_count, [&](std::size_t i, unsigned slot) {
        look(slot); // what the slot's last read has brought
        holding[slot] = order[i];
        load.counted([&] {
            load.queue()
                .read(file, std::span<std::byte>{buffers[slot]}, offset_of(order[i]))
                .start(load.ending(slot, block_size));
        });
    });
    for (unsigned slot = 0; slot < in_flight_at_a_time; ++slot) {
        look(slot);
    }
    Measured measured = load.measured();
    measured.data_right = right;
    return measured;
}

Measured Matrix::write(int flags, Before before) {
    const File file = prepare(flags | O_WRONLY, before);
    std::vector<AlignedBuffer> buffers = make_buffers();
    std::vector<std::size_t> order = shuffled();
    if (before == Before::nothing) {
        std::ranges::sort(order); // each extends the file
    }
    Load load{options};
    load.run(block_count, [&](std::size_t i, unsigned slot) {
        fill(buffers[slot], order[i], 1);
        load.counted([&] {
            load.queue()
                .write(file, std::span<const std::byte>{buffers[slot]}, offset_of(order[i]))
                .start(load.ending(slot, block_size));
        });
    });
    Measured measured = load.measured();
    measured.data_right = file_holds(path(), 1);
    return measured;
}

Measured Matrix::fsync() {
    const File file = prepare(O_RDWR, Before::warm);
    AlignedBuffer block{block_size, block_size};
    Load load{options};
    load.run(block_count, [&](std::size_t i, unsigned slot) {
        fill(block, i, 1);
        REQUIRE(::pwrite(file.fd(), block.data(), block_size, offset_of(i)) ==
                static_cast<ssize_t>(block_size));
        load.counted([&] { load.queue().fsync(file).start(load.ending(slot, 0)); });
    });
    Measured measured = load.measured();
    measured.data_right = file_holds(path(), 1);
    return measured;
}

void Matrix::check(const char* what, const Measured& measured) const {
    const QueueStatistics& now = measured.statistics;
    std::printf("%-10s %-22s %6.3f switches an operation; %4llu offloaded, %4llu of %4llu tries "
                "refused, %3llu submits seen to block\n",
                name_.c_str(), what, measured.switches_an_operation(),
                static_cast<unsigned long long>(now.offloaded),
                static_cast<unsigned long long>(now.nowait_refused),
                static_cast<unsigned long long>(now.nowait_tries),
                static_cast<unsigned long long>(now.blocking_submits));
    std::fflush(stdout);
    INFO(name_ << ", " << std::string{what});
    CHECK(measured.operations >= 500);
    CHECK(measured.failed == 0);
    CHECK(measured.data_right);
    CHECK(measured.switches_an_operation() < 0.1);
}

} // namespace aioxx::test
