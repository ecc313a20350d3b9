// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/remarks.hpp"

#include <aioxx/file/file.hpp>

#include <string>

namespace tool {

/// A directory that files are made in. It need not be readable: then it cannot be flushed.
class Directory {
public:
    /// Throws a Failure where it cannot be opened at all.
    explicit Directory(std::string path);

    /// For the calls that take a directory and a name.
    [[nodiscard]] int fd() const noexcept { return directory_.fd(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// What `base` in it is called for the user.
    [[nodiscard]] std::string path_of(const std::string& base) const;

    /// Puts its entries onto the disk. Where that is not possible there is a remark; where it goes
    /// wrong it throws a Failure. `name` is that of the copy in it.
    void flush(const std::string& name, Remarks& remarks) const;

private:
    std::string path_;
    aioxx::File directory_;
    int unreadable_ = 0; // the errno of opening it
};

} // namespace tool
