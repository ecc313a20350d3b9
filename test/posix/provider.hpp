// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Which POSIX AIO this program runs on. The same tests are linked twice: with the drop-in in front
// of the C library, and with the C library alone. Where the two differ on purpose, a test says
// both, and why: `differs(GLIBC, HERE)`, or asks on_glibc().

#include <string>

#include <dlfcn.h>

namespace aioxx::test {

/// Which of the two this program was linked for.
extern const bool drop_in_expected;

/// The file that the dynamic linker takes `name` from.
inline std::string library_of(const char* name) {
    Dl_info info{};
    void* const address = ::dlsym(RTLD_DEFAULT, name);
    const bool known = address != nullptr && ::dladdr(address, &info) != 0;
    return known && info.dli_fname != nullptr ? info.dli_fname : "";
}

/// Whether the C library's own is tested.
inline bool on_glibc() {
    static const bool is = library_of("aio_read") == library_of("gnu_get_libc_version");
    return is;
}

/// What is expected: `glibc` where the C library is tested, else `here`.
template <typename Value>
Value differs(Value glibc, Value here) {
    return on_glibc() ? glibc : here;
}

} // namespace aioxx::test
