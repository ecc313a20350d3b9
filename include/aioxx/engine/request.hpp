// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/flags.hpp>
#include <aioxx/kernel/namespace.hpp>

#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// What an operation does.
enum class Kind : std::uint8_t {
    read,       ///< Into one piece of memory.
    write,      ///< From one piece of memory.
    readv,      ///< Into several.
    writev,     ///< From several.
    fsync,      ///< Flushes data and metadata.
    fdatasync,  ///< Flushes data.
    fallocate,  ///< Changes the room that a part of the file has.
    ftruncate,  ///< Sets the file's size.
    open,       ///< Opens a file by its path.
    poll,       ///< Waits for readiness.
    sleep,      ///< Ends at a time. The queue's own: it does not reach the engine.
    capacity,   ///< Waits until the queue takes another operation. The queue's own as well.
    quarantine, ///< Waits for what was given up. Likewise.
    condition,  ///< Waits until the program says so. Likewise.
    yield,      ///< Waits for the next delivery. Likewise.
    buffer,     ///< Waits until a pool has a buffer. Likewise.
    none,       ///< Nothing yet, or nothing that exists.
};

/// What one operation asks for, without its file: a value. Ownership: none; `data` is borrowed.
struct Request {
    Kind kind = Kind::none;
    bool exact = false;        ///< Short transfers are carried on until all is done.
    bool after_writes = false; ///< A flush waits for the writes that were started before it.
    bool prioritised = false;  ///< `priority` is set.
    std::uint8_t rank = 0;     ///< Of those that wait for room the lowest goes first; below 32.
    IoPriority priority;
    RwFlags flags = RwFlags::none;
    std::uint32_t bits = 0;  ///< poll(2)'s events, fallocate(2)'s mode, or open(2)'s flags.
    void* data = nullptr;    ///< The bytes, an array of iovec for readv and writev, or an Opening.
    std::size_t length = 0;  ///< Bytes, or elements of the array.
    std::int64_t offset = 0; ///< Bytes from the start of the file; for ftruncate its new size, for
                             ///< open the mode of a file that is made.
    std::int64_t room = 0;   ///< Bytes that fallocate changes, more than a length holds on 32 bits.

    [[nodiscard]] bool is_read() const noexcept {
        return kind == Kind::read || kind == Kind::readv;
    }
    [[nodiscard]] bool is_write() const noexcept {
        return kind == Kind::write || kind == Kind::writev;
    }
    [[nodiscard]] bool is_transfer() const noexcept { return kind <= Kind::writev; }
    [[nodiscard]] bool is_vectored() const noexcept {
        return kind == Kind::readv || kind == Kind::writev;
    }
    [[nodiscard]] bool is_flush() const noexcept {
        return kind == Kind::fsync || kind == Kind::fdatasync;
    }
    [[nodiscard]] bool is_resize() const noexcept {
        return kind == Kind::fallocate || kind == Kind::ftruncate;
    }
};

} // namespace engine
AIOXX_NAMESPACE_END
