// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/files.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <optional>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

/// Runs `body` in a child; its exit status, or 1000 and the signal that ended it.
template <typename Body>
int in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL}) {
            ::signal(number, SIG_DFL);
        }
        ::alarm(20); // a child that hangs
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

aioxx::Queue::Options with_event_fd(unsigned depth) {
    aioxx::Queue::Options options;
    options.depth = depth;
    options.use_event_fd = true;
    return options;
}

} // namespace

TEST_CASE("a child's copy of a queue takes nothing, runs nothing and ends without a trace") {
    std::optional<aioxx::Queue> queue{std::in_place, with_event_fd(4)};
    std::optional<aioxx::File> file = disk_file(O_RDWR | O_DIRECT, std::string(4096, 'x'));
    std::optional<Ends> pipe = make_pipe();
    unsigned called = 0;
    std::vector<aioxx::AlignedBuffer> buffers;
    std::optional<Outcomes> outcomes{32};
    for (std::size_t i = 0; i < 30; ++i) {
        buffers.emplace_back(4096, 4096);
        queue->read(*file, buffers[i], 0).start(outcomes->at(i));
    }
    const aioxx::OperationId poll = queue->poll(pipe->reader, POLLIN).start(outcomes->at(30));
    queue->sleep_for(1ms).start(outcomes->at(31));
    queue->post([&called] { ++called; });
    CHECK(in_child([&] {
              std::error_code error;
              queue->read(*file, buffers[0], 0).start([](auto&) {}, error);
              if (error.value() != EINVAL) {
                  return 1;
              }
              queue->sleep_for(0ns).start([](auto&) {}, error);
              if (error.value() != EINVAL) {
                  return 2;
              }
              queue->cancel(poll);
              queue->run();
              queue->run_once();
              if (queue->run_ready() != 0 || called != 0 || outcomes->all() != 0) {
                  return 3;
              }
              const auto left = queue->close(std::chrono::steady_clock::now() + 1h);
              if (left.outstanding != 0) {
                  return 4;
              }
              file.reset(); // with its operations in the backlog
              pipe.reset();
              queue.reset();
              return called == 0 && outcomes->all() == 0 ? 0 : 5;
          }) == 0);
    pollfd readable{queue->event_fd(), POLLIN, 0};
    CHECK(::poll(&readable, 1, 10'000) == 1); // the child has not read it
    pipe->fill("x");
    queue->run();
    CHECK(outcomes->once_each());
    CHECK((*outcomes)[0] == 4096);
    CHECK((*outcomes)[30] == POLLIN);
    CHECK((*outcomes)[31] == 0);
    CHECK(called == 1);
}

TEST_CASE("a child makes a queue of its own") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, "content");
    std::array<std::byte, 64> buffer{};
    queue.read(file, buffer, 0).start([](auto&) {});
    CHECK(in_child([&] {
              aioxx::Queue own;
              std::size_t bytes = 0;
              own.read(file, buffer, 0).start([&bytes](const aioxx::Completion& done) {
                  bytes = done.bytes();
              });
              own.run();
              return bytes == 7 ? 0 : 1;
          }) == 0);
    queue.run();
}

TEST_CASE("nothing is lost under a storm of forks") {
    const std::string content(64 * 4096, 'x');
    const aioxx::File direct = disk_file(O_RDWR | O_DIRECT, content);
    const aioxx::File buffered = disk_file(O_RDWR, content);
    constexpr std::size_t count = 2000;
    Outcomes outcomes{count};
    std::vector<aioxx::AlignedBuffer> buffers;
    for (std::size_t i = 0; i < count; ++i) {
        buffers.emplace_back(4096, 4096);
    }
    unsigned bad_children = 0;
    {
        std::optional<aioxx::Queue> queue{std::in_place, with_event_fd(16)};
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t at = static_cast<std::int64_t>(i % 64) * 4096;
            if (i % 50 == 0) {
                REQUIRE(::posix_fadvise(buffered.fd(), 0, 0, POSIX_FADV_DONTNEED) == 0);
            }
            queue->read(i % 2 == 0 ? direct : buffered, buffers[i], at).start(outcomes.at(i));
            if (i % 20 == 0) {
                bad_children += in_child([&] {
                                    queue->run_ready();
                                    queue.reset();
                                    return 0;
                                }) != 0;
            }
            if (i % 7 == 0) {
                queue->run_ready();
            }
        }
        queue->run();
    }
    CHECK(bad_children == 0);
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(outcomes[i] == 4096);
        REQUIRE(buffers[i].data()[0] == std::byte{'x'});
    }
}
