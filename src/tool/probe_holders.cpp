// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_system.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

namespace tool {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
    std::string line;
    std::ifstream file{path};
    std::getline(file, line);
    return line;
}

/// Threads of the kernel, and processes that have ended, have no command line and no memory.
bool has_memory(const fs::path& process) {
    std::ifstream file{process / "cmdline"};
    return file.peek() != std::ifstream::traits_type::eof();
}

/// 0 for what is no process.
int number_of(const fs::path& process) {
    const std::string name = process.filename().string();
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    return error == std::errc{} && end == name.data() + name.size() ? number : 0;
}

/// The inode of the ring in a line of maps, "ADDRESSES MODE OFFSET DEVICE INODE   NAME"; empty
/// where the line is of something else. A ring has the name "/[aio] (deleted)".
std::string ring_in(const std::string& line) {
    constexpr unsigned inode_field = 4;
    const std::size_t name = line.find('/');
    if (name == std::string::npos || line.compare(name, 6, "/[aio]") != 0) {
        return {};
    }
    std::size_t at = 0;
    for (unsigned i = 0; i < inode_field; ++i) {
        at = line.find(' ', at) + 1;
    }
    return line.substr(at, line.find(' ', at) - at);
}

} // namespace

ContextHolders find_context_holders() {
    ContextHolders holders;
    std::vector<fs::path> processes;
    std::error_code error;
    for (fs::directory_iterator each{"/proc", error}; !error && each != fs::directory_iterator{};
         each.increment(error)) {
        if (number_of(each->path()) > 0) {
            processes.push_back(each->path());
        }
    }
    std::sort(processes.begin(), processes.end(),
              [](const fs::path& a, const fs::path& b) { return number_of(a) < number_of(b); });
    // The child of a process that has contexts may have the rings mapped as well: the first one
    // counts.
    std::set<std::string> rings;
    for (const fs::path& process : processes) {
        std::ifstream maps{process / "maps"};
        std::string line;
        unsigned contexts = 0;
        bool readable = false;
        while (std::getline(maps, line)) {
            readable = true;
            const std::string ring = ring_in(line);
            contexts += !ring.empty() && rings.insert(ring).second ? 1U : 0U;
        }
        holders.unreadable += !readable && has_memory(process) ? 1U : 0U;
        if (contexts > 0) {
            holders.seen.push_back({number_of(process), first_line(process / "comm"), contexts});
        }
    }
    std::stable_sort(
        holders.seen.begin(), holders.seen.end(),
        [](const ContextHolder& a, const ContextHolder& b) { return a.contexts > b.contexts; });
    return holders;
}

} // namespace tool
