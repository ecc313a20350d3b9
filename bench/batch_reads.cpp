// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Random direct reads of 4 KiB that begin together and are waited for together, as in vector
// search: by a Batch, in turns with a C loop on libaio that makes one io_submit and one
// io_getevents for each, and with that loop again, which shows the noise.
//
//   build-dev/bench/bench/batch-reads [OPERATIONS [ROUNDS [FILE]]]      8 15, of a file in /var/tmp
//
// FILE: something to read from, a block device say.

#include <aioxx/aioxx.hpp>

#include "bench/statistics.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <libaio.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t block = 4096;
constexpr std::chrono::milliseconds slice{300};

[[noreturn]] void fail(const char* call) {
    std::perror(call);
    std::exit(1);
}

/// 64 MiB without a name.
aioxx::File make_file() {
    aioxx::File file = aioxx::File::open("/var/tmp", O_TMPFILE | O_RDWR, 0600);
    const std::vector<char> part(1 << 20, 'x');
    for (int i = 0; i < 64; ++i) {
        if (::write(file.fd(), part.data(), part.size()) < 0) {
            fail("write");
        }
    }
    ::fsync(file.fd());
    const std::string path = "/proc/self/fd/" + std::to_string(file.fd());
    return aioxx::File::open(path.c_str(), O_RDONLY | O_DIRECT);
}

/// Where to read.
class Places {
public:
    explicit Places(const aioxx::File& file)
        : blocks_(file.size() / static_cast<std::int64_t>(block)) {}
    std::int64_t next() {
        return static_cast<std::int64_t>(block) *
               static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(blocks_));
    }

private:
    std::int64_t blocks_;
    std::mt19937_64 random_{1};
};

/// Reads a second, of what `batch` makes.
template <typename Batch>
double rate(std::size_t operations, Batch batch) {
    const Clock::time_point start = Clock::now();
    std::size_t reads = 0;
    Clock::duration taken{};
    do {
        batch();
        reads += operations;
        taken = Clock::now() - start;
    } while (taken < slice);
    return static_cast<double>(reads) / std::chrono::duration<double>(taken).count();
}

class Loop {
public:
    Loop(const aioxx::File& file, aioxx::AlignedBuffer& memory, std::size_t operations)
        : file_(file), memory_(memory), places_(file), blocks_(operations), pointers_(operations),
          events_(operations) {
        if (::io_setup(128, &context_) < 0) {
            fail("io_setup");
        }
    }
    ~Loop() { ::io_destroy(context_); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void batch() {
        const auto count = static_cast<long>(blocks_.size());
        for (std::size_t i = 0; i < blocks_.size(); ++i) {
            ::io_prep_pread(&blocks_[i], file_.fd(), memory_.data() + i * block, block,
                            places_.next());
            pointers_[i] = &blocks_[i];
        }
        if (::io_submit(context_, count, pointers_.data()) != count ||
            ::io_getevents(context_, count, count, events_.data(), nullptr) != count) {
            fail("io_submit, io_getevents");
        }
        for (const io_event& event : events_) {
            if (event.res != block) {
                fail("a read");
            }
        }
    }

private:
    const aioxx::File& file_;
    aioxx::AlignedBuffer& memory_;
    Places places_;
    std::vector<iocb> blocks_;
    std::vector<iocb*> pointers_;
    std::vector<io_event> events_;
    io_context_t context_ = nullptr;
};

class Batches {
public:
    Batches(const aioxx::File& file, aioxx::AlignedBuffer& memory, std::size_t operations)
        : file_(file), memory_(memory), places_(file), operations_(operations) {}

    void batch() {
        batch_.clear();
        for (std::size_t i = 0; i < operations_; ++i) {
            batch_.add(queue_.read(file_, std::span<std::byte>{memory_}.subspan(i * block, block),
                                   places_.next()));
        }
        batch_.wait();
        for (const aioxx::Completion& result : batch_.results()) {
            if (result.bytes() != block) {
                fail("a read");
            }
        }
    }
    [[nodiscard]] std::uint64_t submits() const { return queue_.statistics().submit_calls; }

private:
    const aioxx::File& file_;
    aioxx::AlignedBuffer& memory_;
    Places places_;
    std::size_t operations_;
    aioxx::Queue queue_;
    aioxx::Batch batch_{queue_};
};

void print(const char* name, const std::vector<double>& ratios) {
    std::printf("%-6s to C loop: %.3f (%.3f to %.3f)\n", name, bench::median(ratios),
                bench::quantile(ratios, 0.25), bench::quantile(ratios, 0.75));
}

} // namespace

int main(int argc, char** argv) {
    const std::size_t operations = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 8;
    const unsigned long rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 15;
    const aioxx::File file =
        argc > 3 ? aioxx::File::open(argv[3], O_RDONLY | O_DIRECT) : make_file();
    aioxx::AlignedBuffer memory{operations * block, block};
    std::memset(memory.data(), 0, memory.size());
    Loop loop{file, memory, operations};
    Batches batches{file, memory, operations};
    const auto by_loop = [&] { return rate(operations, [&] { loop.batch(); }); };
    const auto by_batches = [&] { return rate(operations, [&] { batches.batch(); }); };
    by_loop();
    by_batches();
    std::vector<double> batch;
    std::vector<double> noise;
    std::vector<double> rates;
    double submits = 0;
    double made = 0;
    for (unsigned long round = 0; round < rounds; ++round) {
        const double reference = by_loop();
        const std::uint64_t before = batches.submits();
        const Clock::time_point start = Clock::now();
        const double mine = by_batches();
        made += mine * std::chrono::duration<double>(Clock::now() - start).count();
        submits += static_cast<double>(batches.submits() - before);
        batch.push_back(mine / reference);
        noise.push_back(by_loop() / reference);
        rates.push_back(reference);
    }
    std::printf("%zu reads a batch, %lu rounds; C loop: %.0f reads a second; Batch: %.3f io_submit "
                "a batch\n",
                operations, rounds, bench::median(rates),
                submits * static_cast<double>(operations) / made);
    print("Batch", batch);
    print("C loop", noise);
    return 0;
}
