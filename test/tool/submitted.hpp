// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// What the command is about to submit, or call, while it stands still before that.

#include "command.hpp"

#include <aioxx/core/flags.hpp>
#include <aioxx/kernel/layout.hpp>

#include <optional>
#include <utility>
#include <vector>

#include <sys/syscall.h>
#include <sys/uio.h>

namespace aioxx::test {

using kernel::IocbLayout;

template <typename T>
T peek(pid_t pid, std::uintptr_t address) {
    T value{};
    const iovec here{&value, sizeof(T)};
    const iovec there{reinterpret_cast<void*>(address), sizeof(T)};
    REQUIRE(::process_vm_readv(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(sizeof(T)));
    return value;
}

template <typename T>
void poke(pid_t pid, std::uintptr_t address, T value) {
    const iovec here{&value, sizeof(T)};
    const iovec there{reinterpret_cast<void*>(address), sizeof(T)};
    REQUIRE(::process_vm_writev(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(sizeof(T)));
}

/// The iocbs and where they are; none before other calls.
inline std::vector<std::pair<std::uintptr_t, IocbLayout>> iocbs_of(const Stop& stop) {
    std::vector<std::pair<std::uintptr_t, IocbLayout>> iocbs;
    for (std::size_t i = 0; stop.number == SYS_io_submit && i < stop.arguments[1]; ++i) {
        const auto array = static_cast<std::uintptr_t>(stop.arguments[2]);
        const auto address = peek<std::uintptr_t>(stop.pid, array + i * sizeof(void*));
        iocbs.emplace_back(address, peek<IocbLayout>(stop.pid, address));
    }
    return iocbs;
}

/// A transfer by a plain call, of one part, and where that is described.
struct PlainTransfer {
    bool write;
    std::uintptr_t address;
    iovec part;
};

inline std::optional<PlainTransfer> plain_transfer_of(const Stop& stop) {
    const bool write = stop.number == SYS_pwritev2;
    if ((!write && stop.number != SYS_preadv2) || stop.arguments[2] != 1) {
        return std::nullopt;
    }
    const auto address = static_cast<std::uintptr_t>(stop.arguments[1]);
    return PlainTransfer{write, address, peek<iovec>(stop.pid, address)};
}

/// Whether a transfer of that kind is among them.
inline bool submits(const Stop& stop, Opcode opcode) {
    for (const auto& [address, iocb] : iocbs_of(stop)) {
        if (static_cast<Opcode>(iocb.opcode) == opcode) {
            return true;
        }
    }
    return false;
}

/// How many reads are submitted before the first write, by a run without threads: all is submitted
/// where the test looks on.
inline unsigned reads_before_writes(Tool& tool) {
    tool.before_exec = refuse_threads;
    unsigned reads = 0;
    const Outcome end = tool.trace([&](const Stop& stop) {
        for (const auto& [address, iocb] : iocbs_of(stop)) {
            if (static_cast<Opcode>(iocb.opcode) == Opcode::write) {
                return Then::let_go; // the first read has come back
            }
            reads += static_cast<Opcode>(iocb.opcode) == Opcode::read ? 1 : 0;
        }
        return Then::go_on;
    });
    CHECK(end.status == 0);
    return reads;
}

} // namespace aioxx::test
