// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/allocations.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

// glibc's own names for what is replaced here. operator new comes through malloc, and so does what
// the shared libraries allocate: the program's symbols go before theirs.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t align, std::size_t size);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace {
constinit std::atomic<std::uint64_t> count{0};

void add_one() noexcept {
    count.fetch_add(1, std::memory_order_relaxed);
}
} // namespace

std::uint64_t bench::allocations() noexcept {
    return count.load(std::memory_order_relaxed);
}

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {
void* malloc(std::size_t size) {
    add_one();
    return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) {
    add_one();
    return __libc_calloc(number, size);
}
void* realloc(void* block, std::size_t size) {
    add_one();
    return __libc_realloc(block, size);
}
void* memalign(std::size_t align, std::size_t size) {
    add_one();
    return __libc_memalign(align, size);
}
void* aligned_alloc(std::size_t align, std::size_t size) {
    return memalign(align, size);
}
int posix_memalign(void** block, std::size_t align, std::size_t size) {
    *block = memalign(align, size);
    return *block == nullptr ? ENOMEM : 0;
}
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
