// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "engine/engine.hpp"
#include "posix/descriptor_table.hpp"
#include "posix/notifier.hpp"
#include "posix/request_table.hpp"
#include "posix/wait_queue.hpp"

#include <csignal>
#include <cstdint>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// The way out: takes completions from the engine, writes the results to the blocks, and has the
/// notices sent. Used with the CriticalSection held; async-signal-safe.
class Completions {
public:
    /// What a call has to know of the completions that it has found.
    struct Found {
        bool any = false;         // those that wait are to be told
        bool pipe_signal = false; // a write ended with EPIPE, and may have sent SIGPIPE
        bool size_signal = false; // a write ended with EFBIG, and may have sent SIGXFSZ
    };

    Completions(engine::Engine& engine, DescriptorTable& descriptors, RequestTable& requests,
                Notifier& notifier, WaitQueue& waiters, DirectPath& direct_path) noexcept
        : engine_(engine), descriptors_(descriptors), requests_(requests), notifier_(notifier),
          waiters_(waiters), direct_path_(direct_path) {}
    Completions(const Completions&) = delete;
    Completions& operator=(const Completions&) = delete;

    /// Reaps, submits what has become possible, and settles all that is complete. Makes no thread.
    /// `before`: the signals that the calling thread blocks outside the CriticalSection; null for a
    /// thread of the layer's, which takes none.
    void reap(const sigset_t* before) noexcept;
    /// Settles what the engine has found complete.
    void settle(Moment moment, Found& found) noexcept {
        while (engine::Operation* const operation = engine_.take()) {
            end(static_cast<Request&>(*operation), moment, found);
        }
    }
    /// Ends a request that the engine has not seen, with an errno.
    void fail(Request& request, int error, Moment moment, Found& found) noexcept;

private:
    void submit(const sigset_t* before) noexcept;
    void end(Request& request, Moment moment, Found& found) noexcept;

    engine::Engine& engine_;
    DescriptorTable& descriptors_;
    RequestTable& requests_;
    Notifier& notifier_;
    WaitQueue& waiters_;
    DirectPath& direct_path_;
};

} // namespace posix
AIOXX_NAMESPACE_END
