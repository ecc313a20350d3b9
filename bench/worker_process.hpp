// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/engine.hpp"
#include "bench/messages.hpp"
#include "bench/options.hpp"
#include "bench/targets/target.hpp"

#include <sys/types.h>

namespace bench {

/// A process that holds one engine: this program once more, see worker.hpp. What the engine throws
/// is thrown here: Unavailable, or std::runtime_error.
class WorkerProcess {
public:
    /// `counts`: run() counts system calls, and measures nothing.
    WorkerProcess(const EngineEntry& entry, const Target& target, unsigned depth,
                  const Options& options, bool counts);
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;
    ~WorkerProcess() = default;

    Answer run(std::uint64_t first, std::uint64_t operations);
    /// Adds to `latencies`.
    void run_timed(std::uint64_t first, std::uint64_t operations, Histogram& latencies);
    /// Lets it end, and does not wait for that, as the destructor does.
    void dismiss() noexcept { channel_.close(); }

private:
    /// Waited for when it goes, and killed where it does not end.
    struct Child {
        pid_t process = -1;
        Child() = default;
        Child(const Child&) = delete;
        Child& operator=(const Child&) = delete;
        ~Child();
    };

    void start(int target_fd, std::vector<std::string> arguments, const std::string& preload);
    Answer wait_for_answer();

    Child child_;
    Channel channel_; // goes first: that is what ends the child
};

} // namespace bench
