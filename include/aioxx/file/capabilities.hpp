// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/flags.hpp>
#include <aioxx/file/file.hpp>

#include <array>
#include <cstdint>
#include <system_error>

AIOXX_NAMESPACE_BEGIN

/// Which operations and flags this kernel accepts on this file, found by trying each.
///
/// Trying changes nothing in the file: transfers are of length 0 (on streams not even that: they
/// are refused for their address, after the flags were looked at), but for two with NOWAIT: a
/// direct read of one block, which devices refuse no sooner, and on XFS a write from memory that
/// cannot be read, so that nothing is written; polls are cancelled. It does flush the file (fsync,
/// fdatasync), and takes some 50 ms for a context of its own. A kernel that is not known by its
/// version but by what it answers cannot be misjudged. What was found is a value.
///
///     using aioxx::Capabilities;
///     const auto found = Capabilities::probe(file);
///     const bool is_atomic = found.accepts(aioxx::RwFlags::atomic,
///                                          Capabilities::Direction::write);
class AIOXX_API Capabilities {
public:
    /// Of a transfer.
    enum class Direction : std::uint8_t {
        read,  ///< From the file.
        write, ///< Into the file.
    };

    /// Tries all on `file`, which stays its owner's. Blocks, as above. `error` is that of making
    /// the context; what the file refuses is in the answers below. Allocates, and may throw
    /// std::bad_alloc in either form.
    static Capabilities probe(const File& file, std::error_code& error);
    static Capabilities probe(const File& file) {
        std::error_code error = no_error();
        const Capabilities found = probe(file, error);
        if (error) {
            detail::throw_error(error, "io_setup");
        }
        return found;
    }

    /// No error when the operation is accepted, else the error it met: EINVAL for an opcode that
    /// the kernel or the file does not have, EBADF where the file is not open for it.
    [[nodiscard]] std::error_code refusal(Opcode opcode) const noexcept;
    /// Whether refusal() has nothing to say.
    [[nodiscard]] bool accepts(Opcode opcode) const noexcept { return !refusal(opcode); }

    /// The same for one flag: EOPNOTSUPP when the kernel or the file does not have it, EBADF where
    /// the file is not open for that direction. With RwFlags::nowait, acceptance says nothing about
    /// how often it answers EAGAIN.
    [[nodiscard]] std::error_code refusal(RwFlags flag, Direction direction) const noexcept;
    /// Whether refusal() has nothing to say of one flag.
    [[nodiscard]] bool accepts(RwFlags flag, Direction direction) const noexcept {
        return !refusal(flag, direction);
    }

    /// All the flags that are asked about.
    static constexpr std::array<RwFlags, 9> flags{
        RwFlags::hipri,    RwFlags::dsync,  RwFlags::sync,      RwFlags::nowait,  RwFlags::append,
        RwFlags::noappend, RwFlags::atomic, RwFlags::dontcache, RwFlags::nosignal};
    /// All the opcodes.
    static constexpr std::array<Opcode, 7> opcodes{Opcode::read,      Opcode::write, Opcode::fsync,
                                                   Opcode::fdatasync, Opcode::poll,  Opcode::readv,
                                                   Opcode::writev};

private:
    std::array<int, opcodes.size()> opcode_errors_{};
    std::array<int, flags.size()> read_flag_errors_{};
    std::array<int, flags.size()> write_flag_errors_{};
};

AIOXX_NAMESPACE_END
