// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include <array>
#include <string>

namespace tool {

/// The file that will replace the target: in the target's directory, without a name where the file
/// system can do that (so that not even SIGKILL leaves it behind), else under a hidden one that is
/// removed on every way out.
class TemporaryFile {
public:
    /// For a target called `base` in `directory`.
    TemporaryFile(const std::string& directory, const std::string& base);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    /// Open for reading and writing; belongs to this object.
    [[nodiscard]] int fd() const noexcept { return file_.fd(); }

    /// Gives it the target's name, in place of what had it, and flushes the directory.
    void commit();

private:
    void create_named();
    void make_up_name();
    void remove() noexcept;

    std::string path_;
    std::string base_;
    std::array<char, 32> name_{}; // fixed in place, for the signal handler
    aioxx::File directory_;
    aioxx::File file_;
    bool named_ = false;
};

} // namespace tool
