// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/queue/caught_exception.hpp>
#include <aioxx/task/task.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// What the parts of one when_all() or when_any() have in common. It counts down to the waiter.
struct Gathering {
    static constexpr std::size_t none = ~std::size_t{0};

    std::coroutine_handle<> waiter;
    TaskNode* task = nullptr; // that the waiter is part of
    // Those that have begun and not ended. One more while they are begun, so that none resumes the
    // waiter meanwhile.
    std::size_t left = 1;
    std::exception_ptr failure; // the first
    // Of a when_any(): ends the others, where the first has ended, and which that is.
    void (*give_up_others)(Gathering&) noexcept = nullptr;
    std::size_t first = none;
    std::stop_token losing; // asked to stop then

    [[nodiscard]] bool is_decided() const noexcept { return first != none; }
    void fail(std::exception_ptr caught) noexcept {
        if (!failure && !is_decided()) {
            failure = std::move(caught);
        }
    }
    /// The part at `place` has ended. Gives what is to be resumed.
    [[nodiscard]] std::coroutine_handle<> ended(std::size_t place) noexcept {
        if (give_up_others != nullptr && !is_decided()) {
            first = place;
            give_up_others(*this);
        }
        return --left == 0 ? waiter : std::noop_coroutine();
    }
};

/// The coroutine in which a task is awaited as a part.
struct TaskFrame {
    struct promise_type {
        Gathering* gathering = nullptr;
        std::size_t place = 0;

        [[nodiscard]] TaskNode* task_node() const noexcept { return gathering->task; }
        TaskFrame get_return_object() noexcept {
            return TaskFrame{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept {
            struct Awaiter {
                bool await_ready() noexcept { return false; }
                std::coroutine_handle<>
                await_suspend(std::coroutine_handle<promise_type> self) noexcept {
                    return self.promise().gathering->ended(self.promise().place);
                }
                void await_resume() noexcept {}
            };
            return Awaiter{};
        }
        void return_void() noexcept {}
        void unhandled_exception() { gathering->fail(caught_exception()); }
    };

    TaskFrame() noexcept = default;
    explicit TaskFrame(std::coroutine_handle<promise_type> handle) noexcept : frame(handle) {}
    TaskFrame(TaskFrame&& other) noexcept : frame(std::exchange(other.frame, nullptr)) {}
    TaskFrame& operator=(TaskFrame&& other) noexcept {
        std::swap(frame, other.frame);
        return *this;
    }
    ~TaskFrame() {
        if (frame) {
            frame.destroy();
        }
    }

    std::coroutine_handle<promise_type> frame;
};

template <typename T>
TaskFrame await_part(Task<T> task, std::optional<Kept<T>>& result) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        result.emplace();
    } else {
        result.emplace(co_await std::move(task));
    }
}

/// A task, awaited beside others. It is never given up by its when_any(): a token asks it to stop.
template <typename T>
class TaskPart {
public:
    using Value = Kept<T>;

    explicit TaskPart(Task<T>& task) noexcept : task_(&task) {}
    TaskPart(const TaskPart&) = delete;
    TaskPart& operator=(const TaskPart&) = delete;

    void begin(Gathering& gathering, std::size_t place) {
        begin(gathering, place, [this] { return std::move(*task_); });
    }
    static bool give_up() noexcept { return false; }
    /// Once, of one that has ended well.
    Value take() { return std::move(*value_); }

protected:
    TaskPart() noexcept = default;

    /// `make()` gives the task.
    template <typename Make>
    void begin(Gathering& gathering, std::size_t place, Make make) {
        try {
            frame_ = await_part<T>(make(), value_);
        } catch (...) { // no memory
            gathering.fail(caught_exception());
            static_cast<void>(gathering.ended(place)); // not the last: others are to begin
            return;
        }
        frame_.frame.promise().gathering = &gathering;
        frame_.frame.promise().place = place;
        frame_.frame.resume();
    }

private:
    Task<T>* task_ = nullptr;
    std::optional<Value> value_;
    TaskFrame frame_; // gone first
};

template <typename Made>
struct TaskOf {
    using Part = void;
};
template <typename T>
struct TaskOf<Task<T>> {
    using Part = TaskPart<T>;
};

/// A task that a callable makes when it begins, of the token that stops it when it loses.
template <typename Call>
class CallPart : public TaskOf<std::invoke_result_t<Call&, std::stop_token>>::Part {
    using Base = typename TaskOf<std::invoke_result_t<Call&, std::stop_token>>::Part;

public:
    explicit CallPart(Call& call) noexcept : call_(&call) {}

    void begin(Gathering& gathering, std::size_t place) {
        Base::begin(gathering, place, [&] { return (*call_)(gathering.losing); });
    }

private:
    Call* call_;
};

/// An operation, awaited beside others. It has no frame: the waiter's is its place, and where that
/// is destroyed it is given up.
template <typename Waited>
class OperationPart {
    using Awaiter = decltype(std::declval<Waited>().operator co_await());
    using Result = decltype(std::declval<Awaiter&>().await_resume());

public:
    using Value = Kept<Result>;

    explicit OperationPart(Waited& operation) noexcept
        : awaiter_(std::move(operation).operator co_await()) {}
    OperationPart(const OperationPart&) = delete;
    OperationPart& operator=(const OperationPart&) = delete;

    void begin(Gathering& gathering, std::size_t place) {
        if (gathering.give_up_others != nullptr) {
            awaiter_.prepare_giving_up();
        }
        try {
            const int error =
                awaiter_.begin([this, &gathering, place] { end(gathering, place).resume(); });
            if (error == 0 || awaiter_.stays_refused(error, gathering.task)) {
                return;
            }
        } catch (...) { // refused
            gathering.fail(caught_exception());
        }
        static_cast<void>(gathering.ended(place)); // not the last: others are to begin
    }
    /// False when it is not under way.
    bool give_up() noexcept { return awaiter_.give_up(); }
    Value take() {
        if constexpr (std::is_void_v<Result>) {
            return {};
        } else {
            return awaiter_.await_resume();
        }
    }

private:
    std::coroutine_handle<> end(Gathering& gathering, std::size_t place) {
        if (awaiter_.has_failed()) {
            try {
                static_cast<void>(awaiter_.await_resume());
            } catch (...) {
                gathering.fail(caught_exception());
            }
        }
        return gathering.ended(place);
    }

    Awaiter awaiter_;
};

/// As what part something is awaited beside others.
template <typename Waited>
struct PartFor {
    using Type = void; // of nothing that the library knows
};
template <typename T>
struct PartFor<Task<T>> {
    using Type = TaskPart<T>;
};
template <typename Result, OperationKind kind>
struct PartFor<Operation<Result, kind>> {
    using Type = OperationPart<Operation<Result, kind>>;
};
template <typename Result, OperationKind kind>
struct PartFor<StoppableOperation<Result, kind>> {
    using Type = OperationPart<StoppableOperation<Result, kind>>;
};
template <typename Waited>
using PartOf = typename PartFor<Waited>::Type;

template <typename Waited>
concept TaskOrOperation = !std::is_void_v<PartOf<Waited>>;

/// What a part gives: nothing for void, which is refused by a sentence.
template <typename Part>
struct ValueOfPart {
    using Type = typename Part::Value;
};
template <>
struct ValueOfPart<void> {
    using Type = std::tuple<>;
};
template <typename Waited>
using ValueOf = typename ValueOfPart<PartOf<Waited>>::Type;

/// False, with a sentence, for an operation that has a name.
template <typename Given>
constexpr bool expect_moved() {
    if constexpr (std::is_lvalue_reference_v<Given> || std::is_const_v<Given>) {
        asks_for_move<Given>();
        return false;
    } else {
        return true;
    }
}

template <typename... Part, typename Function>
void for_each_part(std::tuple<Part...>& parts, Function function) {
    std::apply([&](Part&... part) { (function(part), ...); }, parts);
}
template <typename Part, typename Function>
void for_each_part(std::vector<Part>& parts, Function function) {
    for (Part& part : parts) {
        function(part);
    }
}

/// The wait for parts that have been gathered: an object beside it, as g++ 12 copies awaiters.
template <typename Gathered>
struct PartsAwaiter {
    Gathered& gathered;

    bool await_ready() noexcept { return false; }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        gathered.waiter = waiter;
        gathered.task = task_of(waiter);
        gathered.begin();
        return --gathered.left != 0;
    }
    void await_resume() {
        if (gathered.failure) {
            std::rethrow_exception(gathered.failure);
        }
    }
};

template <typename Gathered>
inline constexpr bool is_known_awaitable<PartsAwaiter<Gathered>> = true;

} // namespace detail
AIOXX_NAMESPACE_END
