// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/block_copy.hpp"
#include "tool/copy.hpp"
#include "tool/destination.hpp"
#include "tool/open_file.hpp"
#include "tool/progress.hpp"
#include "tool/remarks.hpp"
#include "tool/transfer.hpp"
#include "tool/unsized_copy.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <sys/stat.h>

namespace tool {

/// One file's copy, step by step: opened by the constructor, then copy, finish, flush, verify if
/// that is asked for, commit. Each throws a Failure, and what the target's name stood for is as it
/// was then, unless it is written in place.
class FileCopy {
public:
    FileCopy(const CopyOptions& options, const std::string& source, const std::string& target,
             Directories& directories);

    /// As the user calls the target.
    [[nodiscard]] const std::string& name() const noexcept { return target_.name(); }
    /// What the source said; Progress::unknown where that tells nothing.
    [[nodiscard]] std::int64_t size() const noexcept;
    /// What is to be read back: known when it is copied.
    [[nodiscard]] std::int64_t copied_size() const;
    /// Whether it goes by plain calls, one block after the other.
    [[nodiscard]] bool has_few_blocks() const noexcept;
    /// Whether the file system has shared the source's blocks.
    [[nodiscard]] bool is_clone() const noexcept { return is_clone_; }

    /// The data.
    void copy(LazyQueue& queue, Progress& progress);
    /// Sees whether the source is as it was, and keeps what is to be kept beside the data.
    void finish();
    void flush();
    void verify(LazyQueue& queue, Progress& progress);
    /// The target has its name afterwards.
    void commit() { destination_->commit(); }

    // The same steps for one of many files that are on their way at a time, on one queue.

    aioxx::Task<> copy_beside_others(aioxx::Queue& queue, Progress& progress);
    aioxx::Task<> flush_beside_others(aioxx::Queue& queue);
    aioxx::Task<> verify_beside_others(aioxx::Queue& queue, Progress& progress);

    /// The last step, once for all files that have gone to the directory; null where there is
    /// nothing to be flushed.
    [[nodiscard]] const Directory* changed_directory() const noexcept {
        return destination_->changes_directory() ? &directory_ : nullptr;
    }
    [[nodiscard]] Remarks& remarks() noexcept { return remarks_; }

private:
    void choose_way();
    /// What need not wait for anything: a clone, and a source that has no blocks. False for others.
    bool copy_at_once(Progress& progress);
    [[nodiscard]] bool clone();
    void verified();
    void look_at_size();
    void flush_ended(int error);

    const CopyOptions& options_;
    struct stat status_ {}; // of the source, when it was opened
    OpenFile source_;
    std::filesystem::path path_; // the target's
    const Directory& directory_;
    std::unique_ptr<Destination> destination_;
    OpenFile target_;
    std::optional<UnsizedCopy> unsized_; // or
    std::optional<BlockCopy> blocks_;
    bool is_clone_ = false;
    Remarks remarks_;
};

} // namespace tool
