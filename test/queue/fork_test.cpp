// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/files.hpp"

#include <array>
#include <chrono>
#include <coroutine>
#include <csignal>
#include <optional>
#include <system_error>

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

/// The errno with which `call` ends by an exception, or 0.
template <typename Call>
int thrown_by(Call call) {
    try {
        call();
        return 0;
    } catch (const std::system_error& error) {
        return error.code().value();
    }
}

aioxx::Task<> sleep_briefly(aioxx::Queue& queue) {
    co_await queue.sleep_for(0ns);
}

/// Goes on in a child, there for ever.
aioxx::Task<> fork_and_wait(aioxx::Queue& queue, pid_t& child) {
    co_await queue.sleep_for(0ns);
    child = ::fork();
    if (child == 0) {
        ::alarm(20);
        co_await std::suspend_always{};
    }
}

/// The child gives what its queue has thrown at it as its exit status.
int status_of(pid_t child, int thrown) {
    if (child == 0) {
        ::_exit(thrown);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

} // namespace

TEST_CASE("a child's copy of a queue refuses, or does nothing, whatever is called") {
    aioxx::Queue queue{with_event_fd(4)};
    const aioxx::File file = disk_file(O_RDWR, "content");
    const Ends pipe = make_pipe();
    bool called = false;
    const aioxx::OperationId poll =
        queue.poll(pipe.reader, POLLIN).start([&called](auto&) { called = true; });
    std::array<std::byte, 8> buffer{};
    CHECK(in_child([&] {
              queue.stop();
              queue.flush();
              if (thrown_by([&] { queue.post([&called] { called = true; }); }) != EINVAL ||
                  thrown_by([&] { queue.request_cancel(poll); }) != 0) {
                  return 1;
              }
              if (thrown_by([&] { aioxx::run(queue, sleep_briefly(queue)); }) != EINVAL ||
                  thrown_by([&] { aioxx::spawn(queue, sleep_briefly(queue)); }) != EINVAL) {
                  return 2;
              }
              if (thrown_by([&] { queue.read(file, buffer, 0).start([](auto&) {}); }) != EINVAL ||
                  thrown_by([&] { queue.fsync(file).start([](auto&) {}); }) != EINVAL ||
                  thrown_by([&] { queue.wait_for_capacity().start([](auto&) {}); }) != EINVAL) {
                  return 3;
              }
              if (queue.cancel(poll) != aioxx::Cancellation::too_late ||
                  queue.cancel(pipe.reader) != 0 || queue.cancel_all() != 0) {
                  return 4;
              }
              queue.run();
              return queue.run_once() || queue.run_ready() != 0 || called ? 5 : 0;
          }) == 0);
    pollfd readable{queue.event_fd(), POLLIN, 0};
    CHECK(::poll(&readable, 1, 0) == 0); // the child has woken no thread
    CHECK(queue.cancel(poll) == (queue.uses_kernel_aio() ? aioxx::Cancellation::requested
                                                         : aioxx::Cancellation::cancelled));
    queue.run();
    CHECK(called);
}

TEST_CASE("a task that goes on in a child leaves run() with EINVAL") {
    aioxx::Queue queue;
    pid_t child = -1;
    const int thrown = thrown_by([&] { aioxx::run(queue, fork_and_wait(queue, child)); });
    CHECK(status_of(child, thrown) == EINVAL);
    CHECK(thrown == 0);
}

TEST_CASE("a callback that goes on in a child is the last that is called there") {
    aioxx::Queue queue{with_event_fd(4)};
    const Ends pipe = make_pipe();
    pid_t child = -1;
    int called = 0;
    for (int i = 0; i < 3; ++i) {
        queue.sleep_for(0ns).start([&](auto&) {
            ++called;
            if (child < 0) {
                child = ::fork();
                std::error_code error;
                queue.poll(pipe.reader, POLLIN).within(0ns).start([](auto&) {}, error);
            }
        });
        queue.post([&called] { ++called; });
    }
    // The posted calls come first.
    queue.run();
    CHECK(status_of(child, called) == 4);
    CHECK(called == 6);
}

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
              if (left.outstanding != 0 || queue->list_outstanding({}) != 0) {
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

TEST_CASE("a file of the parent's that a child has closed stays open for the child's operation") {
    aioxx::Queue queue;
    Ends pipe = make_pipe();
    std::array<std::byte, 4> buffer{};
    std::int64_t result = 0;
    queue.read(pipe.reader, buffer, 0).start([&](const aioxx::Completion& done) {
        result = done.result();
    });
    CHECK(in_child([&] {
              std::size_t bytes = 0;
              {
                  aioxx::Queue own;
                  const int number = pipe.reader.fd();
                  own.read(pipe.reader, buffer, 0).start([&](const aioxx::Completion& done) {
                      bytes = done.result() > 0 ? done.bytes() : 0;
                  });
                  own.run_ready();
                  pipe.reader.close();
                  if (::fcntl(number, F_GETFD) < 0) {
                      return 1;
                  }
                  pipe.fill("text");
                  own.run();
                  if (::fcntl(number, F_GETFD) >= 0) {
                      return 2;
                  }
              }
              return bytes == 4 ? 0 : 3;
          }) == 0);
    pipe.fill("text"); // to the parent's
    queue.run();
    CHECK(result == 4);
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
