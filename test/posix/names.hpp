// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <string>
#include <vector>

namespace aioxx::test {

/// Every name under which <aio.h> reaches a function here.
inline std::vector<std::string> all_names() {
    std::vector<std::string> names = {"aio_init"};
    for (const char* const function : {"aio_read", "aio_write", "aio_fsync", "aio_error",
                                       "aio_return", "aio_suspend", "aio_cancel", "lio_listio"}) {
        names.emplace_back(function);
        names.push_back(std::string{function} + "64");
    }
#if __SIZEOF_LONG__ == 4 && defined(__i386__)
    names.emplace_back("__aio_suspend_time64");
#endif
    return names;
}

} // namespace aioxx::test
