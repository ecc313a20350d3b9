// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_system.hpp"

#include <aioxx/version.hpp>

#include <sys/utsname.h>

namespace tool {

SystemReport look_at_system() {
    SystemReport report;
    utsname names{};
    if (::uname(&names) == 0) {
        report.system = names.sysname;
        report.release = names.release;
        report.machine = names.machine;
    }
    report.version = std::to_string(AIOXX_VERSION_MAJOR) + '.' +
                     std::to_string(AIOXX_VERSION_MINOR) + '.' +
                     std::to_string(AIOXX_VERSION_PATCH);
    report.backend = AIOXX_BACKEND;
    std::error_code error;
    const aioxx::Limits limits = aioxx::limits(error);
    if (!error) {
        report.limits = limits;
    }
    report.holders = find_context_holders();
    report.io_uring = try_io_uring();
    return report;
}

} // namespace tool
