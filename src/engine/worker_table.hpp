// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/open_file.hpp"

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// The descriptor table in which workers make their calls. This one is the program's own; the POSIX
/// layer has another.
class WorkerTable {
public:
    /// A file as a worker sees it.
    struct Entry {
        int fd = -1;         // or a negative errno
        void* pin = nullptr; // what release() needs to know
    };

    WorkerTable() noexcept = default;
    WorkerTable(const WorkerTable&) = delete;
    WorkerTable& operator=(const WorkerTable&) = delete;

    /// On the engine's thread, while no worker runs and before the first one is started: 0, or an
    /// errno with which starting fails.
    virtual int open() noexcept { return 0; }
    /// On the first worker, before all else; the workers after it are made by workers.
    virtual void enter() noexcept {}
    /// On the engine's thread, after enter() and before anything is added to the pool.
    virtual void entered() noexcept {}
    /// On the last worker, before it ends.
    virtual void leave() noexcept {}

    // Of each operation that was added to the pool, either find(), and after a plain call
    // release(), or taken_back().

    /// On a worker: what `operation` is to be made on. May wait until a file has arrived.
    virtual Entry find(Operation& operation) noexcept { return {open_file(operation).fd, nullptr}; }
    /// On the worker that has made a plain call, before its result is published.
    virtual void release(const Entry& /*entry*/) noexcept {}
    /// On the engine's thread: no worker has begun `operation`, nor will.
    virtual void taken_back(Operation& /*operation*/) noexcept {}

    /// Whether it is the program's own, so that any thread can start a worker.
    [[nodiscard]] virtual bool is_programs() const noexcept { return false; }
    /// Whether the last worker has to stay although it is idle. Any thread.
    [[nodiscard]] virtual bool is_in_use() const noexcept { return false; }

protected:
    ~WorkerTable() = default;
};

/// The program's own table.
class SharedTable final : public WorkerTable {
public:
    [[nodiscard]] bool is_programs() const noexcept override { return true; }
};

} // namespace engine
AIOXX_NAMESPACE_END
