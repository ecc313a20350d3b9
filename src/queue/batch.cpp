// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/queue/batch.hpp>

#include "queue/implementation.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace {

[[noreturn]] void misused(const char* how) {
    throw std::logic_error{how};
}

} // namespace

Batch::~Batch() {
    for (const OperationId id : ids_) {
        if (id != OperationId{}) {
            queue_->forget(id);
        }
    }
}

void Batch::reserve(std::size_t operations) {
    requests_.reserve(operations);
    results_.reserve(operations);
    ids_.reserve(operations);
}

void Batch::add(const Queue& queue, detail::Request& request) {
    if (begun_) {
        misused("aioxx::Batch: it has begun: clear() it first");
    }
    if (&queue != queue_) {
        misused("aioxx::Batch: the operation is another queue's");
    }
    if (request.begun) {
        misused("aioxx::Batch: the operation has begun already, or has been moved from");
    }
    if (requests_.size() == requests_.capacity()) {
        reserve(
            std::max<std::size_t>(8, 2 * requests_.size())); // each may throw, and changes nothing
    }
    requests_.push_back(std::move(request));
    request.begun = true; // NOLINT(bugprone-use-after-move): what is left
    results_.emplace_back();
    ids_.emplace_back();
}

void Batch::clear() {
    if (left_ > 0) {
        misused("aioxx::Batch: operations are under way");
    }
    requests_.clear();
    results_.clear();
    ids_.clear();
    begun_ = false;
    closed_ = false;
}

void Batch::start_with(std::unique_ptr<detail::Handler> callback) {
    if (begun_) {
        misused("aioxx::Batch: it has begun already");
    }
    start_all();
    if (left_ > 0) {
        callback_ = std::move(callback);
    } else if (callback != nullptr) {
        queue_->post_handler(std::move(callback));
    }
}

/// As in a callback, at whose end there is one pass for all that it has started.
void Batch::start_all() noexcept {
    begun_ = true;
    Queue::Implementation* const queue = Queue::Implementation::usable(queue_->implementation_);
    if (queue != nullptr) {
        queue->read_clock();
        ++queue->delivering;
    }
    for (std::size_t place = 0; place < requests_.size(); ++place) {
        start_one(place);
    }
    if (queue != nullptr && --queue->delivering == 0) {
        queue->engine.flush();
        queue->signal_if_ready();
    }
}

void Batch::start_one(std::size_t place) noexcept {
    detail::Request& request = requests_[place];
    int error = 0;
    detail::Handler* handler = nullptr;
    try {
        handler = queue_->prepare(request, error);
    } catch (...) { // no memory, or more than any memory
        error = ENOMEM;
    }
    if (handler == nullptr) {
        closed_ = closed_ || error == ECANCELED;
        results_[place] = Completion{-error, 0, 0, false, std::move(request.buffer)};
        return;
    }
    handler->emplace([this, place](Completion& completion) { ended(place, completion); });
    ++left_;
    ids_[place] = queue_->launch(*handler);
}

void Batch::ended(std::size_t place, Completion& completion) {
    ids_[place] = {};
    results_[place] = std::move(completion);
    if (--left_ > 0) {
        return;
    }
    const std::unique_ptr<detail::Handler> callback = std::move(callback_);
    if (const std::coroutine_handle<> waiter = std::exchange(waiter_, nullptr)) {
        waiter.resume(); // this may be gone then
    }
    if (callback != nullptr) {
        Completion none;
        callback->invoke(none);
    }
}

void Batch::wait() {
    queue_->expect_to_wait();
    if (!begun_) {
        start_all();
    }
    while (left_ > 0) {
        queue_->step(left_);
    }
}

AIOXX_NAMESPACE_END
