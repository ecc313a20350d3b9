// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "core/fork_generation.hpp"

#include <cstddef>
#include <new>

#include <pthread.h>
#include <sys/mman.h>

AIOXX_NAMESPACE_BEGIN
namespace fork_generation {
namespace {

constexpr std::size_t page_size = 4096;

constinit std::atomic<std::uint64_t> none{0};
// Ordinary memory: a child inherits it, and counts on from its parent's number.
constinit std::atomic<std::uint64_t> last{0};

} // namespace

constinit std::atomic<const std::atomic<std::uint64_t>*> detail::page{&none};

namespace {

/// Null before the first use.
std::atomic<std::uint64_t>* mapped_page() noexcept {
    const std::atomic<std::uint64_t>* const page = detail::page.load();
    return page != &none ? const_cast<std::atomic<std::uint64_t>*>(page) : nullptr;
}

/// Null where there is no memory.
std::atomic<std::uint64_t>* map_page() noexcept {
    void* const memory =
        mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return nullptr;
    }
    // Before Linux 4.14 a handler clears it, which only fork() runs, not a bare clone().
    if (madvise(memory, page_size, MADV_WIPEONFORK) != 0) {
        pthread_atfork(nullptr, nullptr, [] {
            if (std::atomic<std::uint64_t>* const page = mapped_page(); page != nullptr) {
                page->store(0);
            }
        });
    }
    return new (memory) std::atomic<std::uint64_t>{0};
}

/// Mapped once and never given back: an object may outlive every other use. No lock: a handler may
/// have interrupted this, and a child of another thread would find the lock taken for ever.
std::atomic<std::uint64_t>* page_of_all() noexcept {
    std::atomic<std::uint64_t>* const found = mapped_page();
    if (found != nullptr) {
        return found;
    }
    std::atomic<std::uint64_t>* const fresh = map_page();
    const std::atomic<std::uint64_t>* expected = &none;
    if (fresh == nullptr || detail::page.compare_exchange_strong(expected, fresh)) {
        return fresh;
    }
    munmap(fresh, page_size); // another one was first
    return mapped_page();
}

} // namespace

std::uint64_t enter() noexcept {
    std::atomic<std::uint64_t>* const page = page_of_all();
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
