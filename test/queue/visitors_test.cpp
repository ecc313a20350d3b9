// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Other threads that tell a queue something, and what they still do when it has gone.

#include "eventually.hpp"
#include "queue/files.hpp"
#include "skip.hpp"
#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

/// From now on each write(2) of this thread to `fd` waits until the descriptor that is returned
/// lets it go on. -1 where the kernel knows no such thing.
int stop_writes_to(int fd) {
    const auto number = static_cast<unsigned>(fd);
    // A filter loads 32 bits at a time: the lower half of the first argument.
    constexpr unsigned argument =
        offsetof(seccomp_data, args[0]) + (std::endian::native == std::endian::big ? 4 : 0);
    std::array<sock_filter, 6> steps{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{steps.size(), steps.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                      SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

/// A thread that calls `tell`, and is stopped in its write to the queue's event descriptor.
class StoppedVisitor {
public:
    StoppedVisitor(int event_fd, std::function<void()> tell)
        : thread_([this, event_fd, call = std::move(tell)] {
              listener_ = stop_writes_to(event_fd);
              call();
          }) {
        while (listener_ == none) {
            std::this_thread::yield();
        }
        if (listener_ >= 0) {
            stopped_ = ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &notice_) == 0;
        }
    }
    ~StoppedVisitor() {
        go_on();
        ::close(listener_);
    }
    StoppedVisitor(const StoppedVisitor&) = delete;
    StoppedVisitor& operator=(const StoppedVisitor&) = delete;

    [[nodiscard]] bool is_stopped() const { return stopped_; }
    /// Until its end: a sanitizer looks at memory by writing it to a pipe, which may have the
    /// number by then.
    void go_on() {
        pollfd waits{listener_, POLLIN, 0};
        while (std::exchange(stopped_, false)) {
            permit();
            stopped_ = ::poll(&waits, 1, -1) == 1 && (waits.revents & POLLIN) != 0 &&
                       ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &notice_) == 0;
        }
        if (thread_.joinable()) {
            thread_.join();
        }
    }

private:
    static constexpr int none = -2;

    void permit() {
        seccomp_notif_resp answer{};
        answer.id = notice_.id;
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &answer);
        notice_ = {}; // it has to be zero for the next one
    }

    std::atomic<int> listener_{none};
    seccomp_notif notice_{};
    bool stopped_ = false;
    std::thread thread_;
};

/// The descriptor in which a queue counts: the one that its epoll descriptor holds.
int counter_in(int epoll) {
    std::ifstream info{"/proc/self/fdinfo/" + std::to_string(epoll)};
    for (std::string word; info >> word;) {
        if (word == "tfd:") {
            int number = -1;
            info >> number;
            return number;
        }
    }
    return -1;
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

} // namespace

TEST_CASE("what tells a queue something writes to no descriptor that came after it") {
    aioxx::Queue::Options options;
    options.use_event_fd = true;
    std::optional<aioxx::Queue> queue{std::in_place, options};
    const int number = counter_in(queue->event_fd());
    REQUIRE(number >= 0);
    bool seen = false;
    std::function<void()> tell;
    SUBCASE("post") {
        tell = [&] { queue->post([&seen] { seen = true; }); };
    }
    SUBCASE("stop") {
        seen = true;
        tell = [&] { queue->stop(); };
    }
    SUBCASE("request_cancel") {
        const aioxx::OperationId sleep = queue->sleep_for(1h).start(
            [&seen](const aioxx::Completion& done) { seen = done.result() == -ECANCELED; });
        tell = [&queue, sleep] { queue->request_cancel(sleep); };
    }
    const std::vector<pid_t> before = other_threads(thread_id()); // earlier cases' may end
    const auto has_new_waiter = [&before] {
        return std::ranges::any_of(other_threads(thread_id()), [&before](pid_t tid) {
            return std::ranges::find(before, tid) == before.end() &&
                   call_of(tid) == std::to_string(SYS_futex);
        });
    };
    StoppedVisitor visitor{number, tell};
    if (!visitor.is_stopped()) {
        SKIP_CASE("no seccomp notifications");
    }
    queue->run(); // returns, as it has been told so or has nothing more to do
    CHECK(seen);
    queue.reset();
    // Either its rest waits for the visitor, or it has gone.
    CHECK(eventually([&] { return !is_open(number) || has_new_waiter(); }));
    CHECK(is_open(number));
    const aioxx::EventFd stranger{aioxx::EventFd::Mode::nonblocking};
    const bool taken = !is_open(number) && ::dup2(stranger.fd(), number) == number;
    visitor.go_on();
    pollfd readable{stranger.fd(), POLLIN, 0};
    CHECK(::poll(&readable, 1, 0) == 0); // nothing has been counted there
    if (taken) {
        ::close(number);
    }
    CHECK(eventually([&] { return !is_open(number); }));
}
