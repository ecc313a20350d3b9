// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace aioxx::test {

/// What roff means by text with escapes. An escape that is not known here stays: no compiler takes
/// it.
inline std::string without_roff_escapes(std::string_view source) {
    struct Escape {
        std::string_view written;
        std::string_view meant;
    };
    // The names in brackets are those of groff_char(7), the ASCII characters that roff changes.
    constexpr std::array<Escape, 18> escapes{{
        {"\\-", "-"},
        {"\\e", "\\"},
        {"\\\\", "\\"},
        {"\\&", ""},
        {"\\[rs]", "\\"},
        {"\\(rs", "\\"},
        {"\\[aq]", "'"},
        {"\\(aq", "'"},
        {"\\[dq]", "\""},
        {"\\(dq", "\""},
        {"\\[ha]", "^"},
        {"\\(ha", "^"},
        {"\\[ti]", "~"},
        {"\\(ti", "~"},
        {"\\[ga]", "`"},
        {"\\(ga", "`"},
        {"\\[hy]", "-"},
        {"\\[mi]", "-"},
    }};
    std::string text;
    while (!source.empty()) {
        std::size_t length = 1;
        std::string_view meant = source.substr(0, 1);
        for (const Escape& escape : escapes) {
            if (source.starts_with(escape.written)) {
                length = escape.written.size();
                meant = escape.meant;
            }
        }
        text += meant;
        source.remove_prefix(length);
    }
    return text;
}

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
    return without_roff_escapes(std::string_view{page}.substr(begin + 4, end - begin - 4));
}

} // namespace aioxx::test
