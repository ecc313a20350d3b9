// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/process.hpp"

#include "core/fork_generation.hpp"
#include "posix/critical_section.hpp"
#include "posix/fork_gate.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix::process {
namespace {

std::atomic<Layer*> present{nullptr};
/// Layers of an ancestor process, or cut off. Not used any more, and not freed: threads of the
/// layer may run. Kept in a list, so that they are no leaks.
std::atomic<Layer*> unused{nullptr};
Settings settings;

// Signals are blocked while the process forks, so that no handler of the child finds the parent's
// layer. The lock is not taken: a thread whose handler waits for it, in aio_suspend, may have been
// interrupted inside malloc, whose own lock fork() waits for. So the child finds a state that a
// thread of the parent may have been about to change: what it looks at has to bear that.

__attribute__((tls_model("initial-exec"))) thread_local sigset_t mask_before_fork;

void before_fork() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &mask_before_fork);
    ForkGate::close();
}

void after_fork_in_parent() {
    ForkGate::open();
    ::pthread_sigmask(SIG_SETMASK, &mask_before_fork, nullptr);
}

void set_aside(Layer& layer) noexcept {
    layer.next_unused = unused.exchange(&layer);
}

void leave_to_parent(Layer& layer) noexcept {
    layer.abandon();
    set_aside(layer);
    present.store(nullptr);
}

void after_fork_in_child() {
    CriticalSection::make_anew();
    ForkGate::open_in_child();
    if (Layer* const layer = present.load()) {
        leave_to_parent(*layer);
    }
    ::pthread_sigmask(SIG_SETMASK, &mask_before_fork, nullptr);
}

void watch_forks() noexcept {
    static bool watched = false;
    if (!std::exchange(watched, true)) {
        ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    }
}

/// The value says where the run counts, in a file that its processes share. Any other: each process
/// prints its own line at its end.
const char* counts_wanted() noexcept {
    return ::secure_getenv("AIOXX_POSIX_STATS");
}

RunCounts* run_counts = nullptr;
std::uint64_t counted_generation = 0; // of the process that is counted there already
FileIdentity standard_error;

/// Maps what the run shares; null where it is not to be had.
RunCounts* find_run_counts(const char* path) noexcept {
    const int fd = ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return nullptr;
    }
    struct stat status {};
    void* memory = MAP_FAILED;
    if (::fstat(fd, &status) == 0 && status.st_size == sizeof(RunCounts)) {
        memory = ::mmap(nullptr, sizeof(RunCounts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    ::close(fd);
    return memory == MAP_FAILED ? nullptr : static_cast<RunCounts*>(memory);
}

/// Before the program can close descriptors or leave the place.
[[gnu::constructor]] void at_start() {
    const char* const wanted = counts_wanted();
    if (wanted != nullptr && *wanted == '/') {
        run_counts = find_run_counts(wanted);
    } else if (wanted != nullptr) {
        standard_error.read_from(STDERR_FILENO);
    }
}

[[gnu::destructor]] void at_exit() {
    const Layer* const layer = layer_if_any();
    const char* const wanted = counts_wanted();
    FileIdentity now;
    if (layer != nullptr && wanted != nullptr && *wanted != '/' && now.read_from(STDERR_FILENO) &&
        now.device == standard_error.device && now.inode == standard_error.inode) {
        ::signal(SIGPIPE, SIG_IGN); // the reader may be gone
        print(layer->totals(), 1);
    }
}

} // namespace

Layer* layer_if_any() noexcept {
    Layer* const layer = present.load(std::memory_order_acquire);
    return layer != nullptr && layer->generation() == fork_generation::current() ? layer : nullptr;
}

Layer* layer(int& error) noexcept {
    Layer* layer = layer_if_any();
    if (layer != nullptr && layer->allows_request()) {
        return layer;
    }
    if (layer != nullptr) {
        set_aside(*layer); // its descriptors may be the program's by now
        present.store(nullptr);
    } else if (Layer* const other = present.load()) {
        ForkGate::open_in_child(); // it was made without fork(3)
        leave_to_parent(*other);
    }
    watch_forks();
    std::error_code failure;
    try {
        layer = new Layer{settings, failure}; // until the process ends
    } catch (const std::bad_alloc&) {
        error = EAGAIN;
        return nullptr;
    }
    if (failure) {
        delete layer;
        // POSIX has one error for every lack of resources.
        const int value = failure.value();
        error = value == EMFILE || value == ENFILE || value == ENOMEM ? EAGAIN : value;
        return nullptr;
    }
    if (run_counts != nullptr) {
        layer->count_in(*run_counts);
        if (std::exchange(counted_generation, layer->generation()) != layer->generation()) {
            run_counts->add_process();
        }
    }
    present.store(layer, std::memory_order_release);
    return layer;
}

void configure(const Settings& wanted) noexcept {
    settings = wanted;
}

} // namespace posix::process
AIOXX_NAMESPACE_END
