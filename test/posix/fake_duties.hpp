// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/attendant.hpp"
#include "posix/critical_section.hpp"
#include "posix/wait.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

namespace aioxx::test {

/// What an attendant does in a test: it calls a function, and sleeps until it is woken; a
/// short sleep ends with its limit as well.
class FakeDuties final : public posix::Attendant::Duties {
public:
    explicit FakeDuties(std::function<void()> work = [] {}) : work_(std::move(work)) {}

    void work() noexcept override {
        ++rounds;
        work_();
    }
    bool has_work() noexcept override { return false; }
    std::chrono::nanoseconds retry_after() noexcept override {
        return std::chrono::milliseconds{must_retry ? 1 : 0};
    }
    bool is_over() noexcept override { return over; }
    bool begin_sleep() noexcept override {
        ++announced;
        if (posix::CriticalSection::try_lock()) { // and not the attendant that holds it
            posix::CriticalSection::unlock();
            ++announced_without_lock;
        }
        return !has_something;
    }
    void end_sleep() noexcept override { --announced; }
    void sleep(std::chrono::nanoseconds limit) noexcept override {
        std::unique_lock lock{mutex_};
        slept_unannounced = slept_unannounced || announced != 1;
        last_limit = limit;
        sleeps = true;
        const auto is_woken = [this] { return is_woken_; };
        if (limit < shortest_untimed) {
            woken_.wait_for(lock, limit, is_woken);
        } else { // no test has to be quicker than the limit
            woken_.wait(lock, is_woken);
        }
        is_woken_ = false;
        sleeps = false;
    }
    void nap(std::chrono::nanoseconds time) noexcept override { last_nap = time; }
    std::uint64_t programs_looks() noexcept override { return looks; }
    void wake() noexcept override {
        ++wakes;
        const std::lock_guard lock{mutex_};
        is_woken_ = true;
        woken_.notify_one();
    }

    std::atomic<int> rounds{0};
    std::atomic<int> wakes{0};
    std::atomic<int> announced{0};
    std::atomic<int> announced_without_lock{0};
    std::atomic<bool> slept_unannounced{false};
    std::atomic<bool> has_something{false}; // when the sleep is announced
    std::atomic<bool> sleeps{false};
    std::atomic<bool> over{false};
    std::atomic<bool> must_retry{false};
    std::atomic<std::chrono::nanoseconds> last_limit{};
    std::atomic<std::uint64_t> looks{0}; // of the program
    std::atomic<std::chrono::nanoseconds> last_nap{};

private:
    static constexpr std::chrono::milliseconds shortest_untimed{100};

    std::function<void()> work_;
    std::mutex mutex_;
    std::condition_variable woken_;
    bool is_woken_ = false;
};

/// Whether the attendant's thread ends in time; it touches nothing of the test any more then.
inline bool ends(posix::Attendant& attendant) {
    return eventually([&] {
        const posix::CriticalSection section;
        return !attendant.runs();
    });
}

/// The same when there is nothing that it could do any more.
inline bool ends_when_over(FakeDuties& duties, posix::Attendant& attendant) {
    duties.over = true;
    attendant.wake();
    return ends(attendant);
}

} // namespace aioxx::test
