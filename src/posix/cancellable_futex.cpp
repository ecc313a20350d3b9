// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Compiled without exceptions. A thread may be cancelled at any instruction of this function, and a
// table of call sites, which exceptions bring, lists calls only: unwinding from another instruction
// would end the program.

#include "posix/cancellable_futex.hpp"

#include <cerrno>

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

int cancellable_futex_wait(std::uint32_t* word, std::uint32_t value, const timespec* limit) {
#ifdef SYS_futex_time64 // 32 bits: the size of the C library's timespec may be another than the
                        // kernel's
    struct {
        std::int64_t seconds;
        std::int64_t nanoseconds;
    } kernel_limit{};
    constexpr long call = SYS_futex_time64;
    if (limit != nullptr) {
        kernel_limit = {limit->tv_sec, limit->tv_nsec};
    }
    const void* const given = limit != nullptr ? &kernel_limit : nullptr;
#else
    constexpr long call = SYS_futex;
    const void* const given = limit;
#endif
    int before = 0;
    ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
    const long result = ::syscall(call, word, FUTEX_WAIT_PRIVATE, value, given, nullptr, 0);
    const int error = errno;
    ::pthread_setcanceltype(before, &before);
    return result == 0 ? 0 : error;
}

} // namespace posix
AIOXX_NAMESPACE_END
