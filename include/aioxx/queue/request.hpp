// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/flags.hpp>
#include <aioxx/file/aligned_buffer.hpp>
#include <aioxx/file/file.hpp>
#include <aioxx/queue/completion.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <sys/uio.h>

AIOXX_NAMESPACE_BEGIN

class Queue;

/// Names one started operation, for Queue::cancel. Never reused while anyone could mean the old
/// one; a default one names nothing.
struct OperationId {
    std::uint64_t value = 0;

    friend bool operator==(OperationId, OperationId) noexcept = default;
};

namespace detail {

/// What is passed into the library for one operation. Its fields only ever grow at the end.
struct Request {
    enum class Kind : std::uint8_t {
        read,
        write,
        readv,
        writev,
        fsync,
        fdatasync,
        poll,
        sleep,
        room
    };

    Kind kind = Kind::sleep;
    bool exact = false;
    bool after_writes = false;
    bool prioritised = false;
    bool has_deadline = false;
    IoPriority priority;
    RwFlags flags = RwFlags::none;
    std::uint32_t poll_events = 0;
    const File* file = nullptr;
    void* data = nullptr; // bytes, or vectors
    std::size_t length = 0;
    std::int64_t offset = 0;
    std::chrono::steady_clock::time_point deadline{};
    AlignedBuffer buffer; // when the operation is to own its memory
};

/// A callable of any type, kept in place: what a completion calls.
class Handler {
public:
    static constexpr std::size_t capacity = 48;

    using Invoke = void (*)(void* callable, Completion& completion);
    using Destroy = void (*)(void* callable) noexcept;

    Handler() noexcept = default;
    ~Handler() { reset(); }
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

    template <typename Callable>
    void emplace(Callable&& callable) {
        using Stored = std::decay_t<Callable>;
        static_assert(std::is_invocable_v<Stored&, Completion&>,
                      "a callback takes a Completion&, or a const Completion&");
        static_assert(sizeof(Stored) <= capacity,
                      "a callback holds at most 48 bytes: capture a pointer to what is larger");
        static_assert(alignof(Stored) <= alignof(std::max_align_t),
                      "a callback is aligned as ordinary types are");
        reset();
        new (storage_) Stored(std::forward<Callable>(callable));
        invoke_ = [](void* stored, Completion& completion) {
            (*static_cast<Stored*>(stored))(completion);
        };
        if constexpr (!std::is_trivially_destructible_v<Stored>) {
            destroy_ = [](void* stored) noexcept { static_cast<Stored*>(stored)->~Stored(); };
        }
    }

    void invoke(Completion& completion) {
        if (invoke_ != nullptr) {
            invoke_(storage_, completion);
        }
    }
    void reset() noexcept {
        if (destroy_ != nullptr) {
            destroy_(storage_);
        }
        invoke_ = nullptr;
        destroy_ = nullptr;
    }

private:
    alignas(std::max_align_t) std::byte storage_[capacity];
    Invoke invoke_ = nullptr;
    Destroy destroy_ = nullptr;
};

} // namespace detail

AIOXX_NAMESPACE_END
