// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "core/fork_generation.hpp"

#include <new>

#include <pthread.h>
#include <sys/mman.h>

AIOXX_NAMESPACE_BEGIN
namespace fork_generation {
namespace {

constinit std::atomic<std::uint64_t> none{0};
// Ordinary memory: a child inherits it, and counts on from its parent's number.
constinit std::atomic<std::uint64_t> last{0};

std::atomic<std::uint64_t>* map_page() noexcept {
    void* const memory =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : new (memory) std::atomic<std::uint64_t>{0};
}

} // namespace

constinit std::atomic<const std::atomic<std::uint64_t>*> detail::page{&none};

std::uint64_t enter() noexcept {
    // Mapped once and never given back: an object may outlive every other use.
    static std::atomic<std::uint64_t>* const page = [] {
        std::atomic<std::uint64_t>* const fresh = map_page();
        if (fresh != nullptr) {
            // Before Linux 4.14 a handler clears it, which only fork() runs, not a bare clone().
            if (madvise(fresh, 4096, MADV_WIPEONFORK) != 0) {
                pthread_atfork(nullptr, nullptr, [] {
                    const_cast<std::atomic<std::uint64_t>*>(detail::page.load())->store(0);
                });
            }
            detail::page.store(fresh);
        }
        return fresh;
    }();
    if (page == nullptr) {
        return 0;
    }
    std::uint64_t number = page->load();
    if (number == 0) {
        const std::uint64_t next = last.fetch_add(1) + 1;
        // Of two threads that come here at once, one sets the number of both.
        number = page->compare_exchange_strong(number, next) ? next : number;
    }
    return number;
}

} // namespace fork_generation
AIOXX_NAMESPACE_END
