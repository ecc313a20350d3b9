// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace detail {

class FileUse;

/// A list of the Files that have been closed, for one owner of FileUses.
///
/// Ownership: counted, by its owner and by each FileUse. Threads: any thread adds, the owner takes.
class ClosedFiles {
public:
    ClosedFiles() noexcept = default;
    ClosedFiles(const ClosedFiles&) = delete;
    ClosedFiles& operator=(const ClosedFiles&) = delete;

    void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void drop_reference() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    [[nodiscard]] bool empty() const noexcept {
        return newest_.load(std::memory_order_relaxed) == nullptr;
    }
    /// Those that have been closed, linked by next_closed().
    FileUse* take() noexcept { return newest_.exchange(nullptr, std::memory_order_acquire); }
    /// The owner ends: nothing is added any more. Those that were closed before.
    FileUse* end() noexcept;
    /// False when the owner has ended.
    bool add(FileUse& use) noexcept;

private:
    ~ClosedFiles() = default;

    static FileUse* ended() noexcept { return reinterpret_cast<FileUse*>(std::uintptr_t{1}); }

    std::atomic<FileUse*> newest_{nullptr};
    std::atomic<unsigned> references_{1};
};

/// Where a File has the use of one owner; free again when the owner has ended. So a File has no
/// more of them than owners have used it at a time.
struct FileUsePlace {
    std::atomic<const void*> owner{nullptr};
    std::atomic<FileUse*> use{nullptr}; // the side that takes it out tells the other
    FileUsePlace* next = nullptr;       // set before it can be found
};

/// What an owner, a queue's engine, keeps about a File while that is open. It is destroyed when
/// both have dropped it: the owner, and the File's SharedDescriptor.
class FileUse {
public:
    FileUse(const FileUse&) = delete;
    FileUse& operator=(const FileUse&) = delete;

    [[nodiscard]] FileUse* next_closed() const noexcept { return next_closed_; }

    /// The owner needs it no more.
    void drop_by_owner() noexcept {
        if (place_.use.exchange(nullptr, std::memory_order_acq_rel) == this) {
            place_.owner.store(nullptr, std::memory_order_release); // for another
            drop();
        } // else the File is being closed, and drops it
        drop();
    }

    // For SharedDescriptor and ClosedFiles.
    void set_next_closed(FileUse* next) noexcept { next_closed_ = next; }
    void file_closes() noexcept {
        closed_files_.add(*this);
        drop();
    }

protected:
    using Destroy = void (*)(FileUse&) noexcept;

    /// `place` stays for as long as this does.
    FileUse(FileUsePlace& place, ClosedFiles& closed_files, Destroy destroy) noexcept
        : place_(place), closed_files_(closed_files), destroy_(destroy) {
        closed_files_.add_reference();
    }
    ~FileUse() { closed_files_.drop_reference(); }

private:
    void drop() noexcept {
        if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            destroy_(*this);
        }
    }

    FileUse* next_closed_ = nullptr;
    FileUsePlace& place_;
    ClosedFiles& closed_files_;
    Destroy destroy_;
    std::atomic<int> holders_{2};
};

inline FileUse* ClosedFiles::end() noexcept {
    FileUse* const all = newest_.exchange(ended(), std::memory_order_acquire);
    return all == ended() ? nullptr : all;
}

inline bool ClosedFiles::add(FileUse& use) noexcept {
    FileUse* next = newest_.load(std::memory_order_relaxed);
    do {
        if (next == ended()) {
            return false;
        }
        use.set_next_closed(next);
    } while (!newest_.compare_exchange_weak(next, &use, std::memory_order_release,
                                            std::memory_order_relaxed));
    return true;
}

} // namespace detail
AIOXX_NAMESPACE_END
