// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Which library the names bind to, by the dynamic linker's own report. With a symbol version they
// would bind to the C library unnoticed, and all the other tests would pass.

#include "posix/names.hpp"
#include "posix/own_process.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include <unistd.h>

namespace aioxx::test {
namespace {

/// Each name that `object` was bound for, and to which files, from the output of LD_DEBUG.
std::map<std::string, std::set<std::string>> bindings(const std::string& report,
                                                      const std::string& object) {
    // "  123: binding file PROGRAM [0] to LIBRARY [0]: normal symbol `NAME' [VERSION]"
    std::map<std::string, std::set<std::string>> found;
    std::istringstream lines{report};
    for (std::string line; std::getline(lines, line);) {
        const std::string from = "binding file " + object + " [0] to ";
        const std::size_t begin = line.find(from);
        const std::size_t name = line.find('`');
        if (begin == std::string::npos || name == std::string::npos) {
            continue;
        }
        const std::size_t library = begin + from.size();
        found[line.substr(name + 1, line.find('\'', name) - name - 1)].insert(
            line.substr(library, line.find(' ', library) - library));
    }
    return found;
}

std::string resolved(const std::string& path) {
    return std::filesystem::weakly_canonical(path).string();
}

void check_all_go_here(const std::map<std::string, std::set<std::string>>& found) {
    const std::string here = resolved(library_of("aio_read"));
    for (const auto& binding : found) { // clang captures no part of a structured binding
        const std::string& name = binding.first;
        const std::set<std::string>& libraries = binding.second;
        if (name.find("aio_") == std::string::npos && name.find("lio_") == std::string::npos) {
            continue;
        }
        CAPTURE(name);
        REQUIRE(!libraries.empty());
        for (const std::string& library : libraries) {
            CHECK(resolved(library) == here);
        }
    }
}

const std::vector<std::string> report_bindings = {
    "LD_DEBUG=bindings", "LD_BIND_NOW=1", "ASAN_OPTIONS=verify_asan_link_order=0", "LC_ALL=C"};

POSIX_CASE("the library under test is the right one") {
    CHECK(on_glibc() != drop_in_expected);
    const bool drop_in = library_of("aio_read").find("libaioxx-posix.so.0") != std::string::npos;
    CHECK(drop_in == drop_in_expected);
}

POSIX_CASE("every name has its function in one library") {
    for (const std::string& name : all_names()) {
        CAPTURE(name);
        CHECK(library_of(name.c_str()) == library_of("aio_read"));
    }
}

POSIX_CASE("preloaded, every name of a program binds to it, those of old programs as well") {
    std::vector<std::string> environment = report_bindings;
    const std::vector<std::string> preload = preloaded();
    environment.insert(environment.end(), preload.begin(), preload.end());
    const ProgramEnd end =
        run({.arguments = {ALL_NAMES_PROGRAM}, .environment = environment, .seconds = 30});
    REQUIRE(end.status == 0);
    const auto found = bindings(end.text, ALL_NAMES_PROGRAM);
    for (const std::string& name : all_names()) {
        CAPTURE(name);
        CHECK(found.count(name) == 1);
    }
    check_all_go_here(found);
}

POSIX_CASE("loaded by dlopen, it may be closed with requests in flight, and be loaded again") {
    const ProgramEnd end = run(
        {.arguments = {DLCLOSE_PROGRAM, library_of("aio_read")}, .environment = {}, .seconds = 30});
    CAPTURE(end.text);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

POSIX_CASE("linked in front of the C library, every name of a program binds to it") {
    const ProgramEnd end = run(
        {.arguments = {own_path(), "--version"}, .environment = report_bindings, .seconds = 30});
    REQUIRE(end.status == 0);
    const auto found = bindings(end.text, own_path());
    CHECK(found.count("aio_read64") == 1);
    check_all_go_here(found);
}

TEST_CASE("valgrind finds no error in a program with it") {
#if defined(AIOXX_TEST_TSAN) || defined(__SANITIZE_ADDRESS__)
    std::printf("not under a sanitizer: valgrind cannot run it\n");
#else
    if (sizeof(void*) == 4) {
        std::printf("not with 32 bits: valgrind needs another C library's symbols there\n");
        return;
    }
    const std::string valgrind = "/usr/bin/valgrind";
    if (::access(valgrind.c_str(), X_OK) != 0) {
        SKIP_CASE("needs valgrind");
    }
    const ProgramEnd end =
        run({.arguments = {valgrind, "--error-exitcode=9", "--fair-sched=yes", own_path(),
                           "-tc=LIO_WAIT says EIO when one has failed*"},
             .environment = {"AIOXX_OWN_PROCESS=1"}});
    if (end.text.find("Possibly corrupted debuginfo file") != std::string::npos) {
        skip("valgrind does not know this compiler's debug information", true);
        return;
    }
    CAPTURE(end.text);
    CHECK(end.status == 0);
    CHECK(end.text.find("ERROR SUMMARY: 0 errors") != std::string::npos);
#endif
}

} // namespace
} // namespace aioxx::test
