// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/posix_command.hpp"

#include "tool/failure.hpp"
#include "tool/posix_program.hpp"
#include "tool/posix_run.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <dlfcn.h>
#include <unistd.h>

namespace tool {
namespace {

using std::filesystem::path;

constexpr int not_executable = 126;
constexpr int not_found = 127;

#ifdef AIOXX_POSIX_FILE

constexpr const char* library_name = AIOXX_POSIX_FILE;

/// Full path of the drop-in: beside this command, as it was installed or built. Not by the absolute
/// directories, so that an installation can be moved.
std::string find_library() {
    if (const char* const given = std::getenv("AIOXX_POSIX_LIBRARY")) {
        if (!std::filesystem::is_regular_file(given)) {
            throw Failure(std::string{given} + ": no such file (AIOXX_POSIX_LIBRARY)");
        }
        return std::filesystem::absolute(given);
    }
    const path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const path to_libraries = path{AIOXX_LIBDIR}.lexically_relative(AIOXX_BINDIR);
    for (const path& directory : {here / to_libraries, here / ".." / "posix"}) {
        path library = (directory / library_name).lexically_normal();
        if (std::filesystem::is_regular_file(library)) {
            return library;
        }
    }
    throw Failure((here / to_libraries / library_name).lexically_normal().string() +
                  ": the drop-in is not there");
}

#else

std::string find_library() {
    throw Failure("posix: built without the drop-in (-Dposix=disabled)");
}

#endif

/// The same file by a path that glibc's dynamic linker alone understands, which puts a directory
/// that there is in the place of $LIB. To others, as musl's, there is no such file, and they go on
/// without it: a program's children may be of any C library.
std::string path_for_glibc(const std::string& library) {
    std::string path = "/$LIB/../../../.." + library; // no directory is above the root
    void* const loaded = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (loaded == nullptr) { // of another number of bits than this command; no such directory
        return library;
    }
    ::dlclose(loaded);
    return path;
}

/// Behind what is there: a profiler, or a sanitizer's runtime, stays in front.
void preload(const std::string& library) {
    if (library.find_first_of(": ") != std::string::npos) {
        throw Failure(library + ": LD_PRELOAD takes no path with a space or a colon");
    }
    const char* const others = std::getenv("LD_PRELOAD");
    const bool any = others != nullptr && *others != '\0';
    const std::string path = path_for_glibc(library);
    ::setenv("LD_PRELOAD", (any ? others + (':' + path) : path).c_str(), 1);
}

[[noreturn]] void execute(std::vector<std::string> words) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    ::execvp(pointers[0], pointers.data());
    const int error = errno;
    throw Failure(words[0], "cannot be run", error, error == ENOENT ? not_found : not_executable);
}

} // namespace

void run_posix(std::vector<std::string> words, bool stats) {
    const std::string library = find_library();
    const std::string why = why_not_reached(find_program(words[0]), library);
    if (why.empty()) {
        preload(library);
    } else {
        tell_user(words[0] + ": runs without the drop-in: " + why);
    }
    if (stats) {
        run_counted([&words] { execute(std::move(words)); });
    }
    execute(std::move(words));
}

std::vector<std::string> separate_program(std::vector<std::string>& words) {
    if (words.empty() || words[0] != "posix") {
        return {};
    }
    const auto is_option = [](const std::string& word) {
        return word.size() > 1 && word[0] == '-';
    };
    auto first = std::find_if_not(words.begin() + 1, words.end(), is_option);
    if (const auto mark = std::find(words.begin() + 1, first, "--"); mark != first) {
        first = words.erase(mark);
    }
    std::vector<std::string> program{first, words.end()};
    words.erase(first + (program.empty() ? 0 : 1), words.end());
    return program;
}

} // namespace tool
