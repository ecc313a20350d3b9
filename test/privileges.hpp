// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aioxx::test {

/// Whether this thread has a capability, CAP_CHOWN say: in a container root may be without any.
inline bool has_capability(int number) noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    return ::syscall(SYS_capget, &header, data) == 0 &&
           (data[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number)) != 0;
}

/// Whether it may become any user that it names.
inline bool may_become_another_user() noexcept {
    return has_capability(CAP_SETUID) && has_capability(CAP_SETGID);
}

} // namespace aioxx::test
