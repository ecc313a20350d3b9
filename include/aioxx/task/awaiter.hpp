// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>
#include <aioxx/queue/batch.hpp>
#include <aioxx/queue/queue.hpp>

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <system_error>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN

namespace detail {

template <typename Memory>
TransferOf<Memory> moved_back(Completion& completion, const TransferOf<Memory>* /*of*/) {
    return {completion.bytes(), completion.end_of_file(), completion.take_memory<Memory>()};
}

/// What `co_await` makes of a Completion without an error.
template <typename Result>
Result result_of(Completion& completion) {
    if constexpr (std::is_same_v<Result, Completion>) {
        return std::move(completion);
    } else {
        if constexpr (std::is_same_v<Result, Transfer>) {
            return {completion.bytes(), completion.end_of_file(), completion.take_buffer()};
        } else if constexpr (requires(const Result* of) { moved_back(completion, of); }) {
            return moved_back(completion, static_cast<const Result*>(nullptr));
        } else if constexpr (std::is_same_v<Result, AlignedBuffer>) {
            return completion.take_buffer();
        } else if constexpr (std::is_same_v<Result, File>) {
            return completion.take_file();
        } else if constexpr (!std::is_void_v<Result>) {
            return static_cast<Result>(completion.result());
        }
    }
}

/// The started task that a coroutine is part of; null for a coroutine that is none of ours.
template <typename Promise>
TaskNode* task_of(std::coroutine_handle<Promise> coroutine) noexcept {
    if constexpr (requires { coroutine.promise().task_node(); }) {
        return coroutine.promise().task_node();
    } else {
        return nullptr;
    }
}

template <typename Waited>
class OperationPart;

} // namespace detail

/// A coroutine's wait for one operation. Lives in the coroutine's frame, and so does the Operation
/// that it is of.
template <typename Result>
class OperationAwaiter {
    template <typename>
    friend class detail::OperationPart;

public:
    /// `request` stays the Operation's, also where the queue refuses it.
    OperationAwaiter(Queue& queue, detail::Request& request) noexcept
        : queue_(&queue), request_(&request) {}
    /// Of one that still waits: a coroutine that is destroyed. The operation is given up, and where
    /// the kernel holds memory that is borrowed it is waited for.
    ~OperationAwaiter() {
        if (id_ != OperationId{}) [[unlikely]] {
            queue_->forget(id_);
        }
    }
    OperationAwaiter(const OperationAwaiter&) = delete;
    OperationAwaiter& operator=(const OperationAwaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    /// False, and no suspension, when the operation cannot begin.
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        const int error = begin([waiter] { waiter.resume(); });
        return error == 0 || stays_refused(error, detail::task_of(waiter));
    }

    Result await_resume() {
        if constexpr (!std::is_same_v<Result, Completion>) {
            if (completion_.result() < 0) [[unlikely]] {
                if (request_->kind == engine::Kind::open) {
                    request_->buffer = completion_.take_buffer(); // its path, unless given up
                }
                Queue::throw_failed(*request_, file_, static_cast<int>(-completion_.result()));
            }
        }
        return detail::result_of<Result>(completion_);
    }

protected:
    [[nodiscard]] Queue& queue() const noexcept { return *queue_; }

    [[nodiscard]] OperationId id() const noexcept { return id_; }

    /// 0, or an errno where it is refused. `told()` is called when it has ended, and may destroy
    /// this.
    template <typename Told>
    int begin(Told told) {
        if constexpr (!std::is_same_v<Result, Completion>) {
            if (request_->file != nullptr) {
                file_.take(*request_->file);
            }
        }
        int error = 0;
        detail::Handler* const handler = queue_->prepare(*request_, error);
        if (handler == nullptr) [[unlikely]] {
            return error;
        }
        id_ = queue_->begin(*handler, *request_, [this, told](Completion& completion) {
            id_ = {};
            std::destroy_at(&completion_); // cheaper than to assign
            std::construct_at(&completion_, std::move(completion));
            told();
        });
        return 0;
    }

    /// Where nothing has begun: whether the waiter stays suspended. A task whose queue has been
    /// closed does, and goes with the queue: if it were told, it could ask again for ever.
    bool stays_refused(int error, detail::TaskNode* task) {
        if (error == ECANCELED && task != nullptr && task->queue == queue_) {
            queue_->park_task(*task);
            return true;
        }
        if constexpr (std::is_same_v<Result, Completion>) {
            request_->begun |= request_->buffer.data() != nullptr; // which is the Completion's now
            completion_ = Completion{-error, 0, 0, false, std::move(request_->buffer)};
        } else {
            Queue::throw_refused(*request_, error);
        }
        return false;
    }

    /// Whether await_resume() throws.
    [[nodiscard]] bool has_failed() const noexcept {
        return !std::is_same_v<Result, Completion> && completion_.result() < 0;
    }
    /// Before it begins: it will not be waited for where it is given up, so that it works on a copy
    /// of memory that is borrowed.
    void prepare_giving_up() noexcept { request_->can_be_given_up = true; }
    /// False when it is not under way.
    bool give_up() noexcept {
        const bool waits = id_ != OperationId{};
        if (waits) {
            queue_->forget(std::exchange(id_, {}));
        }
        return waits;
    }

private:
    Queue* queue_;
    detail::Request* request_;
    detail::StartedFile file_;
    OperationId id_; // while it waits
    Completion completion_;
};

/// The same, listening to a stop token meanwhile.
template <typename Result>
class StoppableAwaiter : private OperationAwaiter<Result> {
    template <typename>
    friend class detail::OperationPart;
    using Base = OperationAwaiter<Result>;

public:
    StoppableAwaiter(Queue& queue, detail::Request& request, std::stop_token token) noexcept
        : Base(queue, request), token_(std::move(token)) {}

    using Base::await_ready;

    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        const int error = begin([waiter] { waiter.resume(); });
        return error == 0 || Base::stays_refused(error, detail::task_of(waiter));
    }

    using Base::await_resume;

private:
    template <typename Told>
    int begin(Told told) {
        const int error = Base::begin([this, told] {
            stop_.reset(); // waits for a callback that runs on another thread
            told();
        });
        if (error == 0 && token_.stop_possible()) {
            stop_.emplace(std::move(token_), Cancel{&(Base::queue()), Base::id()});
        }
        return error;
    }
    bool give_up() noexcept {
        stop_.reset();
        return Base::give_up();
    }

    struct Cancel {
        Queue* queue;
        OperationId id;
        void operator()() const noexcept { queue->request_cancel(id); }
    };

    std::stop_token token_;
    std::optional<std::stop_callback<Cancel>> stop_;
};

/// A coroutine's wait for a Batch. Lives in the coroutine's frame.
class BatchAwaiter {
public:
    explicit BatchAwaiter(Batch& batch) noexcept : batch_(&batch) {}
    /// Of one that still waits: a coroutine that is destroyed. The batch goes on.
    ~BatchAwaiter() {
        if (waits_) [[unlikely]] {
            batch_->waiter_ = nullptr;
        }
    }
    BatchAwaiter(const BatchAwaiter&) = delete;
    BatchAwaiter& operator=(const BatchAwaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return batch_->is_done(); }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        if (batch_->waiter_ != nullptr) {
            throw std::logic_error{"aioxx::Batch: another task awaits it already"};
        }
        if (!batch_->begun_) {
            batch_->start_all();
        }
        detail::TaskNode* const task = detail::task_of(waiter);
        if (batch_->closed_ && task != nullptr && task->queue == batch_->queue_) {
            task->queue->park_task(*task); // as with an Operation
            return true;
        }
        waits_ = batch_->left_ > 0;
        batch_->waiter_ = waits_ ? std::coroutine_handle<>{waiter} : nullptr;
        return waits_;
    }
    void await_resume() noexcept { waits_ = false; }

private:
    Batch* batch_;
    bool waits_ = false;
};

inline BatchAwaiter Batch::operator co_await() noexcept {
    return BatchAwaiter{*this};
}

template <typename Result, OperationKind kind>
OperationAwaiter<Result> Operation<Result, kind>::operator co_await() && noexcept {
    return {this->queue(), this->request()};
}

template <typename Result, OperationKind kind>
StoppableAwaiter<Result> StoppableOperation<Result, kind>::operator co_await() && noexcept {
    return {this->queue(), this->request(), std::move(token_)};
}

AIOXX_NAMESPACE_END
