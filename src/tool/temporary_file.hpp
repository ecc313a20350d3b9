// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/destination.hpp"
#include "tool/directory.hpp"
#include "tool/signals.hpp"

#include <aioxx/file/file.hpp>

#include <string>

namespace tool {

/// The file that will replace the target: in the target's directory, without a name where the file
/// system can do that (so that not even SIGKILL leaves it behind), else under a hidden one that is
/// removed on every way out.
class TemporaryFile final : public Destination {
public:
    /// For a target called `base` in `directory`, which has to outlive it.
    TemporaryFile(const Directory& directory, std::string base);
    ~TemporaryFile() override;
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] int fd() const noexcept override { return file_.fd(); }
    [[nodiscard]] bool has_mode() const noexcept override { return false; }
    [[nodiscard]] bool changes_directory() const noexcept override { return true; }
    void empty() override {}
    /// In place of what had the name. The directory is not flushed.
    void commit() override;

private:
    void create_named();
    void make_up_name();
    /// False where something has the name already.
    [[nodiscard]] bool link(const char* name) const;
    /// From here on a signal removes it.
    void has_name() noexcept;
    void has_no_name() noexcept;

    const Directory& directory_;
    std::string base_;
    NameToRemove name_;
    aioxx::File file_;
    bool named_ = false;
};

} // namespace tool
