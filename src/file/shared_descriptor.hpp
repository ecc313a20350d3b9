// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include "core/fork_generation.hpp"
#include "file/file_use.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// The descriptor of a File that a queue has used, counted: an owned number is closed when the File
/// has dropped its reference, and every queue that has operations under way has dropped its own.
///
/// Threads: any. The File may be closed by one thread while others end operations on it, but not
/// while one of them starts an operation.
class SharedDescriptor {
public:
    SharedDescriptor(int fd, bool owned) noexcept;
    SharedDescriptor(const SharedDescriptor&) = delete;
    SharedDescriptor& operator=(const SharedDescriptor&) = delete;

    /// That of `file`, made at its first use. Throws std::bad_alloc.
    static SharedDescriptor& of(const File& file) {
        SharedDescriptor* const present = find(file);
        const bool is_own =
            present != nullptr && present->generation_ == fork_generation::current();
        return is_own ? *present : make(file, present);
    }
    /// The same if there is one.
    static SharedDescriptor* find(const File& file) noexcept {
        return file.shared_.load(std::memory_order_acquire);
    }

    /// What `owner` keeps of the file, or null.
    [[nodiscard]] FileUse* use_by(const void* owner) const noexcept {
        const FileUsePlace* place = newest_.load(std::memory_order_acquire);
        while (place != nullptr && place->owner.load(std::memory_order_relaxed) != owner) {
            place = place->next;
        }
        return place != nullptr ? place->use.load(std::memory_order_relaxed) : nullptr;
    }
    /// The same of the descriptor of `file`, if that has one. `generation`: this process's.
    static FileUse* known_use(const File& file, const void* owner,
                              std::uint64_t generation) noexcept {
        const SharedDescriptor* const present = find(file);
        const bool is_own = present != nullptr && present->generation_ == generation;
        return is_own ? present->use_by(owner) : nullptr;
    }
    /// For a new use by `owner`, which has none. Throws std::bad_alloc.
    FileUsePlace& take_place(const void* owner);
    /// The use that it was taken for has not come about.
    static void give_back(FileUsePlace& place) noexcept {
        place.owner.store(nullptr, std::memory_order_release);
    }
    [[nodiscard]] std::size_t places() const noexcept;

    /// A use, whose place is in here, holds the memory, though not the number.
    void hold() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
    void let_go() noexcept {
        if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    /// The last one closes an owned number. The errno of close(2), or 0.
    int drop_reference() noexcept;
    /// The File is closed, or gives its descriptor up (`keep_open`): puts it on the list of
    /// each owner of a FileUse, and
    /// drops the File's reference. In a forked child the number is closed at once: operations that
    /// were under way are the parent's. The errno of close(2), or 0.
    int close(bool keep_open) noexcept;

private:
    ~SharedDescriptor();

    /// `present`: none, or that of the process which has forked, which is left as it is.
    static SharedDescriptor& make(const File& file, SharedDescriptor* present);
    int close_number() noexcept;

    const int fd_;
    const std::uint64_t generation_; // of the process that owns the references
    std::atomic<bool> owned_;
    std::atomic<unsigned> references_{1};
    std::atomic<unsigned> holders_{1}; // of the memory: all references together, and each use
    FileUsePlace first_;
    std::atomic<FileUsePlace*> newest_{&first_};
};

} // namespace detail
AIOXX_NAMESPACE_END
