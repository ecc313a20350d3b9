// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include "engine/open_file.hpp"
#include "engine/worker_pool.hpp"
#include "posix/duplicate_table.hpp"
#include "posix/pin_table.hpp"

AIOXX_NAMESPACE_BEGIN
namespace engine {
class Engine;
}
namespace posix {

class PerCallDescriptor;
using PinnedFiles = engine::List<PerCallDescriptor, 2>;
using NamedFiles = engine::List<PerCallDescriptor, 3>;
using RetiredFiles = engine::List<PerCallDescriptor, 3>;

/// The files of a layer, where something is to be done with them. Outlives the engine.
struct FileLists {
    FileLists() = default;
    ~FileLists() { free_retired(); }
    FileLists(const FileLists&) = delete;
    FileLists& operator=(const FileLists&) = delete;

    void free_retired() noexcept;

    PinnedFiles pinned;
    RetiredFiles retired; // not freed at once: that may be inside a signal handler
};

/// A file behind one of the program's descriptors. The program may close the descriptor at any
/// time and tells nothing of it, so the number is valid inside one call only: between name() and
/// the engine's expire(). What waits by the end of the call keeps its file open: a pipe or a socket
/// by a duplicate in the program's table, on which the engine's thread goes on; another file by a
/// pin; and a write into the page cache takes its file along to the worker.
class PerCallDescriptor final
    : public engine::OpenFile,
      public engine::Link<PerCallDescriptor, 2>,  // pinned files
      public engine::Link<PerCallDescriptor, 3> { // named in a call, or retired
public:
    /// `lists`: where it is while it has a pin, and when it is retired.
    PerCallDescriptor(const File& file, DuplicateTable& duplicates, PinTable& pins,
                      engine::WorkerPool& workers, FileLists& lists) noexcept;

    [[nodiscard]] FileKind kind() const noexcept { return kind_; }
    /// Whether it stays open for what waits.
    [[nodiscard]] bool is_kept_open() const noexcept {
        return pin_ != nullptr || duplicate_ != nullptr;
    }
    /// Whether `operation`, which is with a worker, has taken the file along.
    [[nodiscard]] bool is_lent_to(const engine::Operation& operation) const noexcept {
        return operation.pin != nullptr && operation.pin == loan_.pin;
    }

    /// The number is known to be this file's until the present call ends.
    void name(NamedFiles& named) noexcept;
    /// The call ends. What the number stands for is not known any more, unless it is a duplicate.
    void end_of_call(engine::Engine& engine, NamedFiles& named) noexcept;
    /// Keeps the file open for what waits, and is to be done by a worker or not; may start one.
    /// Whether it is.
    bool keep_open(bool for_worker) noexcept;
    /// Why epoll does not take the file: an errno, once.
    [[nodiscard]] int take_unwatchable() noexcept;

    void keep() noexcept override {}
    void release() noexcept override;
    bool confirm(int number) noexcept override;
    int prepare_for_worker(engine::Operation& operation) noexcept override;
    int watch(int epoll, std::uint32_t events, std::uint64_t data) noexcept override;
    void unwatch(int epoll) noexcept override;
    void retire() noexcept override;

private:
    friend struct FileLists;

    ~PerCallDescriptor() = default;

    int open_anew(const char* path, int flags, bool high) noexcept override;
    void close_anew(int number) noexcept override;
    bool duplicate() noexcept;
    void close_duplicate() noexcept;
    bool pin() noexcept;

    DuplicateTable& duplicates_;
    PinTable& pins_;
    engine::WorkerPool& workers_;
    FileLists& lists_;
    Duplicate* duplicate_ = nullptr;
    Duplicate* reopened_ = nullptr;
    Pin* pin_ = nullptr;
    Loan loan_;
    const int number_; // the program's; `fd` is that, or the duplicate
    const FileKind kind_;
    bool is_named_ = false;
    bool retired_ = false;
};

inline PerCallDescriptor& descriptor_of(const engine::Operation& operation) noexcept {
    return static_cast<PerCallDescriptor&>(*operation.file);
}

} // namespace posix
AIOXX_NAMESPACE_END
