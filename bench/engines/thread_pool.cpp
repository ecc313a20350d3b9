// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/blocking_call.hpp"
#include "bench/engines/engines.hpp"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace bench {
namespace {

/// A thread for each operation in flight, a queue to them and a queue back, as a program has it
/// that must not block in its own thread.
class ThreadPool final : public LoopEngine<ThreadPool> {
public:
    explicit ThreadPool(const Workload& workload) : workload_(workload) {
        tasks_.reserve(workload.depth);
        finished_.reserve(workload.depth);
        taken_.reserve(workload.depth);
        for (unsigned i = 0; i < workload.depth; ++i) {
            workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
        }
    }
    ~ThreadPool() override {
        for (std::jthread& worker : workers_) {
            worker.request_stop();
        }
    }

private:
    friend class LoopEngine<ThreadPool>;

    struct Task {
        std::size_t slot;
        const request* what;
        std::int64_t result;
    };

    template <typename Clock>
    void loop(std::uint64_t operations, Clock& clock) {
        std::uint64_t started = 0;
        std::uint64_t done = 0;
        for (; started < workload_.depth && started < operations; ++started) {
            start(started, clock);
        }
        while (done < operations) {
            take_finished();
            for (const Task& task : taken_) {
                if (task.result != workload_.expected(*task.what)) {
                    fail_operation("threads", task.result);
                }
                clock.stop(task.slot);
                ++done;
                if (started < operations) {
                    start(task.slot, clock);
                    ++started;
                }
            }
        }
    }

    template <typename Clock>
    void start(std::size_t slot, Clock& clock) {
        clock.start(slot);
        {
            const std::lock_guard lock{mutex_};
            tasks_.push_back({slot, &workload_.at(next_request_++), 0});
        }
        task_waits_.notify_one();
    }

    void take_finished() {
        taken_.clear();
        std::unique_lock lock{mutex_};
        one_finished_.wait(lock, [this] { return !finished_.empty(); });
        taken_.swap(finished_);
    }

    void work(const std::stop_token& stop) {
        std::unique_lock lock{mutex_};
        while (task_waits_.wait(lock, stop, [this] { return !tasks_.empty(); })) {
            Task task = tasks_.back();
            tasks_.pop_back();
            lock.unlock();
            task.result = blocking_call(workload_, *task.what, task.slot);
            lock.lock();
            finished_.push_back(task);
            one_finished_.notify_one();
        }
    }

    Workload workload_;
    std::size_t next_request_ = 0;
    std::mutex mutex_;
    std::condition_variable_any task_waits_;
    std::condition_variable one_finished_;
    std::vector<Task> tasks_;
    std::vector<Task> finished_;
    std::vector<Task> taken_; // the owner's
    std::vector<std::jthread> workers_;
};

} // namespace

std::unique_ptr<Engine> make_thread_pool(const Workload& workload) {
    return std::make_unique<ThreadPool>(workload);
}

} // namespace bench
