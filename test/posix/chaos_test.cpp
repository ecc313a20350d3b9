// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Threads that do everything at a time to files, pipes, sockets and terminals. Not on glibc, where
// some requests and children never end. In the environment:
//   AIOXX_CHAOS_SECONDS  how long, 3 by default
//   AIOXX_CHAOS_SEED     what, random by default; it is printed

#include "posix/block.hpp"
#include "posix/chaos_worker.hpp"
#include "posix/contexts.hpp"
#include "posix/own_process.hpp"

#include <array>
#include <atomic>
#include <cinttypes>
#include <filesystem>
#include <thread>

namespace aioxx::test {
namespace {

using chaos::tally;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::size_t entries(const char* directory) {
    std::size_t count = 0;
    DIR* const opened = ::opendir(directory);
    while (::readdir(opened) != nullptr) {
        ++count;
    }
    ::closedir(opened);
    return count;
}

/// What is open, for the report.
std::string open_files() {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        std::error_code gone;
        text += entry.path().filename().string() + ' ' +
                std::filesystem::read_symlink(entry.path(), gone).string() + '\n';
    }
    return text;
}

void run_workers(std::uint64_t seed, std::chrono::milliseconds time) {
    std::atomic<bool> enough{false};
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 5; ++i) {
        threads.emplace_back([&enough, seed, i] {
            chaos::Worker worker{seed * 16 + i};
            worker.run(enough);
        });
    }
    std::mt19937 random{static_cast<unsigned>(seed)};
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end && tally.wrong == 0) {
        ::pthread_kill(threads[random() % threads.size()].native_handle(), SIGUSR1);
        const timespec pause{0, static_cast<long>(random() % 500'000)};
        ::nanosleep(&pause, nullptr);
    }
    enough = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
}

/// The engine's epoll descriptor is made by the first request that POLL is refused for.
void wait_on_terminal() {
    const Terminal terminal;
    Block read{terminal.slave, 1};
    REQUIRE(::aio_read(read) == 0);
    REQUIRE(::aio_cancel(terminal.slave, nullptr) == AIO_CANCELED);
}

/// The descriptors that following threads sleep by are kept, as many as few threads need.
void wait_together() {
    const Pipe pipe;
    Block read{pipe.reader, 1};
    REQUIRE(::aio_read(read) == 0);
    std::array<std::thread, 6> threads;
    std::array<std::atomic<pid_t>, 6> ids{};
    for (std::size_t i = 0; i < threads.size(); ++i) {
        threads[i] = std::thread{[&read, &id = ids[i]] {
            id = static_cast<pid_t>(::syscall(SYS_gettid));
            static_cast<void>(read.wait());
        }};
    }
    for (const std::atomic<pid_t>& id : ids) {
        REQUIRE(eventually([&id] { return id != 0; }));
        REQUIRE(wait_until_asleep(id));
    }
    pipe.fill("x");
    for (std::thread& thread : threads) {
        thread.join();
    }
}

TEST_CASE("whatever threads do at a time, each request has one result, and nothing is left") {
    SKIP_UNDER_VALGRIND("it does not know all the calls of kernel AIO");
    const std::uint64_t seed = number_from("AIOXX_CHAOS_SEED", std::random_device{}() % 1'000'000);
    const std::uint64_t seconds = number_from("AIOXX_CHAOS_SECONDS", 3);
    std::printf("AIOXX_CHAOS_SEED=%" PRIu64 " AIOXX_CHAOS_SECONDS=%" PRIu64 "\n", seed, seconds);
    std::fflush(stdout);
    ::alarm(static_cast<unsigned>(seconds) + 100); // if it does not end
    chaos::install_handlers();

    run_workers(seed, std::chrono::milliseconds{200});
    wait_on_terminal();
    wait_together(); // now what is made once is there
    const std::size_t threads = threads_now().size();
    const std::string before = open_files();
    const std::size_t descriptors = entries("/proc/self/fd");
    run_workers(seed, std::chrono::seconds{seconds});

    const char* const first_wrong = tally.first_wrong;
    const std::string wrong = first_wrong == nullptr ? "" : first_wrong;
    CHECK(wrong == "");
    CHECK(tally.wrong == 0);
    CHECK(tally.started == tally.completed + tally.cancelled);
    CHECK(tally.started > 0);
    CHECK(eventually([&] { return threads_now().size() <= threads; }));
    CAPTURE(before);
    CAPTURE(open_files());
    CHECK(eventually([&] { return entries("/proc/self/fd") == descriptors; }));
    CHECK(contexts() <= 2);
    std::printf("%" PRIu64 " requests, %" PRIu64 " cancelled, %" PRIu64 " notifications\n",
                tally.started.load(), tally.cancelled.load(), tally.notified.load());
    ::alarm(0);
}

} // namespace
} // namespace aioxx::test
