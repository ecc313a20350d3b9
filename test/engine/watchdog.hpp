// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// A thread that notices when another does not come back from a call while a gate is closed: the
// gate opens only after the call, so that a call that waits for it would wait for ever.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace aioxx::test {

/// Opens the gate when it is told to, or when it has not been told for half a minute: then a call
/// inside was waiting for the gate, and opened_by_force() says so. No test that passes waits.
class Watchdog {
public:
    explicit Watchdog(std::function<void()> open_gate)
        : open_gate_(std::move(open_gate)), thread_([this] { watch(); }) {}
    ~Watchdog() { came_back(); }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// The calls have returned: the gate is opened now. Returns when it is open.
    void came_back() {
        {
            const std::lock_guard lock{mutex_};
            told_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    [[nodiscard]] bool opened_by_force() const noexcept { return forced_; }

private:
    void watch() {
        {
            std::unique_lock lock{mutex_};
            forced_ = !changed_.wait_for(lock, std::chrono::seconds{30}, [this] { return told_; });
        }
        open_gate_();
    }

    std::function<void()> open_gate_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool told_ = false;
    std::atomic<bool> forced_{false};
    std::thread thread_;
};

} // namespace aioxx::test
