// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace aioxx::test {

/// The example of aio(7) as the installed page has it, in C; empty where there is no page.
inline std::string program_of_manual_page() {
    std::string page;
    std::FILE* const pipe = ::popen(
        "for page in /usr/share/man/man7/aio.7.gz /usr/share/man/man7/aio.7; do"
        " [ -f $page ] && gzip --decompress --stdout --force $page && break; done 2>/dev/null",
        "r");
    if (pipe == nullptr) {
        return {};
    }
    for (int byte = 0; (byte = std::fgetc(pipe)) != EOF;) {
        page += static_cast<char>(byte);
    }
    ::pclose(pipe);
    const std::size_t begin = page.find(".EX\n", page.find("Program source"));
    const std::size_t end = page.find(".EE\n", begin);
    if (begin == std::string::npos || end == std::string::npos) {
        return {};
    }
    std::string program;
    const std::string_view source = std::string_view{page}.substr(begin + 4, end - begin - 4);
    // what roff means by a backslash: \- a minus, \e a backslash, \& nothing
    for (std::size_t at = 0; at < source.size(); ++at) {
        if (source[at] != '\\' || at + 1 == source.size()) {
            program += source[at];
            continue;
        }
        ++at;
        if (source[at] != '&') {
            program += source[at] == 'e' ? '\\' : source[at];
        }
    }
    return program;
}

} // namespace aioxx::test
