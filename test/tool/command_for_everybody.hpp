// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "command.hpp"
#include "files.hpp"

#include <filesystem>
#include <string>

namespace aioxx::test {

/// The command and its library in a place where every user may run them, root included when
/// permissions bind it: the directory that they were built in may be closed to others.
class CommandForEverybody {
public:
    CommandForEverybody() {
        namespace fs = std::filesystem;
        const fs::path built = Tool::built();
        fs::permissions(here_.path(), fs::perms{0755});
        fs::create_directories(here_ / "src/tool");
        fs::copy_file(built, program());
        fs::copy_file(built.parent_path().parent_path() / "libaioxx.so.0",
                      here_ / "src/libaioxx.so.0");
    }

    [[nodiscard]] std::string program() const { return here_ / "src/tool/aioxx"; }

private:
    Workspace here_;
};

} // namespace aioxx::test
