// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/anonymous_files.hpp"

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Whether the layer's own descriptors are still its own. A program that closes descriptors it does
/// not know, as daemons do, closes them, and may open other files in their place: nothing may
/// be written to those. The layer is then cut off for good; another one has to be made. Used with
/// the CriticalSection held.
class OwnDescriptors {
public:
    explicit OwnDescriptors(const AnonymousFiles& anonymous) noexcept : anonymous_(anonymous) {}

    /// Looks. Makes one system call, until the answer is yes.
    [[nodiscard]] bool are_closed() noexcept {
        requests_until_look_ = look_every;
        closed_ = closed_ || !anonymous_.has_own();
        return closed_;
    }
    /// Before a request. Looks only at every eighth request while others are in progress
    /// (`busy`): programs close all descriptors once, and between their requests.
    [[nodiscard]] bool allow_request(bool busy) noexcept {
        return !closed_ && ((busy && --requests_until_look_ > 0) || !are_closed());
    }

private:
    static constexpr unsigned look_every = 8;

    const AnonymousFiles& anonymous_;
    bool closed_ = false;
    unsigned requests_until_look_ = 1;
};

} // namespace posix
AIOXX_NAMESPACE_END
