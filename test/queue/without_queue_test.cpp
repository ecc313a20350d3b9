// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A queue that could not be made, and one that a forked child has inherited.
#include "child.hpp"
#include "queue/files.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>

#include <poll.h>
#include <sys/resource.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

int errno_thrown_by(const std::function<void()>& call) {
    try {
        call();
        return 0;
    } catch (const std::system_error& error) {
        return error.code().value();
    }
}

aioxx::Task<> sleep_once(aioxx::Queue& queue) {
    co_await queue.sleep_for(0ns);
}

aioxx::Task<int> sleep_stoppably(aioxx::Queue& queue, std::stop_token token) {
    co_return (co_await queue.sleep_for(0ns).stopped_by(token).completion()).error().value();
}

/// Waits for an operation of another queue.
aioxx::Task<int> sleep_elsewhere(aioxx::Queue& other, std::stop_token token) {
    co_return co_await sleep_stoppably(other, token);
}

/// Calls everything. 0, or the number of the line whose answer is not the one that it should be.
int use_in_vain(aioxx::Queue& queue, const aioxx::File& file) {
    const auto nothing = [](auto&) {};
    std::array<std::byte, 8> buffer{};
    std::error_code error;
    const auto refused = [&error] { return error.value() == EINVAL; };
    if (queue.is_open()) {
        return __LINE__;
    }
    if (queue.read(file, buffer, 0).start(nothing, error); !refused()) {
        return __LINE__;
    }
    if (queue.sleep_for(0ns).start(nothing, error); !refused()) {
        return __LINE__;
    }
    if (queue.wait_for_capacity().start(nothing, error); !refused()) {
        return __LINE__;
    }
    if (queue.wait_for_quarantine().start(nothing, error); !refused() || queue.quarantined() != 0) {
        return __LINE__;
    }
    if (errno_thrown_by([&] { queue.fsync(file).start(nothing); }) != EINVAL ||
        errno_thrown_by([&] { queue.post([] {}); }) != EINVAL ||
        errno_thrown_by([&] { queue.request_cancel(aioxx::OperationId{}); }) != 0 ||
        errno_thrown_by([&] { static_cast<void>(queue.event_fd()); }) != EINVAL) {
        return __LINE__;
    }
    if (errno_thrown_by([&] { aioxx::run(queue, sleep_once(queue)); }) != EINVAL ||
        errno_thrown_by([&] { aioxx::spawn(queue, sleep_once(queue)); }) != EINVAL) {
        return __LINE__;
    }
    queue.run();
    queue.stop();
    queue.flush();
    if (queue.run_once() || queue.run_ready() != 0 || queue.outstanding() != 0 ||
        queue.depth() != 0 || queue.uses_kernel_aio()) {
        return __LINE__;
    }
    if (queue.cancel(aioxx::OperationId{}) != aioxx::Cancellation::too_late ||
        queue.cancel(file) != 0 || queue.cancel_all() != 0) {
        return __LINE__;
    }
    std::array<aioxx::OutstandingOperation, 1> none{};
    if (queue.list_outstanding(none) != 0 || none[0].kind != aioxx::engine::Kind::none) {
        return __LINE__;
    }
    const aioxx::Queue::Left left = queue.close_for(1h);
    if (left.outstanding != 0 || left.quarantined != 0 || queue.statistics().started != 0) {
        return __LINE__;
    }
    aioxx::Queue own;
    std::stop_source stop;
    return aioxx::run(own, sleep_elsewhere(queue, stop.get_token())) == EINVAL ? 0 : __LINE__;
}

/// No descriptor can be opened while it lives.
struct NoDescriptors {
    rlimit before{};

    explicit NoDescriptors(rlim_t allowed) {
        ::getrlimit(RLIMIT_NOFILE, &before);
        const rlimit fewer{allowed, before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &fewer);
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
};

} // namespace

TEST_CASE("a queue whose construction has failed answers everything with EINVAL, 0 or false") {
    const aioxx::File file = disk_file(O_RDWR, "content");
    const ChildEnd child = run_in_child([&file] {
        std::error_code error;
        std::optional<NoDescriptors> none{1};
        aioxx::Queue queue{aioxx::Queue::Options{}, error};
        none.reset();
        return error.value() == EMFILE ? use_in_vain(queue, file) : 1;
    });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
}

TEST_CASE("a queue that a child has inherited answers everything with EINVAL, 0 or false") {
    const aioxx::File file = disk_file(O_RDWR, "content");
    const Ends pipe = make_pipe();
    aioxx::Queue::Options options;
    options.use_event_fd = true;
    aioxx::Queue queue{options};
    Outcomes outcomes{2};
    queue.poll(pipe.reader, POLLIN).start(outcomes.at(0));
    queue.sleep_for(0ns).start(outcomes.at(1));
    CHECK(queue.is_open());
    const ChildEnd child = run_in_child([&] { return use_in_vain(queue, file); });
    CHECK(child.status == 0);
    CHECK(child.errors.empty());
    CHECK(queue.is_open());
    CHECK(queue.outstanding() == 2);
    pipe.fill("x");
    queue.run();
    CHECK(outcomes.once_each());
    static_cast<void>(queue.close_for(1h));
    CHECK_FALSE(queue.is_open());
}

TEST_CASE("the error of a constructor names the call that has failed, and the limit in its way") {
    const ChildEnd child = run_in_child([] {
        const NoDescriptors none{1};
        try {
            const aioxx::Queue queue;
        } catch (const std::system_error& error) {
            const std::string text = error.what();
            return error.code().value() == EMFILE && text.find("eventfd") != std::string::npos &&
                           text.find("RLIMIT_NOFILE allows 1 ") != std::string::npos
                       ? 0
                       : 1;
        }
        return 2;
    });
    CHECK(child.status == 0);
    const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(lowest);
    const ChildEnd other = run_in_child([lowest] {
        aioxx::Queue::Options options;
        options.use_event_fd = true;
        // Room for the two eventfds; the pipe of run_in_child() has taken one.
        for (rlim_t allowed = static_cast<rlim_t>(lowest); allowed < 4096; ++allowed) {
            try {
                const NoDescriptors few{allowed};
                const aioxx::Queue queue{options};
                return 1; // the last step before that was not named
            } catch (const std::system_error& error) {
                if (std::string{error.what()}.find("epoll_create1") != std::string::npos) {
                    return 0;
                }
            }
        }
        return 2;
    });
    CHECK(other.status == 0);
}
