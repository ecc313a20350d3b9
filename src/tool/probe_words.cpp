// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_words.hpp"

#include <cstring>

namespace tool {

std::string name_of_error(int error) {
    const char* const name = ::strerrorname_np(error);
    return name != nullptr ? name : "error " + std::to_string(error);
}

const char* name_of(Access access) noexcept {
    switch (access) {
    case Access::read:
        return "read";
    case Access::cached_read:
        return "cached read";
    case Access::overwrite:
        return "overwrite";
    case Access::append:
        return "append";
    case Access::fill:
        return "fill of a hole";
    case Access::fsync:
        return "fsync";
    }
    return "";
}

const char* name_of(Verdict verdict) noexcept {
    switch (verdict) {
    case Verdict::asynchronous:
        return "asynchronous";
    case Verdict::mostly_asynchronous:
        return "mostly asynchronous";
    case Verdict::blocks:
        return "blocks";
    case Verdict::completes_at_once:
        return "completes at once";
    }
    return "";
}

const char* name_of(aioxx::FileKind kind) noexcept {
    switch (kind) {
    case aioxx::FileKind::regular:
        return "file";
    case aioxx::FileKind::directory:
        return "directory";
    case aioxx::FileKind::block_device:
        return "block device";
    case aioxx::FileKind::character_device:
        return "character device";
    case aioxx::FileKind::pipe:
        return "fifo";
    case aioxx::FileKind::socket:
        return "socket";
    default:
        return "other";
    }
}

const char* name_of(aioxx::DirectAlignment::Source source) noexcept {
    switch (source) {
    case aioxx::DirectAlignment::Source::statx:
        return "statx";
    case aioxx::DirectAlignment::Source::device:
        return "device";
    case aioxx::DirectAlignment::Source::assumed:
        return "assumed";
    }
    return "";
}

unsigned in_thousand(unsigned part, unsigned whole) noexcept {
    return whole == 0 ? 0 : (part * 1000 + whole / 2) / whole;
}

double microseconds(std::chrono::nanoseconds time) noexcept {
    return std::chrono::duration<double, std::micro>(time).count();
}

std::string label_of(const AccessReport& measured) {
    if (measured.access == Access::cached_read) {
        return "buffered read, cached";
    }
    return std::string{measured.direct ? "direct " : "buffered "} + name_of(measured.access) +
           (measured.access == Access::read && !measured.direct ? ", uncached" : "");
}

std::vector<std::string> blocking_accesses(const ProbeReport& report) {
    std::vector<std::string> labels;
    for (const AccessReport& each : report.accesses) {
        if (each.error == 0 && each.verdict == Verdict::blocks) {
            labels.push_back(label_of(each));
        }
    }
    return labels;
}

std::optional<std::chrono::nanoseconds> flush_by_kernel(const ProbeReport& report) {
    for (const AccessReport& each : report.accesses) {
        if (each.access == Access::fsync && !each.direct && each.error == 0) {
            return each.to_completion;
        }
    }
    return std::nullopt;
}

} // namespace tool
