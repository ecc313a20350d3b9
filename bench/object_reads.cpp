// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Clients that read pieces of many files, each its next when it has the last. By the store of
// examples/programs/object_store, with a deadline and a stop token for each piece, in turns with a
// thread for each client that calls pread, and with those again, which shows the noise. Then the
// store alone on a device where 3 of 100 reads take 100 ms, a FUSE server: how late it answers.
//
//   build-dev/bench/bench/object-reads [CLIENTS [ROUNDS [BYTES [DIRECTORY]]]]    32 100 16384
//   /var/tmp

#include "bench/statistics.hpp"
#include "bench/turns.hpp"
#include "devices/fuse_server.hpp"
#include "examples/programs/object_store.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t files = 64;
constexpr std::size_t file_size = std::size_t{1} << 20;
constexpr auto slice = 50ms;

using bench::Turn; // of pieces

/// What byte each file has at its first.
char byte_of(std::size_t file) {
    return static_cast<char>('0' + file);
}

/// Where a client reads next.
class Places {
public:
    Places(std::size_t client, std::size_t bytes) : bytes_(bytes), random_(client) {}
    std::size_t file() { return random_() % files; }
    std::size_t offset() { return random_() % (file_size / bytes_) * bytes_; }

private:
    std::size_t bytes_;
    std::mt19937_64 random_;
};

template <typename Work>
Turn measure(Work work) {
    const double processor = bench::processor_time();
    const Clock::time_point start = Clock::now();
    const auto pieces = static_cast<double>(work(start + slice));
    const double taken = std::chrono::duration<double>(Clock::now() - start).count();
    return {pieces / taken, (bench::processor_time() - processor) / pieces};
}

class ByStore {
public:
    ByStore(const std::filesystem::path& directory, std::size_t clients, std::size_t bytes)
        : bytes_(bytes), store_(queue_, directory, 2 * clients) {
        for (std::size_t i = 0; i < clients; ++i) {
            places_.emplace_back(i, bytes);
        }
    }

    std::uint64_t run(Clock::time_point end) {
        pieces_ = 0;
        std::vector<aioxx::Task<>> tasks;
        for (Places& each : places_) {
            tasks.push_back(client(each, end));
        }
        aioxx::run(queue_, aioxx::when_all(std::move(tasks)));
        return pieces_;
    }

private:
    aioxx::Task<> client(Places& places, Clock::time_point end) {
        std::stop_source gone;
        while (Clock::now() < end) {
            const std::size_t file = places.file();
            const ObjectStore::Piece piece =
                co_await store_.read(std::to_string(file), places.offset(), bytes_,
                                     Clock::now() + 10s, gone.get_token());
            if (piece.count != bytes_ ||
                piece.buffer.data()[piece.from] != static_cast<std::byte>(byte_of(file))) {
                std::abort();
            }
            ++pieces_;
        }
    }

    std::size_t bytes_;
    std::vector<Places> places_;
    std::uint64_t pieces_ = 0;
    aioxx::Queue queue_;
    ObjectStore store_;
};

class ByThreads {
public:
    ByThreads(const std::filesystem::path& directory, std::size_t clients, std::size_t bytes)
        : bytes_(bytes) {
        for (std::size_t i = 0; i < files; ++i) {
            files_.push_back(aioxx::File::open(directory / std::to_string(i), O_RDONLY | O_DIRECT));
        }
        for (std::size_t i = 0; i < clients; ++i) {
            places_.emplace_back(i, bytes);
            buffers_.emplace_back(bytes, 4096);
        }
    }

    std::uint64_t run(Clock::time_point end) {
        std::atomic<std::uint64_t> pieces{0};
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < places_.size(); ++i) {
                threads.emplace_back([&, i] { pieces += client(places_[i], buffers_[i], end); });
            }
        }
        return pieces;
    }

private:
    std::uint64_t client(Places& places, aioxx::AlignedBuffer& buffer, Clock::time_point end) {
        std::uint64_t pieces = 0;
        for (; Clock::now() < end; ++pieces) {
            const std::size_t file = places.file();
            const auto offset = static_cast<off_t>(places.offset());
            if (::pread(files_[file].fd(), buffer.data(), bytes_, offset) !=
                    static_cast<ssize_t>(bytes_) ||
                buffer.data()[0] != static_cast<std::byte>(byte_of(file))) {
                std::abort();
            }
        }
        return pieces;
    }

    std::size_t bytes_;
    std::vector<aioxx::File> files_;
    std::vector<Places> places_;
    std::vector<aioxx::AlignedBuffer> buffers_;
};

void compare(const std::filesystem::path& parent, std::size_t clients, unsigned long rounds,
             std::size_t bytes) {
    const std::filesystem::path directory = parent / ("objects." + std::to_string(::getpid()));
    std::filesystem::create_directory(directory);
    for (std::size_t i = 0; i < files; ++i) {
        const aioxx::File file =
            aioxx::File::open(directory / std::to_string(i), O_WRONLY | O_CREAT | O_TRUNC);
        const std::string content(file_size, byte_of(i));
        if (::write(file.fd(), content.data(), content.size()) < 0 || ::fsync(file.fd()) != 0) {
            std::perror("object_reads: write");
            std::exit(1);
        }
    }
    ByStore store{directory, clients, bytes};
    ByThreads threads{directory, clients, bytes};
    const auto by_store = [&] { return measure([&](auto end) { return store.run(end); }); };
    const auto by_threads = [&] { return measure([&](auto end) { return threads.run(end); }); };
    by_store();
    by_threads();
    bench::Ratios program;
    bench::Ratios noise;
    std::vector<double> rates;
    for (unsigned long round = 0; round < rounds; ++round) {
        const Turn reference = by_threads();
        program.add(by_store(), reference);
        noise.add(by_threads(), reference);
        rates.push_back(reference.rate);
    }
    std::filesystem::remove_all(directory);
    std::printf("%zu clients, pieces of %zu bytes, %lu rounds; threads: %.0f pieces a second\n",
                clients, bytes, rounds, bench::median(rates));
    program.print("store", "threads", "piece");
    noise.print("threads", "threads", "piece");
}

struct Answers {
    std::vector<double> lateness; // milliseconds after the deadline, of those that came after it
    std::size_t timed_out = 0;
    std::size_t all = 0;
};

std::string slow_file(std::size_t number) {
    return "slow-3.by-100." + std::to_string(number);
}

aioxx::Task<> ask(ObjectStore& store, Places& places, Clock::time_point end, Answers& answers) {
    constexpr auto span = 20ms;
    while (Clock::now() < end) {
        const Clock::time_point deadline = Clock::now() + span;
        bool in_time = true;
        try {
            co_await store.read("slow-3.by-100." + std::to_string(places.file()), places.offset(),
                                4096, deadline, {});
        } catch (const std::system_error& error) {
            in_time = error.code() != std::errc::timed_out;
        }
        const Clock::time_point now = Clock::now();
        ++answers.all;
        answers.timed_out += in_time ? 0U : 1U;
        if (now > deadline) {
            answers.lateness.push_back(
                std::chrono::duration<double, std::milli>(now - deadline).count());
        }
    }
}

/// How late a thread is that does nothing but sleep: what the machine alone does.
std::vector<double> sleep_until(Clock::time_point end) {
    std::vector<double> late;
    while (Clock::now() < end) {
        const Clock::time_point wanted = Clock::now() + 2ms;
        std::this_thread::sleep_until(wanted);
        late.push_back(std::chrono::duration<double, std::milli>(Clock::now() - wanted).count());
    }
    return late;
}

void deadlines(std::size_t clients) {
    auto device = aioxx::test::attempt<aioxx::test::FuseServer>();
    if (!device) {
        std::printf("deadlines: skipped: %s\n", device.reason());
        return;
    }
    aioxx::Queue queue;
    ObjectStore store{queue, device->path(), 512};
    for (std::size_t i = 0; i < files; ++i) { // to open a file is a call that waits
        aioxx::run(queue, store.read(slow_file(i), 0, 4096, Clock::now() + 10s, {}));
    }
    Answers answers;
    std::vector<Places> places;
    for (std::size_t i = 0; i < clients; ++i) {
        places.emplace_back(i, 4096);
    }
    std::vector<aioxx::Task<>> tasks;
    const Clock::time_point end = Clock::now() + 5s;
    std::vector<double> sleeper;
    std::jthread other{[&] { sleeper = sleep_until(end); }};
    for (Places& each : places) {
        tasks.push_back(ask(store, each, end, answers));
    }
    aioxx::run(queue, aioxx::when_all(std::move(tasks)));
    other.join();
    std::printf("deadlines of 20 ms, %zu clients: %zu answers, %zu of them timed out\n", clients,
                answers.all, answers.timed_out);
    const auto print = [](const char* name, const std::vector<double>& late) {
        std::printf("%-8s ms late: 99 %% %.2f, 99.9 %% %.2f, longest %.2f\n", name,
                    bench::quantile(late, 0.99), bench::quantile(late, 0.999),
                    bench::quantile(late, 1));
    };
    print("store", answers.lateness);
    print("sleeper", sleeper);
}

} // namespace

int main(int argc, char** argv) {
    const std::size_t clients = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 32;
    const unsigned long rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100;
    const std::size_t bytes = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 16384;
    compare(argc > 4 ? argv[4] : "/var/tmp", clients, rounds, bytes);
    deadlines(clients);
    return 0;
}
