// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// What the command is about to submit, while it stands still before io_submit.

#include "command.hpp"

#include <aioxx/core/flags.hpp>
#include <aioxx/kernel/layout.hpp>

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

/// Whether a transfer of that kind is among them.
inline bool submits(const Stop& stop, Opcode opcode) {
    for (const auto& [address, iocb] : iocbs_of(stop)) {
        if (static_cast<Opcode>(iocb.opcode) == opcode) {
            return true;
        }
    }
    return false;
}

} // namespace aioxx::test
