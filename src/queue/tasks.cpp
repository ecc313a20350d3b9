// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Tasks that were started, and what leaves them and callbacks as an exception.

#include "queue/implementation.hpp"

#include "queue/at_return.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <dlfcn.h>

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

/// But for those that something else than an operation may still resume.
void Queue::Implementation::destroy_parked_tasks() noexcept {
    detail::TaskNode* task = parked_tasks;
    while (task != nullptr) {
        if (task->others > 0) {
            task = task->next;
            continue;
        }
        remove_task(*task);
        task->frame.destroy();
        task = parked_tasks; // destructors may have ended any of them
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
    if (Implementation::usable(implementation_) == nullptr || implementation_->closing) {
        task.frame.destroy();
        Implementation::expect_usable(implementation_, "begin a task");
        return;
    }
    Implementation& queue = *implementation_;
    const queue::Entry entry{queue.owner, "spawn"};
    queue.add_task(task);
    queue.read_clock();
    {
        const queue::Inside inside{queue.delivering};
        task.frame.resume(); // which may end it
    }
    if (queue.delivering == 0 && !queue.is_copy()) {
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

/// A frame begins with the address of the function that resumes it.
void detail::throw_not_begun(const void* frame) {
    const char* code = nullptr;
    std::memcpy(&code, frame, sizeof(code));
    Dl_info where{};
    const bool found = ::dladdr(code, &where) != 0 && where.dli_fname != nullptr;
    std::array<char, 512> text{};
    std::snprintf(text.data(), text.size(),
                  "aioxx::Task: a coroutine was begun, has not ended and awaits nothing "
                  "(%s+0x%zx, for addr2line). g++ 12 drops the body of one that has co_await in a "
                  "condition and no variable: see aioxx/task/task.hpp",
                  found ? where.dli_fname : "",
                  found ? static_cast<std::size_t>(code - static_cast<char*>(where.dli_fbase))
                        : reinterpret_cast<std::size_t>(code));
    throw std::logic_error{text.data()};
}

AIOXX_NAMESPACE_END
