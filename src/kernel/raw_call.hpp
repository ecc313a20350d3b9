// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// System calls without a library between. syscall.cpp is made of these; libaio.cpp needs one.

#include "kernel/kernel.hpp"

#include <cerrno>
#include <cstddef>
#include <ctime>
#include <type_traits>

#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace kernel {

#if defined(__x86_64__) && defined(__LP64__)

// The instruction itself. By syscall(2), with its variable arguments, and errno saved and restored,
// a read of /dev/zero by a Context takes 210 instructions at depth 1 instead of 124 (callgrind; the
// C loop on libaio takes 179, and no more than 20 above that are wanted), 57 instead of 55 at depth
// 32. Of the time it makes no more than a hundredth there (1.012, 0.998 to 1.022, to the C loop),
// and nothing that shows on zram.
inline long enter_kernel(long number, long a, long b = 0, long c = 0) noexcept {
    long result = number;
    __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
inline long enter_kernel(long number, long a, long b, long c, long d, long e, long f = 0) noexcept {
    long result = number;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#else

template <typename... Arguments>
long enter_kernel(long number, Arguments... arguments) noexcept {
    const int saved = errno;
    const long result = ::syscall(number, arguments...);
    if (result >= 0) {
        return result;
    }
    const int error = errno;
    errno = saved;
    return -error;
}

#endif

inline long as_argument(const volatile void* pointer) noexcept {
    return reinterpret_cast<long>(pointer);
}
inline long as_argument(std::nullptr_t) noexcept {
    return 0;
}
template <typename Number>
long as_argument(Number number) noexcept requires std::is_integral_v<Number> {
    return static_cast<long>(number);
}

/// The result, or -errno; errno stays what it was, as with libaio.
template <typename... Arguments>
int raw_call(long number, Arguments... arguments) noexcept {
    return static_cast<int>(enter_kernel(number, as_argument(arguments)...));
}

/// A timeout as the structure a call wants, `Spec`, and null for `forever`. A structure of 32-bit
/// seconds ends after 68 years.
template <typename Spec>
class TimeoutSpec {
public:
    explicit TimeoutSpec(Timeout timeout) noexcept : limited_(timeout != forever) {
        constexpr Timeout second = 1'000'000'000;
        using Seconds = decltype(Spec::tv_sec);
        const Timeout seconds = timeout / second;
        const bool fits = sizeof(Seconds) == 8 || seconds <= INT32_MAX;
        value_.tv_sec = static_cast<Seconds>(fits ? seconds : INT32_MAX);
        value_.tv_nsec = static_cast<decltype(Spec::tv_nsec)>(timeout % second);
    }
    Spec* get() noexcept { return limited_ ? &value_ : nullptr; }

private:
    Spec value_{};
    bool limited_;
};

/// The two layouts of time that the calls take, whatever time_t is.
struct NativeTime {
    long tv_sec;
    long tv_nsec;
};
struct Time64 {
    std::int64_t tv_sec;
    std::int64_t tv_nsec;
};

/// What io_pgetevents takes for its mask. The size is the kernel's, 64 signals, and not that of
/// the C library's sigset_t: that one gives EINVAL.
struct MaskArgument {
    const sigset_t* mask;
    std::size_t size = 8;
};

/// io_getevents without limit, what most waits are.
inline int raw_get_events(Handle handle, long min, long max, EventLayout* events) noexcept {
#ifdef SYS_io_getevents
    return raw_call(SYS_io_getevents, handle, min, max, events, nullptr);
#else
    return raw_call(SYS_io_pgetevents_time64, handle, min, max, events, nullptr, nullptr);
#endif
}

inline int raw_get_events(Handle handle, long min, long max, EventLayout* events, Timeout timeout,
                          const sigset_t* mask) noexcept {
    MaskArgument argument{mask};
    MaskArgument* const masked = mask != nullptr ? &argument : nullptr;
#ifdef SYS_io_getevents
    if (mask == nullptr) {
        TimeoutSpec<NativeTime> limit{timeout};
        return raw_call(SYS_io_getevents, handle, min, max, events, limit.get());
    }
#endif
#ifdef SYS_io_pgetevents_time64
    TimeoutSpec<Time64> limit64{timeout};
    const int result =
        raw_call(SYS_io_pgetevents_time64, handle, min, max, events, limit64.get(), masked);
    if (result != -ENOSYS) {
        return result;
    }
#endif
#ifdef SYS_io_pgetevents
    TimeoutSpec<NativeTime> limit{timeout};
    return raw_call(SYS_io_pgetevents, handle, min, max, events, limit.get(), masked);
#else
    return -ENOSYS;
#endif
}

} // namespace kernel
AIOXX_NAMESPACE_END
