// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What the library exports of the queue.

#include <aioxx/queue/queue.hpp>

#include "queue/implementation.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

AIOXX_NAMESPACE_BEGIN
namespace {

engine::Engine::Options engine_options(const Queue::Options& chosen) noexcept {
    engine::Engine::Options options;
    options.depth = chosen.depth;
    options.helpers = {chosen.helpers, chosen.helper_idle};
    options.nowait_always = chosen.nowait_always;
    options.time_submits = chosen.time_submits;
    options.event_fd = chosen.use_event_fd;
    return options;
}

} // namespace

Queue::Implementation::Implementation(const Options& chosen, std::error_code& error)
    : options(chosen), engine(engine_options(chosen), error) {}

Queue::Implementation::~Implementation() = default;

void Queue::open(const Options* options, std::size_t size, std::error_code& error) {
    // A program built with an older header passes fewer options: the rest have their defaults.
    Options chosen;
    std::memcpy(static_cast<void*>(&chosen), options, std::min(size, sizeof(chosen)));
    error.clear();
    auto fresh = std::make_unique<Implementation>(chosen, error);
    if (!error) {
        implementation_ = fresh.release();
    }
}

Queue::~Queue() {
    if (implementation_ == nullptr || !implementation_->engine.is_open()) {
        return; // a child's copy: what it refers to is its parent's
    }
    implementation_->run_down(std::nullopt);
    implementation_->abandon();
    // Giving a context back takes 30 ms, and waits for storage that may never answer.
    // The thread inherits the mask, and takes no signal that somebody else holds back.
    Implementation* const rest = implementation_;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    try {
        std::thread([rest] { delete rest; }).detach();
    } catch (const std::system_error&) {
        delete rest;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
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

void Queue::discard(detail::Handler& handler) noexcept {
    auto& record = static_cast<queue::Record&>(handler);
    implementation_->timers.remove(record);
    implementation_->pool.give_back(record);
}

void Queue::run() {
    Implementation& queue = *implementation_;
    queue.rethrow();
    while (!queue.stopped.exchange(false)) {
        const std::size_t delivered = queue.pass();
        queue.rethrow();
        if (delivered == 0) {
            if (!queue.anything_outstanding()) {
                return;
            }
            queue.wait();
        }
    }
}

bool Queue::run_once() {
    Implementation& queue = *implementation_;
    queue.rethrow();
    while (!queue.stopped.exchange(false)) {
        const std::size_t delivered = queue.pass();
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

void Queue::step() {
    Implementation& queue = *implementation_;
    queue.rethrow();
    while (queue.pass() == 0 && queue.failures.empty()) {
        queue.wait(false); // stop() is for run() and run_once(), and must not make this one spin
    }
    queue.rethrow();
}

std::size_t Queue::run_ready() {
    Implementation& queue = *implementation_;
    // A child's copy counts for its parent.
    EventFd* const counter = queue.engine.is_open() ? queue.engine.event_counter() : nullptr;
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
    const std::size_t delivered = queue.pass();
    if (!queue.failures.empty()) {
        const std::exception_ptr first = queue.take_failure();
        queue.signal_if_ready(); // for those behind it
        std::rethrow_exception(first);
    }
    queue.signal_if_ready();
    return delivered;
}

void Queue::stop() noexcept {
    implementation_->stopped.store(true);
    implementation_->engine.wake();
}

void Queue::flush() noexcept {
    implementation_->engine.flush();
}

void Queue::post_handler(std::unique_ptr<detail::Handler> handler) {
    Implementation& queue = *implementation_;
    {
        const std::lock_guard lock{queue.posts_mutex};
        queue.posts.push_back(std::move(handler));
        queue.any_posts.store(true, std::memory_order_release);
    }
    queue.engine.wake();
}

void Queue::request_cancel(OperationId operation) {
    Implementation& queue = *implementation_;
    {
        const std::lock_guard lock{queue.posts_mutex};
        queue.cancel_requests.push_back(operation);
        queue.any_posts.store(true, std::memory_order_release);
    }
    queue.engine.wake();
}

CancelOutcome Queue::cancel(OperationId operation) noexcept {
    queue::Record* const record = implementation_->pool.find(operation);
    return record != nullptr ? implementation_->cancel(*record) : CancelOutcome::too_late;
}

Queue::Left Queue::close(std::chrono::steady_clock::time_point deadline) {
    if (!implementation_->engine.is_open()) {
        return {}; // a child's copy
    }
    const Left left = implementation_->run_down(deadline);
    implementation_->rethrow();
    return left;
}

int Queue::event_fd() const {
    const int fd = implementation_->engine.event_fd();
    if (fd < 0) {
        throw_error(std::make_error_code(std::errc::invalid_argument),
                    "Queue::event_fd: Options::use_event_fd was not set");
    }
    return fd;
}

std::size_t Queue::outstanding() const noexcept {
    return implementation_->outstanding;
}

unsigned Queue::depth() const noexcept {
    return implementation_->engine.depth();
}

void Queue::read_statistics(QueueStatistics* out, std::size_t size) const noexcept {
    const Implementation& queue = *implementation_;
    const engine::Statistics& counted = queue.engine.statistics();
    QueueStatistics now;
    now.started = counted.started;
    now.completed = counted.completed;
    now.cancelled = counted.cancelled;
    now.timed_out = queue.timed_out;
    now.outstanding = queue.outstanding;
    now.in_flight = queue.engine.in_kernel();
    now.backlog = queue.engine.backlog();
    now.quarantined = queue.quarantined;
    now.submit_calls = counted.submit_calls;
    now.nowait_tries = counted.nowait_tries;
    now.nowait_refused = counted.nowait_refused;
    now.offloaded = counted.offloaded;
    now.continued = counted.continued;
    now.polled = counted.polled;
    now.blocking_submits = counted.blocking_submits;
    now.submit_time = counted.submit_time;
    std::memcpy(static_cast<void*>(out), &now, std::min(size, sizeof(now)));
}

AIOXX_NAMESPACE_END
