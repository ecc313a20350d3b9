// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Tasks that were started, and what leaves them and callbacks as an exception.

#include "queue/implementation.hpp"

#include <new>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace {

bool says_cancelled(const std::exception_ptr& failure) noexcept {
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error& error) {
        return error.code() == std::errc::operation_canceled;
    } catch (...) {
        return false;
    }
}

} // namespace

void Queue::Implementation::add_task(detail::TaskNode& task) noexcept {
    detail::TaskNode*& list = task.parked ? parked_tasks : tasks;
    task.next = list;
    task.previous = nullptr;
    if (list != nullptr) {
        list->previous = &task;
    }
    list = &task;
}

void Queue::Implementation::remove_task(detail::TaskNode& task) noexcept {
    detail::TaskNode*& list = task.parked ? parked_tasks : tasks;
    (task.previous != nullptr ? task.previous->next : list) = task.next;
    if (task.next != nullptr) {
        task.next->previous = task.previous;
    }
}

/// Their destructors may end others of the list; they begin none, as the queue closes.
void Queue::Implementation::destroy_tasks(detail::TaskNode*& list) noexcept {
    while (list != nullptr) {
        detail::TaskNode& task = *list;
        remove_task(task);
        task.frame.destroy();
    }
}

/// Where the queue closes, being cancelled is no news. Without memory it is lost.
void Queue::Implementation::keep(std::exception_ptr failure) noexcept {
    if (closing && says_cancelled(failure)) {
        return;
    }
    try {
        failures.push_back(std::move(failure));
    } catch (const std::bad_alloc&) {
    }
}

/// The first; there has to be one.
std::exception_ptr Queue::Implementation::take_failure() noexcept {
    std::exception_ptr first = std::move(failures.front());
    failures.pop_front();
    return first;
}

void Queue::begin_task(detail::TaskNode& task) {
    Implementation& queue = *implementation_;
    if (queue.closing) {
        task.frame.destroy();
        return;
    }
    queue.add_task(task);
    ++queue.delivering;
    task.frame.resume(); // which may end it
    if (--queue.delivering == 0) {
        queue.engine.flush();
        queue.signal_if_ready();
    }
}

void Queue::end_task(detail::TaskNode& task) noexcept {
    implementation_->remove_task(task);
}

void Queue::park_task(detail::TaskNode& task) noexcept {
    implementation_->remove_task(task);
    task.parked = true;
    implementation_->add_task(task);
}

void Queue::task_failed(std::exception_ptr failure) noexcept {
    implementation_->keep(std::move(failure));
}

AIOXX_NAMESPACE_END
