// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "core/in_flight.hpp"

#include "core/fork_generation.hpp"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>

AIOXX_NAMESPACE_BEGIN
namespace in_flight {
namespace {

struct Table {
    explicit Table(std::uint64_t number) : generation(number) {}

    std::uint64_t generation;
    std::mutex mutex;
    std::unordered_map<const Iocb*, std::uintptr_t> context_of;
};

/// The table of this process; null where there is no memory for one. A forked child starts with an
/// empty one: nothing is in flight there, and the lock of its parent's copy may be held for ever.
Table* table() noexcept {
    static constinit std::atomic<Table*> current{nullptr};
    Table* found = current.load();
    const std::uint64_t generation = fork_generation::enter();
    if (found == nullptr || found->generation != generation) {
        auto* const fresh = new (std::nothrow) Table{generation};
        if (fresh == nullptr) {
            return nullptr;
        }
        if (current.compare_exchange_strong(found, fresh)) {
            return fresh; // the old one is left alone
        }
        delete fresh;
    }
    return found;
}

[[noreturn]] void stop(const Iocb* iocb, const char* doing) noexcept {
    std::fprintf(stderr, "libaioxx: misuse: %s Iocb %p while it is in flight\n", doing,
                 static_cast<const void*>(iocb));
    std::abort();
}

} // namespace

// Where there is no memory to enter an Iocb, its misuse is not found.

void add(std::uintptr_t context, std::span<Iocb* const> iocbs) noexcept {
    Table* const all = table();
    if (all == nullptr) {
        return;
    }
    const std::lock_guard lock{all->mutex};
    for (const Iocb* const iocb : iocbs) {
        if (all->context_of.contains(iocb)) {
            stop(iocb, "submitting");
        }
        try {
            all->context_of.emplace(iocb, context);
        } catch (const std::bad_alloc&) {
        }
    }
}

void remove(std::span<Iocb* const> iocbs) noexcept {
    for (const Iocb* const iocb : iocbs) {
        remove(*iocb);
    }
}

void remove(const Iocb& iocb) noexcept {
    if (Table* const all = table()) {
        const std::lock_guard lock{all->mutex};
        all->context_of.erase(&iocb);
    }
}

void remove_all(std::uintptr_t context) noexcept {
    if (Table* const all = table()) {
        const std::lock_guard lock{all->mutex};
        std::erase_if(all->context_of,
                      [context](const auto& entry) { return entry.second == context; });
    }
}

void must_not_be(const Iocb& iocb, const char* doing) noexcept {
    if (Table* const all = table()) {
        const std::lock_guard lock{all->mutex};
        if (all->context_of.contains(&iocb)) {
            stop(&iocb, doing);
        }
    }
}

} // namespace in_flight
AIOXX_NAMESPACE_END
