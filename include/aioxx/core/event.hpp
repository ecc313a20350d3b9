// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/iocb.hpp>
#include <aioxx/kernel/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <system_error>
#include <type_traits>

AIOXX_NAMESPACE_BEGIN

/// One completion: the kernel's 32-byte `struct io_event`, passed on as it came. A value.
///
///     for (const aioxx::Event& event : events) {
///         auto* const block = event.data_as<Block>();
///         if (event.error()) {
///             block->failed(event.error());
///         } else {
///             block->has(static_cast<std::size_t>(event.result()));
///         }
///     }
class Event {
public:
    /// All zero: of no operation.
    Event() noexcept = default;

    /// What the operation returned: bytes transferred, poll bits, or 0; a negative errno when it
    /// failed. For files, sockets and pipes that is all there is; some drivers (USB gadgets) give
    /// it, and result2(), a meaning of their own.
    [[nodiscard]] std::int64_t result() const noexcept { return raw_.result; }
    /// 0 for files, sockets and pipes.
    [[nodiscard]] std::int64_t result2() const noexcept { return raw_.result2; }

    /// The usual reading of result(): the error of an operation that failed, no error otherwise.
    /// A failed operation is data, not an exception.
    [[nodiscard]] std::error_code error() const noexcept {
        return {raw_.result < 0 ? static_cast<int>(-raw_.result) : 0, std::generic_category()};
    }

    /// For an event of a poll: it was cancelled, not ready.
    [[nodiscard]] bool poll_was_cancelled() const noexcept { return raw_.result == 0; }

    /// The operation that completed. It may be prepared or destroyed from now on.
    [[nodiscard]] Iocb& iocb() const noexcept {
        return *reinterpret_cast<Iocb*>(static_cast<std::uintptr_t>(raw_.iocb));
    }

    /// The user data, as Iocb::set_data() was given it.
    [[nodiscard]] std::uint64_t data() const noexcept { return raw_.data; }
    /// The user data as the pointer that Iocb::set_data() was given.
    template <typename T>
    [[nodiscard]] T* data_as() const noexcept {
        return reinterpret_cast<T*>(static_cast<std::uintptr_t>(raw_.data));
    }

private:
    kernel::EventLayout raw_;
};
static_assert(sizeof(Event) == 32 && std::is_trivially_copyable_v<Event>);

AIOXX_NAMESPACE_END
