// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// The answers of `aioxx probe --json`, for the tests to look into.

#include "command.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace aioxx::test {

using Json = nlohmann::json;

inline Json parsed(const Outcome& end) {
    CAPTURE(end.errors);
    REQUIRE(end.status == 0);
    REQUIRE(end.errors.empty());
    return Json::parse(end.out);
}

inline Json probe_of(const std::string& path) {
    return parsed(Tool{{"probe", "--json", path}}.run());
}

inline Json probe_of(const std::string& path, const std::function<void()>& before_exec) {
    Tool tool{{"probe", "--json", path}};
    tool.before_exec = before_exec;
    return parsed(tool.run());
}

inline bool has_access(const Json& report, const std::string& name, bool direct) {
    return std::any_of(report["accesses"].begin(), report["accesses"].end(), [&](const Json& each) {
        return each["access"] == name && each["direct"] == direct;
    });
}

/// An empty object where it was not measured.
inline Json access_of(const Json& report, const std::string& name, bool direct) {
    for (const Json& each : report["accesses"]) {
        if (each["access"] == name && each["direct"] == direct) {
            return each;
        }
    }
    return Json::object();
}

} // namespace aioxx::test
