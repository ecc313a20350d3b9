// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/copy.hpp"
#include "tool/destination.hpp"
#include "tool/failure.hpp"
#include "tool/file_copy.hpp"
#include "tool/progress.hpp"
#include "tool/transfer.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tool {

/// Copies files into a directory. Many small ones are on their way at a time, each by itself from
/// its opening to its name: so the disk has the transfers of many files to choose from, and one
/// commit of the journal is for the flushes of many. Large files then go one by one, with many
/// blocks in flight.
class SeveralCopies {
public:
    explicit SeveralCopies(const CopyOptions& options);

    /// False where one has failed: the user has been told, and the others are copied.
    bool run();

private:
    void sort_sources();
    void copy_small_ones();
    /// One small file after the other, until there are none left, or no descriptors for one more
    /// beside the other lanes.
    aioxx::Task<> copy_lane(aioxx::Queue& queue);
    aioxx::Task<> copy_small(const std::string& source, aioxx::Queue& queue);
    void copy_large(const std::string& source);
    std::unique_ptr<FileCopy> open(const std::string& source);
    void committed(FileCopy& file);
    void flush_directories();
    void tell_remarks() const;
    void tell_of(const Failure& failure);

    /// The targets that something holds for.
    struct Files {
        std::string first;
        std::size_t number = 0;

        void count(const std::string& name) {
            first = number == 0 ? name : first;
            ++number;
        }
    };

    const CopyOptions& options_;
    Directories directories_;
    LazyQueue queue_;
    Progress progress_;
    std::vector<std::string> small_;
    std::vector<std::string> large_;
    std::size_t next_small_ = 0;
    std::size_t lanes_ = 0;
    std::set<std::string> targets_;
    std::map<const Directory*, Files> changed_;
    std::map<std::string, Files> remarks_;
    bool all_copied_ = true;
    bool any_copied_ = false;
};

} // namespace tool
