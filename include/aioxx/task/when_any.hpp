// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/task/part.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

AIOXX_NAMESPACE_BEGIN

/// Which of several has ended first, and what it gave.
///
///     auto [which, bytes] = co_await aioxx::when_any(
///         queue.read(one, a, 0), queue.read(other, b, 0));
template <typename T>
struct Winner {
    std::size_t index = 0; ///< By the order of the arguments, or of the vector.
    T value;               ///< A std::variant where not all give the same type.
};

namespace detail {

/// Of an operation, or of a callable that makes a task of a stop token; void of anything else.
template <typename Waited>
struct RacingFor {
    using Type = PartOf<Waited>;
};
template <typename T>
struct RacingFor<Task<T>> {
    using Type = void; // which nothing could stop
};
template <typename Call>
requires(!std::is_void_v<typename TaskOf<
             std::invoke_result_t<Call&, std::stop_token>>::Part>) struct RacingFor<Call> {
    using Type = CallPart<Call>;
};
template <typename Waited>
using RacingPart = typename RacingFor<Waited>::Type;

template <typename Waited>
concept CanLose = !std::is_void_v<RacingPart<Waited>>;

template <typename Waited>
using RacingValue = typename ValueOfPart<RacingPart<Waited>>::Type;

/// Of all: one type where they are the same.
template <typename First, typename... Others>
inline constexpr bool all_same = (std::is_same_v<First, Others> && ...);
template <typename... Value>
using AnyValue =
    typename std::conditional_t<all_same<Value...>, std::tuple_element<0, std::tuple<Value...>>,
                                std::type_identity<std::variant<Value...>>>::type;

/// Begins the parts, one after the other until one has ended. When the first has, it gives up the
/// others, and resumes when those have ended that have to be waited for.
template <typename Parts>
class AnyOf : public Gathering {
public:
    /// `calls`: some of them are tasks. Throws std::bad_alloc then.
    AnyOf(Parts& parts, bool calls)
        : parts_(parts), losers_(calls ? std::stop_source{} : std::stop_source{std::nostopstate}) {
        losing = losers_.get_token();
        give_up_others = [](Gathering& self) noexcept { static_cast<AnyOf&>(self).give_up(); };
    }
    AnyOf(const AnyOf&) = delete;
    AnyOf& operator=(const AnyOf&) = delete;

    void begin() {
        std::size_t place = 0;
        for_each_part(parts_, [this, &place](auto& part) {
            if (!is_decided()) {
                ++left;
                part.begin(*this, place++);
            }
        });
    }

private:
    void give_up() noexcept {
        ++left; // those that are asked to stop may end in here
        for_each_part(parts_, [this](auto& part) { left -= part.give_up() ? 1U : 0U; });
        losers_.request_stop();
        --left;
    }

    Parts& parts_;
    std::stop_source losers_;
};

/// What the part at `place` gives.
template <typename Value, typename... Part>
Value take_from(std::tuple<Part...>& parts, std::size_t place) {
    std::optional<Value> value;
    [&]<std::size_t... i>(std::index_sequence<i...>) {
        const auto take = [&]<std::size_t at>(std::integral_constant<std::size_t, at>) {
            if constexpr (all_same<typename Part::Value...>) {
                value.emplace(std::get<at>(parts).take());
            } else {
                value.emplace(std::in_place_index<at>, std::get<at>(parts).take());
            }
        };
        static_cast<void>(
            ((i == place && (take(std::integral_constant<std::size_t, i>{}), true)) || ...));
    }
    (std::index_sequence_for<Part...>{});
    return std::move(*value);
}

template <typename... Waited>
Task<Winner<AnyValue<RacingValue<Waited>...>>> any_of(Waited... waited) {
    using Parts = std::tuple<RacingPart<Waited>...>;
    Parts parts{waited...};
    AnyOf<Parts> any{parts, !(TaskOrOperation<Waited> && ...)};
    co_await PartsAwaiter<AnyOf<Parts>>{any};
    co_return {any.first, take_from<AnyValue<RacingValue<Waited>...>>(parts, any.first)};
}

template <typename Waited>
Task<Winner<RacingValue<Waited>>> any_of_many(std::vector<Waited> waited) {
    using Parts = std::vector<RacingPart<Waited>>;
    if (waited.empty()) {
        throw std::logic_error{"aioxx::when_any: there is nothing to wait for"};
    }
    Parts parts(waited.begin(), waited.end());
    AnyOf<Parts> any{parts, !TaskOrOperation<Waited>};
    co_await PartsAwaiter<AnyOf<Parts>>{any};
    co_return {any.first, parts[any.first].take()};
}

/// False, with a sentence, for what cannot lose.
template <typename Given>
constexpr bool expect_loser() {
    using Plain = std::remove_cvref_t<Given>;
    if constexpr (!CanLose<Plain>) {
        static_assert(never<Given>,
                      "when_any takes operations, and for a task a callable that takes a "
                      "std::stop_token and gives the task: by that token the loser is stopped");
        return false;
    } else if constexpr (TaskOrOperation<Plain>) {
        return expect_moved<Given>();
    } else {
        return true; // a callable is copied
    }
}

} // namespace detail

/// Begins operations and tasks side by side, ends with the first that ends, and gives up the
/// others. Gives which it is, and its value: a std::variant where not all give the same type, and
/// an empty std::tuple for what gives nothing.
///
///     auto [which, block] = co_await aioxx::when_any(
///         queue.read(one, std::move(first), 0),
///         queue.read(other, std::move(second), 0));
///
/// A task is made by a callable, of a token: `[&](std::stop_token stop) { return load(queue, stop);
/// }`. When it has lost the token is asked to stop, and the task is waited for. The callable is
/// kept until then, so a coroutine may use its captures.
///
/// **What loses.** An operation is given up, at once: doc/queue.md, Giving up. Borrowed memory is
/// free when when_any() has ended, as it is copied (Queue::Options::copy_limit). A buffer that was
/// moved in is gone, and a write may still reach the file. Where several have ended at once, the
/// first that is told wins, and what the others have read is lost: of streams await poll().
///
/// Errors: an end is an end, also by a failure or a refusal: that is thrown, when the others have
/// been given up. `completion()` of an operation gives it as data. Those that come behind one that
/// is refused, or a task that ends at once, do not begin.
///
/// Ownership: of what it is given. Where the coroutine that awaits it is destroyed, all that is
/// under way is given up, as by an awaiter.
template <typename... Waited>
requires(sizeof...(Waited) > 0)
    Task<Winner<detail::AnyValue<detail::RacingValue<std::remove_cvref_t<Waited>>...>>> when_any(
        Waited&&... waited) {
    if constexpr ((detail::expect_loser<Waited>() && ...)) {
        return detail::any_of<std::remove_cvref_t<Waited>...>(std::forward<Waited>(waited)...);
    }
}

/// The same for any number of operations, or of callables, of one kind. std::logic_error for none.
template <typename Waited>
Task<Winner<detail::RacingValue<Waited>>> when_any(std::vector<Waited>&& waited) {
    if constexpr (detail::expect_loser<Waited>()) {
        return detail::any_of_many(std::move(waited));
    }
}
template <typename Waited>
Task<Winner<detail::RacingValue<Waited>>> when_any(std::vector<Waited>& /*waited*/) {
    detail::asks_for_move<Waited>();
}
template <typename Waited>
Task<Winner<detail::RacingValue<Waited>>> when_any(const std::vector<Waited>& /*waited*/) {
    detail::asks_for_move<Waited>();
}

AIOXX_NAMESPACE_END
