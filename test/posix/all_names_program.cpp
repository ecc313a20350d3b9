// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// Refers to every name, and to those of older versions of the C library: the dynamic linker tells
// binding_test.cpp where each comes from. It calls none.

#include <cstdio>

#include <aio.h>

// What old programs are linked with. Only the C library has versions to name.
#if defined(__x86_64__) && defined(__LP64__)
#define OLDEST "GLIBC_2.2.5"
#elif defined(__i386__)
#define OLDEST "GLIBC_2.1"
#endif

#ifdef OLDEST
#define OLD(name, version)                                                                         \
    extern "C" void old_##name();                                                                  \
    __asm__(".symver old_" #name "," #name "@" version)
OLD(aio_read, OLDEST);
OLD(aio_write64, OLDEST);
OLD(aio_error, OLDEST);
OLD(aio_suspend64, OLDEST);
OLD(lio_listio, "GLIBC_2.4");
#endif
#ifdef __i386__
extern "C" void __aio_suspend_time64();
#endif

namespace {

template <typename Function>
const void* address(Function* function) {
    return reinterpret_cast<const void*>(function);
}

const void* const addresses[] = {
    address(aio_init),
    address(aio_read),
    address(aio_read64),
    address(aio_write),
    address(aio_write64),
    address(aio_fsync),
    address(aio_fsync64),
    address(aio_error),
    address(aio_error64),
    address(aio_return),
    address(aio_return64),
    address(aio_suspend),
    address(aio_suspend64),
    address(aio_cancel),
    address(aio_cancel64),
    address(lio_listio),
    address(lio_listio64),
#ifdef __i386__
    address(__aio_suspend_time64),
#endif
#ifdef OLDEST
    address(old_aio_read),
    address(old_aio_write64),
    address(old_aio_error),
    address(old_aio_suspend64),
    address(old_lio_listio),
#endif
};

} // namespace

int main() {
    for (const void* const each : addresses) {
        std::printf("%p\n", each);
    }
}
