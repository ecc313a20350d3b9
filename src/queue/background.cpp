// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/background.hpp"

#include "core/fork_generation.hpp"
#include "engine/worker_thread.hpp"
#include "queue/this_module.hpp"

AIOXX_NAMESPACE_BEGIN
namespace queue {
namespace {

constinit std::atomic<Background*> newest{nullptr};

/// After all destructors of the module's objects, which may be queues.
__attribute__((destructor(101))) void end_of_module() {
    Background::end();
}

} // namespace

Background::Background(std::uint64_t generation, Background* parents) noexcept
    : generation_(generation), parents_(parents), can_be_unloaded_(this_module_can_be_unloaded()) {}

Background& Background::of_this_process() {
    const std::uint64_t generation = fork_generation::enter();
    Background* found = newest.load(std::memory_order_acquire);
    if (found != nullptr && found->generation_ == generation) [[likely]] {
        return *found;
    }
    auto* const fresh = new Background{generation, found};
    if (newest.compare_exchange_strong(found, fresh)) {
        return *fresh;
    }
    delete fresh; // another thread was first
    return *found;
}

void Background::destroy(Rest& rest, bool hangs) noexcept {
    if (hangs && can_be_unloaded_ && !kept_.load() && keep_this_module()) {
        kept_.store(true);
    }
    running_.fetch_add(1);
    pthread_t thread{};
    if (!engine::start_worker_thread(thread, &run, &rest)) {
        running_.fetch_sub(1);
        rest.destroy(rest);
    } else if (!can_be_unloaded_) {
        pthread_detach(thread);
    }
}

void* Background::run(void* rest) noexcept {
    auto& ended_queue = *static_cast<Rest*>(rest);
    Background& all = *ended_queue.background;
    ended_queue.destroy(ended_queue);
    if (!all.can_be_unloaded_) {
        return nullptr;
    }
    const pthread_t before = all.ended_.exchange(pthread_self());
    all.running_.fetch_sub(1);
    all.running_.notify_all(); // the end joins this thread before all else goes
    if (before != pthread_t{}) {
        pthread_join(before, nullptr);
    }
    return nullptr;
}

void Background::end() noexcept {
    Background* all = newest.load();
    if (all == nullptr || !all->can_be_unloaded_ || all->kept_.load()) {
        return;
    }
    if (all->generation_ == fork_generation::current()) { // a child has no threads of its parent's
        for (unsigned left = all->running_.load(); left > 0; left = all->running_.load()) {
            all->running_.wait(left);
        }
        if (const pthread_t last = all->ended_.load(); last != pthread_t{}) {
            pthread_join(last, nullptr);
        }
    }
    newest.store(nullptr);
    while (all != nullptr) {
        Background* const next = all->parents_;
        delete all;
        all = next;
    }
}

} // namespace queue
AIOXX_NAMESPACE_END
