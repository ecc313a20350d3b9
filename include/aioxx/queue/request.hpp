// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/engine/request.hpp>
#include <aioxx/file/aligned_buffer.hpp>
#include <aioxx/file/file.hpp>
#include <aioxx/queue/completion.hpp>
#include <aioxx/queue/operation_id.hpp>

#include <version>

#ifndef __cpp_exceptions
#error "aioxx::Queue and tasks need exceptions: without, use what is in aioxx/core and aioxx/file"
#include <aioxx/compile_with_exceptions> // there is none: the compilation ends here
#endif
#ifndef __cpp_lib_jthread
#error "aioxx::Queue and tasks need <stop_token>: for libc++ compile with -fexperimental-library"
#include <aioxx/compile_with_stop_token> // nor this
#endif

#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN

class Queue;

namespace detail {

/// What is passed into the library for one operation: the request, and what the queue adds to it.
struct Request : engine::Request {
    bool has_deadline = false;
    bool can_be_given_up = false; // by a deadline or a stop token: borrowed memory is copied
    bool times_out = false;       // at the deadline, which of a sleep may also be the good end
    bool needs_stream = false;    // or an append: no offset was given
    bool unaligned = false;       // on a file open for direct I/O: through a copy, if need be
    bool begun = false;           // or moved from: it does not begin again
    const File* file = nullptr;
    std::chrono::steady_clock::time_point deadline{};
    AlignedBuffer buffer; // when the operation is to own its memory

    /// Beside the record: a timer, or a copy of borrowed memory.
    [[nodiscard]] bool has_more_to_prepare() const noexcept { return can_be_given_up || unaligned; }
};

/// What the text of a failure says of the File, which may have gone by then.
struct StartedFile {
    void take(const File& file) noexcept {
        descriptor = file.fd_;
        status_flags = file.status_flags_;
        alignment = file.alignment_;
    }

    int descriptor = -1;  // none
    int status_flags = 0; // F_GETFL
    DirectAlignment alignment;
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

    /// Once until reset().
    template <typename Callable>
    void emplace(Callable&& callable) {
        using Stored = std::decay_t<Callable>;
        static_assert(std::is_invocable_v<Stored&, Completion&>,
                      "a callback takes a Completion&, or a const Completion&");
        static_assert(sizeof(Stored) <= capacity,
                      "a callback holds at most 48 bytes: capture a pointer to what is larger");
        static_assert(alignof(Stored) <= alignof(std::max_align_t),
                      "a callback is aligned as ordinary types are");
        assert(invoke_ == nullptr);
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
