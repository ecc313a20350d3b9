// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Random direct reads of 4 KiB that begin together and are waited for together, as in vector
// search: by examples/programs/batch_reader, in turns with a C loop on libaio that makes one
// io_submit and one io_getevents for each, with liburing, and with the C loop again, which shows
// the noise.
//
//   build-dev/bench/bench/batch-reads [OPERATIONS [ROUNDS [THREADS [FILE]]]]
//                                     8 100 1, of a file in /var/tmp
//
// FILE: something to read from, a block device say.

#include "bench/statistics.hpp"
#include "bench/turns.hpp"
#include "examples/programs/batch_reader.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t block = 4096;
constexpr std::chrono::milliseconds slice{50};

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

/// Of reads, of all threads.
struct Turn : bench::Turn {
    double batches = 0;
};

/// One turn: each engine makes batches in a thread of its own.
template <typename Engine>
Turn turn(const std::vector<std::unique_ptr<Engine>>& engines, std::size_t operations) {
    std::atomic<std::uint64_t> batches{0};
    const double processor = bench::processor_time();
    const Clock::time_point start = Clock::now();
    {
        std::vector<std::jthread> threads;
        for (const auto& engine : engines) {
            threads.emplace_back([&] {
                std::uint64_t mine = 0;
                for (; Clock::now() < start + slice; ++mine) {
                    engine->batch();
                }
                batches += mine;
            });
        }
    }
    const double taken = std::chrono::duration<double>(Clock::now() - start).count();
    const auto made = static_cast<double>(batches);
    const double reads = made * static_cast<double>(operations);
    return {{reads / taken, (bench::processor_time() - processor) / reads}, made};
}

template <typename Engine>
std::vector<std::unique_ptr<Engine>> for_each_thread(unsigned threads, const aioxx::File& file,
                                                     std::size_t operations) {
    std::vector<std::unique_ptr<Engine>> engines;
    for (unsigned i = 0; i < threads; ++i) {
        engines.push_back(std::make_unique<Engine>(file, operations));
    }
    return engines;
}

class Loop {
public:
    Loop(const aioxx::File& file, std::size_t operations)
        : file_(file), memory_(operations * block, block), places_(file), blocks_(operations),
          pointers_(operations), events_(operations) {
        std::memset(memory_.data(), 0, memory_.size());
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
    aioxx::AlignedBuffer memory_;
    Places places_;
    std::vector<iocb> blocks_;
    std::vector<iocb*> pointers_;
    std::vector<io_event> events_;
    io_context_t context_ = nullptr;
};

class Ring {
public:
    Ring(const aioxx::File& file, std::size_t operations)
        : file_(file), memory_(operations * block, block), places_(file), operations_(operations) {
        std::memset(memory_.data(), 0, memory_.size());
        if (::io_uring_queue_init(static_cast<unsigned>(operations), &ring_, 0) < 0) {
            fail("io_uring_queue_init");
        }
    }
    ~Ring() { ::io_uring_queue_exit(&ring_); }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    void batch() {
        for (std::size_t i = 0; i < operations_; ++i) {
            ::io_uring_prep_read(::io_uring_get_sqe(&ring_), file_.fd(), memory_.data() + i * block,
                                 block, static_cast<std::uint64_t>(places_.next()));
        }
        if (::io_uring_submit_and_wait(&ring_, static_cast<unsigned>(operations_)) < 0) {
            fail("io_uring_submit_and_wait");
        }
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_cqe* event = nullptr;
        io_uring_for_each_cqe(&ring_, head, event) {
            if (event->res != block) {
                fail("a read");
            }
            ++seen;
        }
        if (seen != operations_) {
            fail("io_uring_for_each_cqe");
        }
        ::io_uring_cq_advance(&ring_, seen);
    }

private:
    const aioxx::File& file_;
    aioxx::AlignedBuffer memory_;
    Places places_;
    std::size_t operations_;
    io_uring ring_{};
};

/// By the program's reader.
class Batches {
public:
    Batches(const aioxx::File& file, std::size_t operations)
        : places_(file), blocks_(operations), reader_(file, operations, 128) {}

    void batch() {
        for (std::uint64_t& each : blocks_) {
            each = static_cast<std::uint64_t>(places_.next()) / block;
        }
        reader_.read(blocks_, [](std::uint64_t, std::error_code error, std::span<const std::byte>) {
            if (error) {
                fail("a read");
            }
        });
    }
    [[nodiscard]] std::uint64_t submits() const { return reader_.statistics().submit_calls; }

private:
    Places places_;
    std::vector<std::uint64_t> blocks_;
    BatchReader reader_;
};

} // namespace

int main(int argc, char** argv) {
    const std::size_t operations = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 8;
    const unsigned long rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100;
    const auto count = argc > 3 ? static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10)) : 1U;
    const aioxx::File file =
        argc > 4 ? aioxx::File::open(argv[4], O_RDONLY | O_DIRECT) : make_file();
    const auto loops = for_each_thread<Loop>(count, file, operations);
    const auto rings = for_each_thread<Ring>(count, file, operations);
    const auto batches = for_each_thread<Batches>(count, file, operations);
    turn(loops, operations);
    turn(rings, operations);
    turn(batches, operations);
    bench::Ratios program;
    bench::Ratios ring;
    bench::Ratios noise;
    std::vector<double> rates;
    double submits = 0;
    double made = 0;
    const auto submitted = [&] {
        return std::accumulate(batches.begin(), batches.end(), 0.0,
                               [](double sum, const auto& each) {
                                   return sum + static_cast<double>(each->submits());
                               });
    };
    for (unsigned long round = 0; round < rounds; ++round) {
        const Turn reference = turn(loops, operations);
        submits -= submitted();
        const Turn mine = turn(batches, operations);
        submits += submitted();
        made += mine.batches;
        program.add(mine, reference);
        ring.add(turn(rings, operations), reference);
        noise.add(turn(loops, operations), reference);
        rates.push_back(reference.rate);
    }
    std::printf("%zu reads a batch, %u threads, %lu rounds; C loop: %.0f reads a second; program: "
                "%.3f io_submit a batch\n",
                operations, count, rounds, bench::median(rates), submits / made);
    program.print("program", "C loop", "read");
    ring.print("liburing", "C loop", "read");
    noise.print("C loop", "C loop", "read");
    return 0;
}
