// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/open_failure.hpp"

#include <aioxx/core/error.hpp>
#include <aioxx/core/limits.hpp>

#include <cerrno>
#include <string>
#include <string_view>

#include <sys/resource.h>

AIOXX_NAMESPACE_BEGIN
namespace queue {
namespace {

std::string of_events(const engine::Engine& engine, int error) {
    std::string text = " for " + std::to_string(engine.events_asked()) + " events";
    std::error_code unknown;
    const Limits system = limits(unknown);
    if (error == EAGAIN && !unknown) {
        text += " (fs.aio-max-nr allows " + std::to_string(system.allowed) + " in all, " +
                std::to_string(system.used) + " are in use)";
    }
    return text;
}

std::string of_descriptors(int error) {
    rlimit allowed{};
    if (error != EMFILE || ::getrlimit(RLIMIT_NOFILE, &allowed) != 0) {
        return {};
    }
    return " (RLIMIT_NOFILE allows " + std::to_string(allowed.rlim_cur) +
           " descriptors, none of which is free)";
}

} // namespace

void throw_open_failure(const engine::Engine& engine, const std::error_code& error) {
    const std::string_view call = engine.failed_call();
    std::string text = "Queue: ";
    text += call;
    text += call == "io_setup" ? of_events(engine, error.value()) : of_descriptors(error.value());
    detail::throw_error(error, text.c_str());
}

} // namespace queue
AIOXX_NAMESPACE_END
