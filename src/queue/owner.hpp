// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <atomic>

#include <sys/types.h>

AIOXX_NAMESPACE_BEGIN
namespace queue {

/// With `-Dchecks=enabled`: the thread that is inside a queue's functions. A second one ends the
/// program, with a line that names both. Between two calls no thread owns a queue: it may be
/// handed over. Without checks nothing of this is left.
class Owner {
public:
#if AIOXX_CHECKS
    /// `doing`: the function that is called, for the message.
    void enter(const char* doing) noexcept;
    void leave() noexcept;

private:
    std::atomic<pid_t> thread_{0};
    std::atomic<const char*> doing_{nullptr};
    unsigned entered_ = 0; // by that thread, one inside the other
#else
    void enter(const char* /*doing*/) noexcept {}
    void leave() noexcept {}
#endif
};

/// A call of one of a queue's functions, until it returns.
class Entry {
public:
    Entry(Owner& owner, const char* doing) noexcept : owner_(owner) { owner_.enter(doing); }
    ~Entry() { owner_.leave(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

private:
    Owner& owner_;
};

/// With checks ends the program where a queue is destroyed inside its own callback.
void must_not_be_inside(unsigned callbacks) noexcept;

} // namespace queue
AIOXX_NAMESPACE_END
