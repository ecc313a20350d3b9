// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/directory.hpp"

#include <map>
#include <memory>
#include <string>

namespace tool {

/// The directories of a command's targets, each opened once.
class Directories {
public:
    const Directory& at(const std::string& path) {
        return directories_.try_emplace(path, path).first->second;
    }

private:
    std::map<std::string, Directory> directories_;
};

/// The file that a copy's data goes into.
class Destination {
public:
    Destination() = default;
    virtual ~Destination() = default;
    Destination(const Destination&) = delete;
    Destination& operator=(const Destination&) = delete;

    /// Open for writing, and for reading unless that was not wanted; belongs to this object.
    [[nodiscard]] virtual int fd() const noexcept = 0;
    /// Whether it has the mode that its target had, and keeps that.
    [[nodiscard]] virtual bool has_mode() const noexcept = 0;
    /// Whether there is an entry in the directory that was not there before.
    [[nodiscard]] virtual bool changes_directory() const noexcept = 0;
    /// Before anything is written.
    virtual void empty() = 0;
    /// Gives it the target's name.
    virtual void commit() = 0;
};

/// A new file, which will replace what has the name `base` in `directory`.
std::unique_ptr<Destination> make_replacement(const Directory& directory, const std::string& base);

/// The file that has that name, or a new one. `name` is what the user calls it; with `readable` it
/// can be read as well.
std::unique_ptr<Destination> open_in_place(const Directory& directory, const std::string& base,
                                           const std::string& name, bool readable);

} // namespace tool
