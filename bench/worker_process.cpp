// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/worker_process.hpp"

#include "bench/worker.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr int patience_ms = 60'000; // for one command: a slice takes milliseconds

/// The strings as the exec functions want them.
std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> list;
    list.reserve(strings.size() + 1);
    for (std::string& string : strings) {
        list.push_back(string.data());
    }
    list.push_back(nullptr);
    return list;
}

std::vector<std::string> environment_with(const std::string& preload) {
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        if (std::strncmp(*variable, "LD_PRELOAD=", 11) != 0) {
            variables.emplace_back(*variable);
        }
    }
    if (!preload.empty()) {
        variables.push_back("LD_PRELOAD=" + preload);
    }
    return variables;
}

std::vector<std::string> arguments_of(const EngineEntry& entry, const Target& target,
                                      unsigned depth, const Options& options, bool counts) {
    std::vector<std::string> arguments{"aioxx-bench"};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    arguments.insert(arguments.end(),
                     {"--worker", entry.name, "--worker-depth", std::to_string(depth),
                      "--worker-size", std::to_string(target.size())});
    if (counts) {
        arguments.emplace_back("--worker-counts");
    }
    return arguments;
}

/// File actions of posix_spawn.
class Actions {
public:
    Actions() { posix_spawn_file_actions_init(&actions_); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
    void pass_on(int fd, int as) { posix_spawn_file_actions_adddup2(&actions_, fd, as); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

} // namespace

WorkerProcess::WorkerProcess(const EngineEntry& entry, const Target& target, unsigned depth,
                             const Options& options, bool counts) {
    if (entry.preloaded && options.posix_library.empty()) {
        throw Unavailable("libaioxx-posix.so.0 is not built");
    }
    start(target.fd(), arguments_of(entry, target, depth, options, counts),
          entry.preloaded ? options.posix_library : "");
    wait_for_answer();
}

WorkerProcess::Child::~Child() {
    constexpr int turns = 1000;
    for (int turn = 0; process > 0; ++turn) {
        const pid_t ended = waitpid(process, nullptr, turn < turns ? WNOHANG : 0);
        if (ended == process || (ended < 0 && errno != EINTR)) {
            return;
        }
        if (turn == turns) {
            kill(process, SIGKILL);
        }
        usleep(10'000);
    }
}

void WorkerProcess::start(int target_fd, std::vector<std::string> arguments,
                          const std::string& preload) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw_errno("a socket to a worker");
    }
    channel_.reset(ends[0]);
    const Descriptor theirs{ends[1]};
    Actions actions;
    actions.pass_on(target_fd, worker_target_fd);
    actions.pass_on(theirs.get(), worker_channel_fd);
    std::vector<std::string> environment = environment_with(preload);
    errno = posix_spawn(&child_.process, "/proc/self/exe", actions.get(), nullptr,
                        pointers(arguments).data(), pointers(environment).data());
    if (errno != 0) {
        child_.process = -1;
        throw_errno("a worker");
    }
}

Answer WorkerProcess::wait_for_answer() {
    Answer answer;
    if (!channel_.receive(answer, patience_ms)) {
        if (child_.process > 0) {
            kill(child_.process, SIGKILL); // it hangs, or is gone already
        }
        throw std::runtime_error("the engine's process has died, or does not answer");
    }
    if (answer.status == Status::unavailable) {
        throw Unavailable(answer.reason.data());
    }
    if (answer.status == Status::failed) {
        throw std::runtime_error(answer.reason.data());
    }
    return answer;
}

Answer WorkerProcess::run(std::uint64_t first, std::uint64_t operations) {
    channel_.send(Command{CommandKind::run, first, operations});
    return wait_for_answer();
}

void WorkerProcess::run_timed(std::uint64_t first, std::uint64_t operations, Histogram& latencies) {
    channel_.send(Command{CommandKind::run_timed, first, operations});
    wait_for_answer();
    Histogram theirs;
    const std::span<double> counts = theirs.raw();
    if (!channel_.receive(counts.data(), counts.size_bytes(), patience_ms)) {
        throw std::runtime_error("the engine's process has died");
    }
    latencies.merge(theirs);
}

} // namespace bench
