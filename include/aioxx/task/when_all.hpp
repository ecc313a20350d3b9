// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/task/part.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// Begins all parts, and ends with the last.
template <typename Parts>
struct AllOf : Gathering {
    Parts& parts;

    explicit AllOf(Parts& gathered) noexcept : parts(gathered) {}

    void begin() {
        for_each_part(parts, [this](auto& part) {
            ++left;
            part.begin(*this, 0);
        });
    }
};

template <typename... Waited>
Task<std::tuple<ValueOf<Waited>...>> all_of(Waited... waited) {
    using All = AllOf<std::tuple<PartOf<Waited>...>>;
    std::tuple<PartOf<Waited>...> parts{waited...};
    All all{parts};
    co_await PartsAwaiter<All>{all};
    co_return std::apply(
        [](auto&... part) { return std::tuple<ValueOf<Waited>...>(part.take()...); }, parts);
}

template <typename Waited>
using AllOfMany = std::conditional_t<std::is_same_v<ValueOf<Waited>, std::tuple<>>, void,
                                     std::vector<ValueOf<Waited>>>;

template <typename Waited>
Task<AllOfMany<Waited>> all_of_many(std::vector<Waited> waited) {
    std::vector<PartOf<Waited>> parts(waited.begin(), waited.end());
    using All = AllOf<std::vector<PartOf<Waited>>>;
    All all{parts};
    co_await PartsAwaiter<All>{all};
    if constexpr (!std::is_void_v<AllOfMany<Waited>>) {
        AllOfMany<Waited> values;
        values.reserve(parts.size());
        for (PartOf<Waited>& part : parts) {
            values.push_back(part.take());
        }
        co_return values;
    }
}

/// False, with a sentence, for what is not to be awaited beside others.
template <typename Given>
constexpr bool expect_waitable() {
    if constexpr (!TaskOrOperation<std::remove_cvref_t<Given>>) {
        static_assert(never<Given>, "this awaits tasks and operations: of whatever else can be "
                                    "awaited make a Task that awaits it");
        return false;
    } else {
        return expect_moved<Given>();
    }
}

} // namespace detail

/// Begins tasks and operations side by side, and ends when all have. Gives the results in the order
/// of the arguments: what each gives by itself where it is awaited, and an empty std::tuple for
/// what gives nothing, a std::reference_wrapper for a Task<T&>.
///
///     auto [block, bytes] =
///         co_await aioxx::when_all(load(queue, index), queue.read(...));
///
/// Errors: it ends when all have, also when some fail or are refused; nothing is given up. The
/// first failure is thrown then, and the other results are dropped. `completion()` of an operation
/// gives its failure as data.
///
/// Ownership: of what it is given, from here on. Operations have no frame of their own. Where the
/// coroutine that awaits it is destroyed, all that is under way is given up, as by an awaiter.
template <typename... Waited>
Task<std::tuple<detail::ValueOf<std::remove_cvref_t<Waited>>...>> when_all(Waited&&... waited) {
    if constexpr ((detail::expect_waitable<Waited>() && ...)) {
        return detail::all_of(std::move(waited)...);
    }
}

/// The same for any number of tasks, or of operations, of one kind: gives a std::vector, or nothing
/// where each gives nothing.
template <typename Waited>
Task<detail::AllOfMany<Waited>> when_all(std::vector<Waited>&& waited) {
    if constexpr (detail::expect_waitable<Waited>()) {
        return detail::all_of_many(std::move(waited));
    }
}
template <typename Waited>
Task<detail::AllOfMany<Waited>> when_all(std::vector<Waited>& waited) {
    detail::asks_for_move<Waited>();
    return detail::all_of_many(std::move(waited));
}
template <typename Waited>
Task<detail::AllOfMany<Waited>> when_all(const std::vector<Waited>& /*waited*/) {
    detail::asks_for_move<Waited>();
}

AIOXX_NAMESPACE_END
