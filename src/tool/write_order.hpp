// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <coroutine>
#include <cstdint>
#include <map>

namespace tool {

/// Lets the tasks of one thread do something in the order of their numbers, from 0 on.
class WriteOrder {
public:
    /// `co_await order.turn(number)`: goes on when all before it have passed.
    auto turn(std::uint64_t number) {
        struct Awaiter {
            WriteOrder& order;
            std::uint64_t number;

            [[nodiscard]] bool await_ready() const noexcept {
                return number == order.next_ || order.ended_;
            }
            void await_suspend(std::coroutine_handle<> waiter) const {
                order.waiting_.emplace(number, waiter);
            }
            void await_resume() const noexcept {}
        };
        return Awaiter{*this, number};
    }

    /// The one whose turn it is has done its part.
    void pass() {
        ++next_;
        if (const auto waiter = waiting_.extract(next_)) {
            waiter.mapped().resume();
        }
    }

    /// No one waits any more: something has failed.
    void end() {
        ended_ = true;
        while (!waiting_.empty()) {
            waiting_.extract(waiting_.begin()).mapped().resume();
        }
    }

private:
    std::uint64_t next_ = 0;
    bool ended_ = false;
    std::map<std::uint64_t, std::coroutine_handle<>> waiting_;
};

} // namespace tool
