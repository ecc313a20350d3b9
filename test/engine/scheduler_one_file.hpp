// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// A scheduler and operations on one file, for cases that go event by event.

#include "engine/scheduler.hpp"

#include <array>
#include <cstddef>

#include <doctest/doctest.h>

namespace aioxx::test {

using engine::FileTraits;
using engine::Kind;
using engine::Operation;
using engine::OperationList;
using engine::Scheduler;
using engine::State;

inline constexpr FileTraits cached{.regular = true};
inline constexpr FileTraits direct{.regular = true, .direct = true};
inline constexpr FileTraits synchronous{.regular = true, .synchronous = true};
inline constexpr FileTraits log{.regular = true, .append = true};
inline constexpr FileTraits stream{.stream = true};
inline constexpr FileTraits device{};
inline constexpr FileTraits in_memory{.regular = true, .in_memory = true};

struct PlainRecord : engine::FileRecord {
    explicit PlainRecord(const FileTraits& kind) : FileRecord(kind) { slots = &holder; }
    engine::SlotHolder holder;
};

/// A scheduler, and operations on one file of a kind.
class OneFile {
public:
    explicit OneFile(const FileTraits& traits, std::size_t slots = 8,
                     const Scheduler::Options& options = {})
        : scheduler(options, statistics), file(traits) {
        scheduler.set_slow(file.holder, traits.on_server);
        scheduler.set_slots(slots);
    }

    Operation& start(std::size_t place, Kind kind, std::size_t length = 4) {
        Operation& operation = operations[place];
        operation.request.kind = kind;
        operation.request.length = length;
        if (operation.request.is_vectored()) {
            operation.request.data = &part;
            operation.request.length = 1;
        }
        operation.file = &file;
        scheduler.start(operation);
        return operation;
    }
    Operation* take() {
        Operation* const operation = scheduler.done.pop_front();
        if (operation != nullptr) {
            operation->move_to(State::idle);
        }
        return operation;
    }

    engine::Statistics statistics;
    Scheduler scheduler;
    PlainRecord file;
    std::array<Operation, 4> operations;
    iovec part{nullptr, 4};
};

/// The front of `list`, which leaves it for a part.
inline Operation& next_of(OperationList& list) {
    Operation* const next = list.pop_front();
    REQUIRE(next != nullptr);
    return *next;
}

} // namespace aioxx::test
