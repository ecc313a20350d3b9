// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/worker.hpp"

#include "bench/allocations.hpp"
#include "bench/messages.hpp"
#include "bench/system_call_counter.hpp"
#include "bench/work.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <exception>
#include <initializer_list>
#include <memory>

#include <unistd.h>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

double processor_nanoseconds() noexcept {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

class Worker {
public:
    explicit Worker(const Options& options)
        : work_(worker_target_fd, options.worker.size, options.worker.depth, options) {
        if (options.worker.counts) {
            counter_ = std::make_unique<SystemCallCounter>(); // before the engine starts a thread
        }
        engine_ = engine_named(options.worker.engine).make(work_.workload());
    }

    Answer carry_out(const Command& command) {
        if (command.kind == CommandKind::run_timed) {
            latencies_.clear();
            engine_->run_timed(command.first, command.operations, latencies_);
            return {};
        }
        return counter_ != nullptr ? count(command) : measure(command);
    }

    Histogram& latencies() noexcept { return latencies_; }

private:
    Answer measure(const Command& command) {
        Answer answer;
        const std::uint64_t allocated = allocations();
        const double processor = processor_nanoseconds();
        const Clock::time_point start = Clock::now();
        engine_->run(command.first, command.operations);
        const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
        answer.processor_ns = processor_nanoseconds() - processor;
        answer.wall_ns = spent.count();
        answer.allocations = allocations() - allocated;
        return answer;
    }

    Answer count(const Command& command) {
        counter_->start();
        engine_->run(command.first, command.operations);
        Answer answer;
        answer.system_calls = counter_->stop();
        return answer;
    }

    Work work_;
    std::unique_ptr<SystemCallCounter> counter_;
    std::unique_ptr<Engine> engine_;
    Histogram latencies_;
};

/// What `action` gives; an exception becomes an answer.
template <typename Action>
Answer answer_of(Action action) {
    Answer answer;
    try {
        return action();
    } catch (const Unavailable& error) {
        set_reason(answer, Status::unavailable, error.what());
    } catch (const std::exception& error) {
        set_reason(answer, Status::failed, error.what());
    }
    return answer;
}

} // namespace

int work_for_another(const Options& options) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) { // it ends when the other one does
        std::signal(signal, SIG_IGN);
    }
    Channel channel{worker_channel_fd};
    std::unique_ptr<Worker> worker;
    const Answer made = answer_of([&] {
        worker = std::make_unique<Worker>(options);
        return Answer{};
    });
    Command command{};
    channel.send(made);
    while (worker != nullptr && channel.receive(command)) {
        const Answer answer = answer_of([&] { return worker->carry_out(command); });
        channel.send(answer);
        if (answer.status != Status::good) {
            _exit(1); // what is still in flight goes with the process
        }
        if (command.kind == CommandKind::run_timed) {
            const std::span<double> counts = worker->latencies().raw();
            channel.send(counts.data(), counts.size_bytes());
        }
    }
    return 0;
}

} // namespace bench
