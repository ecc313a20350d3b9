// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "blocked_in.hpp"
#include "child.hpp"
#include "crew.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

std::size_t count_blocked_in(long call) {
    std::size_t count = 0;
    for (const pid_t tid : other_threads(thread_id())) {
        std::ifstream file{"/proc/self/task/" + std::to_string(tid) + "/syscall"};
        std::string number;
        file >> number;
        count += number == std::to_string(call) ? 1U : 0U;
    }
    return count;
}

/// The signals that each of the other threads blocks.
std::vector<std::uint64_t> masks_of_others() {
    std::vector<std::uint64_t> masks;
    for (const pid_t tid : other_threads(thread_id())) {
        std::ifstream status{"/proc/self/task/" + std::to_string(tid) + "/status"};
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("SigBlk:")) {
                masks.push_back(std::stoull(line.substr(7), nullptr, 16));
            }
        }
    }
    return masks;
}

TEST_CASE("a helper submits on the same context, on the file that it was given") {
    Crew crew;
    Transfer transfer;
    const TemporaryFile file{"abc"};
    crew.hand_over(transfer, crew.pin(file));
    CHECK(crew.result_of_next() == 3);
    CHECK(transfer.bytes[2] == std::byte{'c'});
}

TEST_CASE("helpers come as they are wanted, up to the limit; what was not begun is taken back") {
    Crew crew{{.limit = 3}};
    std::array<Pipe, 5> pipes;
    std::array<Transfer, 5> reads;
    for (std::size_t i = 0; i < 3; ++i) {
        crew.hand_over(reads[i], crew.pin(pipes[i].reader));
        REQUIRE(eventually([i] { return count_blocked_in(SYS_io_submit) == i + 1; }));
    }
    const std::size_t threads = count_threads();
    crew.hand_over(reads[3], crew.pin(pipes[3].reader));
    crew.hand_over(reads[4], crew.pin(pipes[4].reader));
    CHECK(count_threads() == threads);

    CHECK(crew.helpers.take_back(reads[3]));
    CHECK(reads[3].pin == nullptr);
    CHECK_FALSE(crew.helpers.take_back(reads[0])); // with the kernel
    for (const std::size_t i : {2U, 0U, 1U, 4U}) {
        pipes[i].fill("x");
        CHECK(crew.result_of_next() == 1);
    }
    std::error_code error;
    EventBatch none{1};
    CHECK(crew.context.reap(none, error) == 0);
}

TEST_CASE(
    "a submit that a helper is refused comes back with its error, and wakes who waits for it") {
    Crew crew;
    Transfer transfer;
    Pipe pipe;
    Pin* const pin = crew.pin(pipe.writer);
    crew.helpers.begin_wait(Helpers::Where::ring);
    crew.hand_over(transfer, pin); // a read, where only writing is possible
    std::uint64_t woken = 0;
    REQUIRE(eventually([&] { return ::read(crew.wake.fd(), &woken, sizeof(woken)) > 0; }));
    engine::Operation* const refused = crew.helpers.take_refused().front();
    REQUIRE(refused == &transfer);
    CHECK(refused->result == -EBADF);
    CHECK(crew.helpers.take_refused().empty());
}

TEST_CASE("a file that the private table has no room for fails with EMFILE") {
    const ChildEnd end = run_in_child([] {
        const rlimit few{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &few);
        Crew crew;
        Pin* last = nullptr;
        for (int i = 0; i < 70; ++i) {
            last = crew.pin(STDIN_FILENO);
            if (last == nullptr) {
                return 1;
            }
        }
        Transfer transfer;
        crew.hand_over(transfer, last);
        engine::Operation* refused = nullptr;
        if (!eventually(
                [&] { return (refused = crew.helpers.take_refused().front()) != nullptr; })) {
            return 2;
        }
        return refused->result == -EMFILE ? 0 : 3;
    });
    CHECK(end.status == 0);
}

TEST_CASE("stopping waits for the call that a helper is in, and ends every thread") {
    const std::size_t threads = count_threads();
    Crew crew;
    Pipe pipe;
    Transfer transfer;
    crew.hand_over(transfer, crew.pin(pipe.reader));
    REQUIRE(eventually([] { return count_blocked_in(SYS_io_submit) == 1; }));
    std::atomic<pid_t> tid{0};
    std::thread stopper{[&] {
        tid = thread_id();
        crew.helpers.stop();
    }};
    REQUIRE(eventually([&] { return tid != 0; }));
    REQUIRE(wait_until_blocked_in(tid, SYS_futex));
    pipe.fill("x");
    stopper.join();
    CHECK(crew.result_of_next() == 1);
    CHECK(eventually([&] { return count_threads() == threads; }));
    CHECK_FALSE(crew.helpers.running());
}

TEST_CASE("idle helpers end, and the keeper when no file is held; all come again when wanted") {
    const std::size_t threads = count_threads();
    Crew crew{{.idle = std::chrono::milliseconds{1}}};
    const TemporaryFile file{"abc"};
    for (int round = 0; round < 20; ++round) {
        Transfer transfer;
        Pin* const pin = crew.pin_when_running(file);
        Helpers::hold(*pin);
        crew.hand_over(transfer, pin);
        CHECK(crew.result_of_next() == 3);
        CHECK(eventually([&] { return count_threads() == threads + 1; })); // the keeper
        CHECK(crew.helpers.running());
        crew.helpers.let_go(*pin);
        CHECK(eventually([&] { return !crew.helpers.running(); }));
    }
    crew.helpers.stop();
    CHECK(eventually([&] { return count_threads() == threads; }));
}

TEST_CASE("an idle keeper that holds a file asks for its release once, and after each use") {
    Crew crew{{.idle = std::chrono::milliseconds{1}}};
    const TemporaryFile file{"abc"};
    Pin* const pin = crew.pin_when_running(file);
    const auto asks = [&] {
        std::uint64_t woken = 0;
        return ::read(crew.wake.fd(), &woken, sizeof(woken)) > 0;
    };
    for (int round = 0; round < 3; ++round) {
        REQUIRE(eventually(asks));
        CHECK(crew.helpers.asks_for_release());
        CHECK_FALSE(crew.helpers.asks_for_release());
        CHECK(crew.helpers.running());
        Transfer transfer;
        Helpers::hold(*pin);
        crew.hand_over(transfer, pin);
        CHECK(crew.result_of_next() == 3);
    }
    crew.helpers.let_go(*pin);
    CHECK(eventually([&] { return !crew.helpers.running(); }));
}

TEST_CASE("a keeper asks again when a job came while it was asking") {
    Pipe asked; // full, so that who asks waits
    REQUIRE(::fcntl(asked.writer, F_SETFL, O_NONBLOCK) == 0);
    const std::array<char, 4096> bytes{};
    std::size_t expected = 2 * sizeof(std::uint64_t);
    while (::write(asked.writer, bytes.data(), bytes.size()) > 0) {
        expected += bytes.size();
    }
    REQUIRE(::fcntl(asked.writer, F_SETFL, 0) == 0);
    REQUIRE(::fcntl(asked.reader, F_SETFL, O_NONBLOCK) == 0);
    std::size_t found = 0;
    const auto asked_twice = [&] {
        std::array<char, 4096> read{};
        const ssize_t length = ::read(asked.reader, read.data(), read.size());
        found += length > 0 ? static_cast<std::size_t>(length) : 0;
        return found >= expected;
    };
    Crew crew{{.idle = std::chrono::milliseconds{1}}, asked.writer};
    const TemporaryFile file{"abc"};
    Pin* const pin = crew.pin_when_running(file);
    REQUIRE(eventually([] { return count_blocked_in(SYS_write) == 1; }));
    Transfer transfer;
    Helpers::hold(*pin);
    crew.hand_over(transfer, pin);
    CHECK(eventually(asked_twice)); // the second time after the job, whichever thread had that
    CHECK(crew.result_of_next() == 3);
    crew.helpers.let_go(*pin);
}

TEST_CASE("no thread is left while an engine waits that has used helpers") {
    const std::size_t threads = count_threads();
    Engine::Options options;
    options.helpers.idle = std::chrono::milliseconds{1};
    RunningEngine engine{options};
    const TemporaryFile content{"abc"};
    const File file = File::borrow(content);
    Pipe pipe;
    const File reader = File::borrow(pipe.reader);
    for (int round = 0; round < 3; ++round) {
        Transfer write{"abcdefgh"};
        write.flags = RwFlags::append;
        engine.begin(write, Kind::write, file);
        CHECK(engine.result_of(write) == 8);
        bool ended = false;
        std::thread other{[&] {
            ended = eventually([&] { return count_threads() <= threads + 1; }); // and this one
            pipe.fill("x");
        }};
        Transfer read;
        engine.begin(read, Kind::read, reader);
        CHECK(engine.result_of(read) == 1); // waits without limit
        other.join();
        CHECK(ended);
    }
}

TEST_CASE("pins are made for as many files as there are at a time, not for all that there were") {
    Crew crew;
    crew.helpers.reserve_for(10);
    const std::size_t made = crew.helpers.pins_made();
    CHECK(made >= 20);
    for (std::size_t i = 0; i < 1000; ++i) {
        crew.helpers.reserve_for(1 + i % 10);
    }
    CHECK(crew.helpers.pins_made() == made);
}

TEST_CASE("without any idle time nothing that was handed over is lost") {
    Crew crew{{.idle = std::chrono::nanoseconds{0}}};
    const TemporaryFile file{"abc"};
    for (int round = 0; round < 500; ++round) {
        Transfer transfer;
        crew.hand_over(transfer, crew.pin_when_running(file));
        REQUIRE(crew.result_of_next() == 3);
    }
}

TEST_CASE("helpers block every signal but the C library's own") {
    Crew crew;
    Pipe pipe;
    Transfer transfer;
    crew.hand_over(transfer, crew.pin(pipe.reader));
    REQUIRE(eventually([] { return count_blocked_in(SYS_io_submit) == 1; }));
    // All 64 but SIGKILL, SIGSTOP, 32 and 33: no mask can hold the first two.
    constexpr std::uint64_t never = 1U << (SIGKILL - 1) | 1U << (SIGSTOP - 1);
    constexpr std::uint64_t library = std::uint64_t{3} << 31;
    std::vector<std::uint64_t> masks;
    CHECK(eventually([&] { // a thread that begins or ends blocks those of the library as well
        masks = masks_of_others();
        return std::ranges::none_of(masks, [](std::uint64_t one) { return (one & library) != 0; });
    }));
    CHECK(masks.size() >= 2); // a helper and the keeper
    for (const std::uint64_t blocked : masks) {
        CHECK((blocked | never | library) == ~std::uint64_t{0});
    }
    pipe.fill("x");
    CHECK(crew.result_of_next() == 1);
}

} // namespace
} // namespace aioxx::test
