// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A queue on a kernel that does what the test says, and counts how often it is called.
#include "engine/route_policy.hpp"
#include "model/simulated_kernel.hpp"
#include "scripted_kernel/scripted_kernel.hpp"

#include <aioxx/aioxx.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace aioxx::test;
using aioxx::Completion;
using aioxx::File;
using aioxx::Queue;
namespace kernel = aioxx::kernel;
namespace engine = aioxx::engine;

namespace {

constexpr std::size_t page = 4096;

/// Direct: its transfers are submitted.
File direct_file() {
    File file = File::open("/var/tmp", O_TMPFILE | O_RDWR | O_DIRECT, 0600);
    REQUIRE(::ftruncate(file.fd(), 2 * page) == 0);
    return file;
}

/// Completes the transfer that is in flight, beside the engine's own poll.
void complete_transfer(KernelModel& model, std::int64_t result) {
    const std::vector<KernelModel::Operation> all = model.in_flight();
    for (std::size_t place = 0; place < all.size(); ++place) {
        if (!is_poll(all[place].submitted)) {
            model.complete(place, result);
            return;
        }
    }
    FAIL("nothing is in flight");
}

TEST_CASE("an exact transfer goes on where it was interrupted, and where it was cut short") {
    for (const bool writes : {false, true}) {
        CAPTURE(writes);
        ScriptedKernel scripted;
        const File file = direct_file();
        alignas(page) std::array<std::byte, 2 * page> bytes{};
        std::int64_t result = 0;
        {
            Queue queue;
            // Or the script is not seen, and no simulated time passes.
            REQUIRE(queue.uses_kernel_aio());
            const auto ending = [&](const Completion& done) { result = done.result(); };
            if (writes) {
                queue.write_all(file, bytes, 0).start(ending);
            } else {
                queue.read_full(file, bytes, 0).start(ending);
            }
            for (const std::int64_t one : {std::int64_t{-EINTR}, std::int64_t{page},
                                           std::int64_t{-EINTR}, std::int64_t{-EINTR}}) {
                complete_transfer(scripted.model(), one);
                CHECK(queue.run_ready() == 0);
            }
            const auto in_flight = scripted.model().in_flight();
            const auto& rest = in_flight.back().submitted;
            CHECK(rest.offset == page);
            CHECK(rest.length == page);
            complete_transfer(scripted.model(), page);
            CHECK(queue.run_ready() == 1);
            CHECK(result == 2 * page);
        }
        scripted.wait_until_closed();
    }
}

TEST_CASE("an interrupted transfer that is not exact says so") {
    ScriptedKernel scripted;
    const File file = direct_file();
    alignas(page) std::array<std::byte, page> bytes{};
    int error = 0;
    {
        Queue queue;
        // Or the script is not seen, and no simulated time passes.
        REQUIRE(queue.uses_kernel_aio());
        queue.read(file, bytes, 0).start([&](const Completion& done) {
            error = done.error().value();
        });
        complete_transfer(scripted.model(), -EINTR);
        CHECK(queue.run_ready() == 1);
        CHECK(error == EINTR);
    }
    scripted.wait_until_closed();
}

/// Rounds of operations: the last completion of one starts all of the next.
class Rounds {
public:
    static constexpr unsigned rounds = 50;
    static constexpr unsigned in_one = 20;

    Rounds(Queue& queue, const File& file) : queue_(queue), file_(file) {}

    /// The first transfers on a file go one by one.
    void warm_up() {
        for (left_ = 0; left_ < 2 * engine::RoutePolicy::watched_at_first; ++left_) {
            queue_.read(file_, bytes_, 0).start([this](const Completion&) { --left_; });
        }
    }
    [[nodiscard]] bool is_warm() const { return left_ == 0; }

    void begin() {
        queue_.read(file_, bytes_, 0).start([this](const Completion&) { start(); });
    }
    [[nodiscard]] bool finished() const { return started_ == rounds && left_ == 0; }

private:
    void start() {
        ++started_;
        for (left_ = 0; left_ < in_one; ++left_) {
            queue_.read(file_, bytes_, 0).start([this](const Completion&) {
                if (--left_ == 0 && started_ < rounds) {
                    start();
                }
            });
        }
    }

    Queue& queue_;
    const File& file_;
    alignas(page) std::array<std::byte, page> bytes_{};
    unsigned started_ = 0;
    unsigned left_ = 0;
};

/// An event loop that looks once in a round; `model` null on the real kernel. False where the
/// machine has put a submit to sleep, by a page fault say: then workers submit, which is another
/// course, and nothing is checked.
bool check_calls(ScriptedKernel& scripted, SimulatedKernel* model, const File& file,
                 std::uint32_t mode, bool ring) {
    Queue::Options options;
    options.use_event_fd = true;
    bool disturbed = false;
    {
        Queue queue{options};
        // Or the script is not seen, and no simulated time passes.
        REQUIRE(queue.uses_kernel_aio());
        const File epoll = File::adopt(::epoll_create1(EPOLL_CLOEXEC));
        epoll_event event{};
        event.events = EPOLLIN | mode;
        REQUIRE(::epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, queue.event_fd(), &event) == 0);
        const auto round = [&] {
            if (model != nullptr) {
                model->advance(1000);
            }
            disturbed = disturbed || queue.statistics().blocking_submits > 0;
            const int woken = ::epoll_wait(epoll.fd(), &event, 1, disturbed ? 10 : 10'000);
            REQUIRE((disturbed || woken == 1)); // else a wakeup was lost
            queue.run_ready();
        };
        Rounds load{queue, file};
        load.warm_up();
        while (!load.is_warm()) {
            round();
        }
        const std::size_t submits = scripted.calls(Call::submit);
        const std::size_t reaps = scripted.calls(Call::get_events);
        const std::size_t others = scripted.calls() - submits - reaps;
        load.begin();
        std::size_t wakeups = 0;
        while (!load.finished()) {
            round();
            ++wakeups;
        }
        disturbed = disturbed || queue.statistics().blocking_submits > 0;
        if (!disturbed) {
            CHECK(::epoll_wait(epoll.fd(), &event, 1, 0) == 0);
            CHECK(wakeups == Rounds::rounds + 1);
            CHECK(scripted.calls(Call::submit) - submits == Rounds::rounds + 1);
            CHECK(scripted.calls(Call::get_events) - reaps == (ring ? 0 : wakeups));
            CHECK(scripted.calls() - scripted.calls(Call::submit) -
                      scripted.calls(Call::get_events) ==
                  others);
        }
    }
    scripted.wait_until_closed();
    return !disturbed;
}

template <typename Attempt>
bool until_undisturbed(Attempt attempt) {
    for (int attempts = 0; attempts < 10; ++attempts) {
        if (attempt()) {
            return true;
        }
    }
    return false;
}

/// Has something done on the way into calls.
class OnTheWay final : public Backend {
public:
    explicit OnTheWay(SimulatedKernel& below) : below_(below) {}
    /// Into the next that looks for events.
    void next(std::function<void()> function) { function_ = std::move(function); }
    /// Into each that submits writes, on whatever thread.
    void each_write(std::function<void()> function) { each_write_ = std::move(function); }

    int setup(unsigned events, kernel::Handle* handle) override {
        return below_.setup(events, handle);
    }
    int destroy(kernel::Handle handle) override { return below_.destroy(handle); }
    int submit(kernel::Handle handle, long count, kernel::IocbLayout** iocbs) override {
        if (each_write_ && std::any_of(iocbs, iocbs + count, [](const kernel::IocbLayout* iocb) {
                return is_write(*iocb);
            })) {
            each_write_();
        }
        return below_.submit(handle, count, iocbs);
    }
    int cancel(kernel::Handle handle, kernel::IocbLayout* iocb) override {
        return below_.cancel(handle, iocb);
    }
    int get_events(kernel::Handle handle, long min, long max, kernel::EventLayout* events,
                   kernel::Timeout timeout) override {
        if (const auto function = std::exchange(function_, nullptr)) {
            function();
        }
        return below_.get_events(handle, min, max, events, timeout);
    }
    std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count,
                          std::int64_t at, int flags) override {
        return below_.transfer(write, fd, parts, count, at, flags);
    }
    std::int64_t flush(bool data_only, int fd) override { return below_.flush(data_only, fd); }

private:
    SimulatedKernel& below_;
    std::function<void()> function_;
    std::function<void()> each_write_;
};

constexpr Behaviour calm{.ring = false, // so that looking for events is a call
                         .cuts_plain = false,
                         .at_once = 0,
                         .again = 0,
                         .interrupted = 0,
                         .would_block = 0,
                         .cut = 0,
                         .failed = 0,
                         .forgotten = 0};

bool is_readable(int fd) {
    pollfd ready{fd, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
}

TEST_CASE("a call that is posted between run_ready()'s look at them and its reaping is not lost") {
    SimulatedKernel model{1, calm};
    OnTheWay on_the_way{model};
    ScriptedKernel scripted{on_the_way};
    std::string called;
    {
        Queue::Options options;
        options.use_event_fd = true;
        Queue queue{options};
        // Or the script is not seen, and no simulated time passes.
        REQUIRE(queue.uses_kernel_aio());
        queue.post([&called] { called += '1'; });
        model.advance(10);
        REQUIRE(is_readable(queue.event_fd()));
        on_the_way.next([&] { queue.post([&called] { called += '2'; }); });
        queue.run_ready(); // what it reaps, the first one's wakeup, was the second one's as well
        CHECK(called == "1");
        model.advance(10);
        CHECK(is_readable(queue.event_fd()));
        queue.run_ready();
        CHECK(called == "12");
        model.advance(10);
        queue.run_ready();
        CHECK_FALSE(is_readable(queue.event_fd()));
    }
    scripted.wait_until_closed();
}

TEST_CASE("a call that is posted while close() reaps is made, and not waited for") {
    Behaviour behaviour = calm;
    behaviour.forgotten = 100;
    SimulatedKernel model{1, behaviour};
    OnTheWay on_the_way{model};
    ScriptedKernel scripted{on_the_way};
    const File file = direct_file();
    model.add(file.fd(), {});
    alignas(page) std::array<std::byte, page> bytes{};
    unsigned stuck = 0;
    bool done = false;
    {
        Queue queue;
        // Or the script is not seen, and no simulated time passes.
        REQUIRE(queue.uses_kernel_aio());
        model.on_stuck([&] {
            ++stuck;
            return model.release();
        });
        queue.read(file, bytes, 0).start([&done](const Completion&) { done = true; });
        queue.post([&] {
            on_the_way.next([&] {
                queue.post([&model] { model.release(); });
                model.advance(10);
            });
        });
        static_cast<void>(queue.close(std::chrono::steady_clock::now() + std::chrono::hours{1}));
    }
    scripted.wait_until_closed();
    CHECK(done);
    CHECK(stuck == 0);
}

long voluntary_switches() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

void fall_asleep() {
    const long before = voluntary_switches();
    while (voluntary_switches() == before) {
        std::this_thread::sleep_for(std::chrono::microseconds{50});
    }
}

/// Direct writes, so many at a time; how many of the submits have put the queue's thread to sleep,
/// of those after the first so many writes, which do not.
unsigned sleeps_of_submits(unsigned at_a_time, unsigned awake, unsigned asleep) {
    Behaviour behaviour = calm;
    behaviour.threads = true;
    SimulatedKernel model{1, behaviour};
    OnTheWay on_the_way{model};
    ScriptedKernel scripted{on_the_way};
    const File file = File::open("/var/tmp", O_TMPFILE | O_RDWR | O_DIRECT, 0600);
    REQUIRE(file.is_direct());
    model.add(file.fd(), {});
    std::array<std::byte, 8> bytes{};
    unsigned slept = 0;
    {
        Queue::Options options;
        options.workers = 2;
        Queue queue{options};
        // Or the script is not seen, and no simulated time passes.
        REQUIRE(queue.uses_kernel_aio());
        bool blocks = false;
        on_the_way.each_write([&, owner = std::this_thread::get_id()] {
            if (std::this_thread::get_id() == owner && blocks) {
                fall_asleep();
                ++slept;
            }
        });
        const auto write = [&](unsigned count) {
            for (unsigned started = 0; started < count; started += at_a_time) {
                unsigned left = at_a_time;
                queue.post([&] { // what is started in there is submitted together
                    for (unsigned i = 0; i < at_a_time; ++i) {
                        queue.write(file, bytes, 0).start([&left](const Completion&) { --left; });
                    }
                });
                while (left > 0) {
                    queue.run_once();
                }
            }
        };
        write(awake);
        CHECK(queue.statistics().offloaded == 0);
        blocks = true;
        write(asleep);
        blocks = false;
        CHECK(queue.statistics().offloaded > asleep / 2);
        CHECK(queue.statistics().blocking_submits > 0);
    }
    scripted.wait_until_closed();
    return slept;
}

TEST_CASE(
    "writes that have long been asynchronous and come to block are with workers in a moment") {
    // At the latest the sixth is watched, and the one after it confirms.
    CHECK(sleeps_of_submits(1, 1000, 40) <= 7);
    // One call puts all in it under suspicion, and the next eight writes go one by one.
    CHECK(sleeps_of_submits(8, 1000, 80) <= 9);
}

TEST_CASE("an event loop submits once a batch, reaps by no call or one, and is woken once") {
    for (const std::uint32_t mode : {std::uint32_t{0}, std::uint32_t{EPOLLET}}) {
        for (const bool ring : {true, false}) {
            CAPTURE(mode);
            CAPTURE(ring);
            Behaviour behaviour = calm;
            behaviour.ring = ring;
            REQUIRE(until_undisturbed([&] {
                SimulatedKernel model{1, behaviour};
                ScriptedKernel scripted{model};
                const File file = direct_file();
                model.add(file.fd(), {.in_memory = true});
                return check_calls(scripted, &model, file, mode, ring);
            }));
        }
    }
}

TEST_CASE("and so on the real kernel") {
    for (const std::uint32_t mode : {std::uint32_t{0}, std::uint32_t{EPOLLET}}) {
        CAPTURE(mode);
        REQUIRE(until_undisturbed([&] {
            ScriptedKernel scripted{ScriptedKernel::Below::real};
            const bool ring = aioxx::Context{1}.reaps_from_ring();
            return check_calls(scripted, nullptr, direct_file(), mode, ring);
        }));
    }
}

} // namespace
