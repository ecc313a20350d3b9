// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What the library exports of the queue.

#include <aioxx/queue/queue.hpp>

#include "queue/failure.hpp"
#include "queue/implementation.hpp"
#include "queue/open_failure.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

AIOXX_NAMESPACE_BEGIN
namespace {

engine::Engine::Options engine_options(const Queue::Options& chosen) noexcept {
    engine::Engine::Options options;
    options.depth = chosen.depth;
    options.workers.limit = chosen.workers;
    options.workers.idle = chosen.worker_idle;
    options.nowait_always = chosen.nowait_always;
    options.needs_kernel_aio = chosen.needs_kernel_aio;
    options.time_submits = chosen.time_submits;
    options.event_fd = chosen.use_event_fd;
    return options;
}

} // namespace

Queue::Implementation::Implementation(const Options& chosen, std::error_code& error)
    : Rest{[](Rest& rest) noexcept { delete static_cast<Implementation*>(&rest); },
           &queue::Background::of_this_process()},
      options(chosen), engine(engine_options(chosen), error), closed_files(new detail::ClosedFiles),
      copies(chosen.copy_limit), places(chosen.limit) {}

Queue::Implementation::~Implementation() {
    visitors.await_none();
    closed_files->drop_reference();
}

void Queue::open(const Options* options, std::size_t size, std::error_code* error) {
    // A program built with an older header passes fewer options: the rest have their defaults.
    Options chosen;
    std::memcpy(static_cast<void*>(&chosen), options, std::min(size, sizeof(chosen)));
    chosen.limit = std::max<std::size_t>(chosen.limit, 1); // else nothing ever has room
    std::error_code failure = no_error();
    auto fresh = std::make_unique<Implementation>(chosen, failure);
    if (!failure) {
        implementation_ = fresh.release();
    } else if (error == nullptr) {
        queue::throw_open_failure(fresh->engine, failure);
    }
    if (error != nullptr) {
        *error = failure;
    }
}

bool Queue::is_open() const noexcept {
    const Implementation* const queue = Implementation::usable(implementation_);
    return queue != nullptr && !queue->closing;
}

Queue::~Queue() {
    Implementation* const queue = Implementation::usable(implementation_);
    if (queue == nullptr) {
        return;
    }
    {
        queue::must_not_be_inside(queue->delivering);
        const queue::Entry entry{queue->owner, "Queue::~Queue"};
        queue->run_down(std::nullopt);
        queue->abandon();
    }
    // Giving a context back takes 30 ms, and waits for storage that may never answer.
    queue->background->destroy(*queue, queue->quarantined.value() > 0);
}

detail::Handler* Queue::prepare(detail::Request& request, int& error) {
    if (implementation_ == nullptr) {
        error = EINVAL;
        return nullptr;
    }
    return implementation_->prepare(request, error);
}

OperationId Queue::launch(detail::Handler& handler) noexcept {
    return implementation_->launch(static_cast<queue::Record&>(handler));
}

void Queue::discard(detail::Handler& handler, detail::Request& request) noexcept {
    auto& record = static_cast<queue::Record&>(handler);
    request.begun = false;
    implementation_->timers.remove(record);
    if (record.is(queue::mark::copied)) {
        implementation_->copies.give_back(std::move(record.buffer));
    } else {
        request.buffer = std::move(record.buffer);
    }
    record.marks = 0;
    implementation_->pool.give_back(record);
}

void Queue::throw_refused(const detail::Request& request, int error) {
    queue::throw_refused(request, error);
}

void Queue::throw_failed(const detail::Request& request, const detail::StartedFile& file,
                         int error) {
    queue::throw_failed(request, file, error);
}

void Queue::run() {
    run(std::stop_token{}); // which is never asked
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): a callback may destroy the caller's
void Queue::run(std::stop_token token) {
    if (Implementation::usable(implementation_) == nullptr) {
        return;
    }
    Implementation& queue = *implementation_;
    const queue::Entry entry{queue.owner, "Queue::run"};
    queue.refuse_if_running("Queue::run, inside a callback or task of its own");
    queue.rethrow();
    const std::stop_callback wakes{token, [&queue]() noexcept {
                                       if (!queue.is_copy()) {
                                           queue.engine.wake();
                                       }
                                   }};
    while (!token.stop_requested() && !queue.stopped.exchange(false)) {
        const std::size_t delivered = queue.pass();
        queue.rethrow();
        if (delivered == 0) {
            if (!queue.anything_outstanding()) {
                return;
            }
            if (!token.stop_requested()) { // after the pass, which takes wakes away
                queue.wait();
            }
        }
    }
}

bool Queue::run_once() {
    if (Implementation::usable(implementation_) == nullptr) {
        return false;
    }
    Implementation& queue = *implementation_;
    const queue::Entry entry{queue.owner, "Queue::run_once"};
    queue.refuse_if_running("Queue::run_once, inside a callback or task of its own");
    queue.rethrow();
    while (!queue.stopped.exchange(false)) {
        const std::size_t delivered = queue.pass_for_user();
        queue.rethrow();
        if (delivered > 0) {
            return true;
        }
        if (!queue.anything_outstanding()) {
            return false;
        }
        queue.wait();
    }
    return true;
}

void Queue::expect_to_wait() const {
    Implementation::expect_usable(implementation_, "run")
        .refuse_if_running("run, inside a callback or task of the queue");
}

void Queue::step(std::size_t expected) {
    Implementation& queue = Implementation::expect_usable(implementation_, "run");
    const queue::Entry entry{queue.owner, "run"};
    queue.rethrow();
    while (queue.pass() == 0 && queue.failures.empty()) {
        Implementation::expect_usable(&queue, "run"); // forked by what has just run
        // stop() is for run() and run_once(), and must not make this one spin
        queue.wait(false, std::exchange(expected, 1)); // if none has ended: for the first that does
    }
    queue.rethrow();
}

std::size_t Queue::run_ready() {
    if (Implementation::usable(implementation_) == nullptr || implementation_->is_too_deep()) {
        return 0;
    }
    Implementation& queue = *implementation_;
    const queue::Entry entry{queue.owner, "Queue::run_ready"};
    EventFd* const counter = queue.engine.event_counter();
    std::error_code ignored;
    if (!queue.failures.empty()) {
        if (counter != nullptr) {
            counter->signal(1, ignored); // what has not been looked at is looked at next
        }
        queue.rethrow();
    }
    if (counter != nullptr) {
        counter->read(ignored); // before looking, so that what comes later signals again
    }
    const std::size_t delivered = queue.pass_for_user();
    if (!queue.failures.empty()) {
        const std::exception_ptr first = queue.take_failure();
        queue.signal_if_ready(); // for those behind it
        std::rethrow_exception(first);
    }
    queue.signal_if_ready();
    return delivered;
}

// These three are called by other threads. As soon as what they tell can be seen the queue's thread
// may destroy the queue; as visitors they keep what they still use.

void Queue::stop() noexcept {
    if (Implementation::usable(implementation_) == nullptr) {
        return;
    }
    Implementation& queue = *implementation_;
    const queue::Visit visit{queue.visitors};
    queue.stopped.store(true);
    queue.engine.wake();
}

void Queue::post_handler(std::unique_ptr<detail::Handler> handler) {
    Implementation& queue = Implementation::expect_usable(implementation_, "Queue::post");
    const queue::Visit visit{queue.visitors};
    {
        const std::lock_guard lock{queue.posts_mutex};
        if (queue.drops_posts) {
            return;
        }
        queue.posts.push_back(std::move(handler));
        queue.any_posts.store(true, std::memory_order_release);
    }
    queue.engine.wake();
}

void Queue::request_cancel(OperationId operation) noexcept {
    if (Implementation::usable(implementation_) == nullptr) {
        return;
    }
    Implementation& queue = *implementation_;
    const queue::Visit visit{queue.visitors};
    {
        const std::lock_guard lock{queue.posts_mutex};
        queue.cancel_requests.add(queue.pool, operation);
        queue.any_posts.store(true, std::memory_order_release);
    }
    queue.engine.wake();
}

void Queue::flush() noexcept {
    if (Implementation* const queue = Implementation::usable(implementation_)) {
        const queue::Entry entry{queue->owner, "Queue::flush"};
        queue->engine.flush();
    }
}

Cancellation Queue::cancel(OperationId operation) noexcept {
    Implementation* const queue = Implementation::usable(implementation_);
    if (queue == nullptr) {
        return Cancellation::too_late;
    }
    const queue::Entry entry{queue->owner, "Queue::cancel"};
    queue::Record* const record = queue->pool.find(operation);
    return record != nullptr ? queue->cancel(*record) : Cancellation::too_late;
}

Queue::Left Queue::close(std::chrono::steady_clock::time_point deadline) {
    if (Implementation::usable(implementation_) == nullptr) {
        return {};
    }
    const queue::Entry entry{implementation_->owner, "Queue::close"};
    const std::size_t untold = implementation_->untold;
    const Left left = implementation_->run_down(deadline);
    implementation_->untold = untold; // the pass around this one has not counted these
    implementation_->rethrow();
    return left;
}

int Queue::event_fd() const {
    const int fd =
        Implementation::expect_usable(implementation_, "Queue::event_fd").engine.loop_fd();
    if (fd < 0) {
        detail::throw_error(std::make_error_code(std::errc::invalid_argument),
                            "Queue::event_fd: Options::use_event_fd was not set");
    }
    return fd;
}

std::size_t Queue::outstanding() const noexcept {
    const Implementation* const queue = Implementation::usable(implementation_);
    return queue != nullptr ? static_cast<std::size_t>(queue->read_counts().outstanding) : 0;
}

std::size_t Queue::quarantined() const noexcept {
    const Implementation* const queue = Implementation::usable(implementation_);
    return queue != nullptr ? static_cast<std::size_t>(queue->quarantined.read()) : 0;
}

unsigned Queue::depth() const noexcept {
    const Implementation* const queue = Implementation::usable(implementation_);
    return queue != nullptr ? queue->engine.depth() : 0;
}

unsigned Queue::depth_within(std::uint64_t share) noexcept {
    return engine::LazyContext::depth_within(share);
}

bool Queue::uses_kernel_aio() noexcept {
    Implementation* const queue = Implementation::usable(implementation_);
    if (queue == nullptr) {
        return false;
    }
    const queue::Entry entry{queue->owner, "Queue::uses_kernel_aio"};
    return queue->engine.uses_kernel_aio();
}

/// Of where operations are for their users. By any thread.
QueueStatistics Queue::Implementation::read_counts() const noexcept {
    constexpr int most_tries = 100;
    QueueStatistics now;
    for (int tries = 0; tries < most_tries; ++tries) {
        // In this order never more have ended than were started, while another thread goes on.
        now.completed = completed.read();
        now.cancelled = cancelled.read();
        now.timed_out = timed_out.read();
        now.started = started.read();
        now.outstanding = now.started - now.completed - now.cancelled - now.timed_out;
        if (completed.read() == now.completed && cancelled.read() == now.cancelled &&
            timed_out.read() == now.timed_out) {
            break; // so many were outstanding then
        }
    }
    return now;
}

void Queue::read_statistics(QueueStatistics* out, std::size_t size) const noexcept {
    QueueStatistics now;
    if (Implementation::usable(implementation_) == nullptr) {
        std::memcpy(static_cast<void*>(out), &now, std::min(size, sizeof(now)));
        return;
    }
    const Implementation& queue = *implementation_;
    const engine::Statistics& counted = queue.engine.statistics();
    now = queue.read_counts();
    now.in_flight = queue.engine.in_kernel();
    now.backlog = queue.engine.backlog();
    now.quarantined = queue.quarantined.read();
    now.submit_calls = counted.submit_calls;
    now.nowait_tries = counted.nowait_tries;
    now.nowait_refused = counted.nowait_refused;
    now.offloaded = counted.offloaded;
    now.continued = counted.continued;
    now.polled = counted.polled;
    now.blocking_submits = counted.blocking_submits;
    std::copy(counted.submit_time.begin(), counted.submit_time.end(), now.submit_time.begin());
    now.kernel_aio = queue.engine.uses_slots();
    now.copied = queue.copies.used();
    now.waited_for_slots = counted.backlogged;
    now.waited_for_workers = queue.engine.worker_waits();
    now.waited_for_buffers = queue.waited_for_buffers;
    std::memcpy(static_cast<void*>(out), &now, std::min(size, sizeof(now)));
}

AIOXX_NAMESPACE_END
