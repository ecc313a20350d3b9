// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

namespace aioxx::test {

/// A coroutine that is none of the library's.
class Foreign {
public:
    struct promise_type {
        Foreign get_return_object() noexcept {
            return Foreign{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };

    explicit Foreign(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    Foreign(Foreign&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Foreign& operator=(Foreign&&) = delete;
    ~Foreign() {
        if (frame_) {
            frame_.destroy();
        }
    }

private:
    std::coroutine_handle<promise_type> frame_;
};

} // namespace aioxx::test
