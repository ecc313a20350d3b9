// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "model/driver.hpp"

#include <aioxx/queue/queue.hpp>
#include <aioxx/task/run.hpp>
#include <aioxx/task/when_any.hpp>

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

using Clock = std::chrono::steady_clock;

/// Counts frames that go, in whichever way.
struct Gone {
    explicit Gone(std::size_t& where) : count(where) {}
    Gone(const Gone&) = delete;
    Gone& operator=(const Gone&) = delete;
    ~Gone() { ++count; }
    std::size_t& count;
};

bool is_readable(int fd, int milliseconds) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, milliseconds) == 1;
}

} // namespace

Queue::Options Driver::options(Random& random, const Behaviour& behaviour) {
    Queue::Options options;
    options.depth = static_cast<unsigned>(1 + random.below(8));
    options.limit = random.percent(30) ? 6 : 65536;
    options.workers = behaviour.threads ? static_cast<unsigned>(1 + random.below(4)) : 0;
    options.worker_idle = std::chrono::milliseconds{random.percent(50) ? 1 : 1000};
    options.use_event_fd = random.percent(30);
    options.nowait_always = random.percent(20);
    options.time_submits = random.percent(20);
    return options;
}

Driver::Driver(std::uint64_t seed, SimulatedKernel* model, const Behaviour& behaviour,
               std::string directory)
    : random_(seed), model_(model), behaviour_(behaviour), directory_(std::move(directory)) {
    const Queue::Options chosen = options(random_, behaviour);
    limit_ = chosen.limit;
    event_fd_ = chosen.use_event_fd;
    if (model_ != nullptr) {
        model_->on_stuck([this] {
            const bool released = model_->release();
            const bool waits = waiting_ > 0;
            if (waits) {
                queue_->post([this] { tell_all(); });
            }
            return move_pipes() || released || waits;
        });
    }
    queue_ = &owned_queue_.emplace(chosen);
    condition_.emplace(*queue_);
    permits_.emplace(*queue_, released_);
    // The simulated kernel knows its thread by the context.
    static_cast<void>(queue_->uses_kernel_aio());
    for (const Subject::Kind kind :
         {Subject::Kind::random, Subject::Kind::random, Subject::Kind::append,
          Subject::Kind::reader, Subject::Kind::writer}) {
        current_.push_back(open(kind));
    }
}

Driver::~Driver() {
    owned_queue_.reset();
    for (const Subject& subject : subjects_) {
        ::close(subject.watch);
    }
}

void Driver::run() {
    for (std::size_t steps = 10 + random_.below(60); steps > 0; --steps) {
        step();
    }
    end();
}

void Driver::step() {
    const std::size_t what = random_.below(100);
    if (what < 55) {
        start_something();
    } else if (what < 68) {
        run_some();
    } else if (what < 80) {
        if (model_ != nullptr) {
            model_->advance(random_.below(6));
        }
    } else if (what < 88) {
        cancel_something();
    } else if (what < 91) {
        reopen(current_[random_.below(current_.size())]);
    } else if (what < 95) {
        post_something();
    } else if (what < 97) {
        ++tasks_;
        spawn(*queue_, random_.percent(50) ? task() : race());
    } else if (what < 98) {
        tell_some();
    } else {
        move_pipes();
    }
}

void Driver::tell_some() {
    switch (random_.below(3)) {
    case 0:
        condition_->notify_one();
        break;
    case 1:
        condition_->notify_all();
        break;
    default: {
        const std::size_t permits = 1 + random_.below(2);
        released_ += permits;
        permits_->release(permits);
    }
    }
}

/// Ends what waits for the driver itself; false when nothing does.
bool Driver::tell_all() {
    if (waiting_ == 0) {
        return false;
    }
    condition_->notify_all();
    released_ += waiting_;
    permits_->release(waiting_);
    return true;
}

void Driver::run_some() {
    try {
        const bool blocks = model_ != nullptr && !event_fd_ && random_.percent(50);
        if (blocks) {
            queue_->run_once();
        } else {
            queue_->run_ready();
        }
    } catch (...) { // thrown by a callback on purpose
    }
}

void Driver::cancel_something() {
    if (started_.empty()) {
        return;
    }
    const std::size_t what = random_.below(20);
    if (what == 0) {
        for (Started& started : started_) {
            started.may_be_cancelled = true;
        }
        queue_->cancel_all();
    } else if (what < 3) {
        const std::size_t place = some_subject();
        for (Started& started : started_) {
            started.may_be_cancelled |= started.subject == place;
        }
        queue_->cancel(subjects_[place].file);
    } else {
        Started& started = started_[started_.size() - 1 -
                                    random_.below(std::min<std::size_t>(started_.size(), 12))];
        const bool was_completed = started.completions > 0;
        const Cancellation outcome = queue_->cancel(started.id);
        expect(!was_completed || outcome == Cancellation::too_late, "cancelled after the end");
        expect(outcome != Cancellation::runs_on || started.kind <= Started::Kind::flush,
               "a poll or a sleep that runs on");
        started.was_cancelled |= outcome == Cancellation::cancelled;
        started.may_be_cancelled |=
            outcome == Cancellation::cancelled || outcome == Cancellation::requested;
    }
}

void Driver::post_something() {
    ++posted_;
    const auto post = [this] {
        queue_->post([this] { ++posts_run_; });
        if (!started_.empty()) {
            queue_->request_cancel(started_.back().id);
        }
    };
    if (!started_.empty()) {
        started_.back().may_be_cancelled = true;
    }
    if (behaviour_.threads) {
        std::thread{post}.join();
    } else {
        post();
    }
}

/// Its files may close under it, and the queue may end; its frame goes in either case.
Task<> Driver::task() {
    const Gone gone{tasks_gone_};
    for (std::size_t i = random_.below(4); i > 0 && !ending_; --i) {
        const std::size_t place = current_[random_.below(2)];
        Subject& subject = subjects_[place];
        Completion taken = co_await queue_->buffer(pool_).completion();
        if (taken.error()) {
            continue;
        }
        AlignedBuffer buffer = taken.take_buffer();
        const std::uint32_t begun = subject.shadow.now();
        Completion done = co_await queue_->read_full(subject.file, std::move(buffer), 0)
                              .until(Clock::now() + std::chrono::hours{1})
                              .completion();
        if (const AlignedBuffer& got = done.buffer(); got.data() != nullptr && !done.error()) {
            expect(subject.shadow.allows(0, got.first(done.bytes()), begun),
                   "a task read what was not written there");
        }
        try {
            co_await queue_->fsync(subjects_[place].file);
        } catch (const std::system_error&) { // EIO, or the file has been closed
        }
    }
}

/// The first of two reads of one file, and of a task that yields and then sleeps; what loses is
/// given up. Refusals and cancelled operations win as well.
Task<> Driver::race() {
    const Gone gone{tasks_gone_};
    const std::size_t place = current_[random_.below(2)];
    Subject& subject = subjects_[place];
    const std::uint32_t begun = subject.shadow.now();
    constexpr std::size_t size = 4096;
    auto first = co_await when_any(
        queue_->read_full(subject.file, AlignedBuffer{size, size}, 0).completion(),
        queue_->read_full(subject.file, AlignedBuffer{size, size}, size).completion(),
        [this](std::stop_token stop) -> Task<Completion> {
            for (std::size_t i = random_.below(8); i > 0 && !stop.stop_requested(); --i) {
                static_cast<void>(co_await queue_->yield().completion());
            }
            co_return co_await queue_->sleep_for(std::chrono::microseconds{20})
                .stopped_by(stop)
                .completion();
        });
    const Completion& done = first.value;
    if (const AlignedBuffer& got = done.buffer(); got.data() != nullptr && !done.error()) {
        expect(first.index < 2, "a sleep has a buffer");
        expect(subject.shadow.allows(first.index * size, got.first(done.bytes()), begun),
               "a when_any read what was not written there");
    }
}

void Driver::drain() {
    if (event_fd_) {
        drain_by_event_fd();
    }
    for (bool again = true; again;) {
        again = false;
        move_pipes();
        try {
            if (model_ != nullptr) {
                queue_->run();
            } else {
                // Only this loop brings data to what waits in the real kernel.
                while (queue_->outstanding() > 0) {
                    queue_->run_ready();
                    move_pipes();
                    tell_all();
                }
                queue_->run();
            }
        } catch (...) {
            again = true;
        }
    }
}

/// As an event loop does: nothing but the eventfd says when to run.
void Driver::drain_by_event_fd() {
    const int fd = queue_->event_fd();
    const auto until = Clock::now() + std::chrono::seconds{20};
    while (queue_->outstanding() > 0) {
        if (is_readable(fd, 0)) {
            try {
                queue_->run_ready();
            } catch (...) {
            }
            continue;
        }
        const bool moved = (model_ != nullptr && model_->advance(3) > 0) || move_pipes() ||
                           tell_all() || (model_ != nullptr && model_->release());
        if (!moved && !is_readable(fd, 10) && Clock::now() > until) {
            expect(false, "a wakeup was lost");
            return;
        }
    }
}

void Driver::end() {
    const std::size_t how = random_.below(10);
    if (how < 6) {
        drain();
        ending_ = true;
        expect(queue_->outstanding() == 0, "something is outstanding after run()");
        const Queue::Left left = queue_->close(Clock::now() + std::chrono::seconds{20});
        expect(left.outstanding == 0 && left.quarantined == 0, "close() left something");
        const QueueStatistics counted = queue_->statistics();
        expect(counted.outstanding == 0 &&
                   counted.started == counted.completed + counted.cancelled + counted.timed_out,
               "the counts of the statistics do not add up");
        expect(counted.backlog == 0 && counted.quarantined == 0, "credits were not given back");
        // The engine's own polls may be there, on streams that are not read any more.
        expect(counted.in_flight <= subjects_.size(), "slots were not given back");
        expect(posts_run_ == posted_, "a posted call was lost");
        expect(tasks_gone_ == tasks_, "a task was lost");
        expect(waiting_ == 0 && condition_->waiting() == 0, "a wait was lost");
        expect(acquired_ + permits_->available() == released_, "a permit was lost");
        expect(pool_.available() == pool_.count(), "a buffer did not go back");
        for (const Started& started : started_) {
            expect(started.completions == 1, "an operation was lost");
        }
    } else if (how < 8) {
        ending_ = true;
        const auto span = std::chrono::microseconds{random_.below(2) * 50};
        try {
            static_cast<void>(queue_->close(Clock::now() + span));
        } catch (...) { // thrown by a callback before, together with another
        }
    }
    ending_ = true;
    if (model_ != nullptr) {
        model_->forget_nothing();
    }
    owned_queue_.reset();
    if (model_ != nullptr) {
        model_->release();
        model_->wait_until_closed();
    }
    check_end();
}

void Driver::check_end() {
    for (const Started& started : started_) {
        expect(started.completions == 1, "an operation was not completed by the destructor");
    }
    expect(tasks_gone_ == tasks_, "a task's frame was left");
    for (Subject& subject : subjects_) {
        check_contents(subject);
    }
    if (model_ != nullptr) {
        for (std::string& what : model_->violations()) {
            failures_.push_back(std::move(what));
        }
    }
}

} // namespace aioxx::test
