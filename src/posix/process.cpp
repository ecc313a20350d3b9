// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/process.hpp"

#include "core/fork_generation.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>

#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix::process {
namespace {

std::atomic<Layer*> present{nullptr};
std::atomic<Layer*> kept{nullptr}; // of an ancestor, or cut off; never used, and never freed
Settings settings;

// A child gets the heap, the lock and the layer as they are at that moment: in good order.

sigset_t mask_before_fork;
int cancelling_before_fork = 0;

void before_fork() {
    sigset_t mask;
    int cancelling = 0;
    CriticalSection::enter(mask, cancelling);
    mask_before_fork = mask; // the lock is held now
    cancelling_before_fork = cancelling;
}

void after_fork_in_parent() {
    const sigset_t mask = mask_before_fork;
    CriticalSection::leave(mask, cancelling_before_fork);
}

void keep(Layer& layer) noexcept {
    layer.keep_with(kept.exchange(&layer));
}

void leave_to_parent(Layer& layer) noexcept {
    layer.abandon();
    keep(layer);
    present.store(nullptr);
}

void after_fork_in_child() {
    CriticalSection::make_anew();
    CriticalSection::lock();
    if (Layer* const layer = present.load()) {
        leave_to_parent(*layer);
    }
    const sigset_t mask = mask_before_fork;
    CriticalSection::leave(mask, cancelling_before_fork);
}

void watch_forks() noexcept {
    static bool watched = false;
    if (!std::exchange(watched, true)) {
        ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    }
}

bool counts_are_wanted() noexcept {
    return std::getenv("AIOXX_POSIX_STATS") != nullptr;
}

FileIdentity standard_error;

[[gnu::constructor]] void at_start() {
    if (counts_are_wanted()) {
        standard_error.learn(STDERR_FILENO);
    }
}

[[gnu::destructor]] void at_exit() {
    const Layer* const layer = layer_if_any();
    FileIdentity now;
    if (layer != nullptr && counts_are_wanted() && now.learn(STDERR_FILENO) &&
        now.device == standard_error.device && now.inode == standard_error.inode) {
        ::signal(SIGPIPE, SIG_IGN); // nobody may be reading any more
        layer->print_counts();
    }
}

} // namespace

Layer* layer_if_any() noexcept {
    Layer* const layer = present.load(std::memory_order_acquire);
    return layer != nullptr && layer->generation() == fork_generation::current() ? layer : nullptr;
}

Layer* layer(int& error) noexcept {
    Layer* layer = layer_if_any();
    if (layer != nullptr && layer->takes_requests()) {
        return layer;
    }
    if (layer != nullptr) {
        keep(*layer); // its numbers may be the program's by now
        present.store(nullptr);
    } else if (Layer* const other = present.load()) {
        leave_to_parent(*other); // a child that was made without the C library's fork
    }
    watch_forks();
    std::error_code failure;
    try {
        layer = new Layer{settings, failure}; // for as long as the process lives
    } catch (const std::bad_alloc&) {
        error = EAGAIN;
        return nullptr;
    }
    if (failure) {
        delete layer;
        // POSIX knows one word for whatever there is too little of.
        const int value = failure.value();
        error = value == EMFILE || value == ENFILE || value == ENOMEM ? EAGAIN : value;
        return nullptr;
    }
    present.store(layer, std::memory_order_release);
    return layer;
}

void configure(const Settings& wanted) noexcept {
    settings = wanted;
}

} // namespace posix::process
AIOXX_NAMESPACE_END
