// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include <atomic>

AIOXX_NAMESPACE_BEGIN

/// Somebody who keeps something about an open File for as long as it is open: the engine of a
/// queue. Held by both, and freed when both have let go of it.
class FileUse {
public:
    FileUse(const FileUse&) = delete;
    FileUse& operator=(const FileUse&) = delete;

    /// Who keeps it; a File has one use for each.
    [[nodiscard]] const void* owner() const noexcept {
        return owner_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] FileUse* next() const noexcept { return next_; }

    /// The owner ends: the File shall not call it any more.
    void owner_forgets() noexcept { owner_.store(nullptr, std::memory_order_relaxed); }
    /// And nothing in here is needed by the owner any more.
    void owner_lets_go() noexcept {
        owner_forgets();
        let_go();
    }

    // For File.
    void attach(std::atomic<FileUse*>& list) noexcept {
        next_ = list.load();
        while (!list.compare_exchange_weak(next_, this)) {
        }
    }
    /// The descriptor is about to be closed, and its number to be free for others.
    void file_closes() noexcept {
        if (owner() != nullptr) {
            on_close_(*this);
        }
        let_go();
    }

protected:
    using Function = void (*)(FileUse&) noexcept;

    FileUse(const void* owner, Function on_close, Function destroy) noexcept
        : owner_(owner), on_close_(on_close), destroy_(destroy) {}
    ~FileUse() = default;

private:
    void let_go() noexcept {
        if (holders_.fetch_sub(1) == 1) {
            destroy_(*this);
        }
    }

    FileUse* next_ = nullptr;
    std::atomic<const void*> owner_; // other queues look for their own while this one ends
    Function on_close_;
    Function destroy_;
    std::atomic<int> holders_{2};
};

/// For the floors above: finds a File's use by an owner, and adds one.
class FileUses {
public:
    static FileUse* find(const File& file, const void* owner) noexcept {
        FileUse* use = file.uses_.load(std::memory_order_acquire);
        while (use != nullptr && use->owner() != owner) {
            use = use->next();
        }
        return use;
    }
    static void add(const File& file, FileUse& use) noexcept { use.attach(file.uses_); }
};

AIOXX_NAMESPACE_END
