// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/several_copies.hpp"

#include <aioxx/task/run.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include <sys/resource.h>
#include <sys/stat.h>

namespace tool {
namespace {

constexpr std::int64_t largest_small = 1 << 20;
constexpr std::size_t most_files = 64;

/// Each has two descriptors. How many the caller has open is seen when there are none left.
std::size_t most_files_open() noexcept {
    constexpr rlim_t for_others = 64;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return most_files;
    }
    const rlim_t left = limit.rlim_cur > for_others ? limit.rlim_cur - for_others : 0;
    return std::clamp<std::size_t>(static_cast<std::size_t>(left / 2), 1, most_files);
}

bool is_out_of_descriptors(const Failure& failure) noexcept {
    return failure.error_number() == EMFILE || failure.error_number() == ENFILE;
}

std::string target_of(const std::string& source, const std::string& directory) {
    const std::string base = std::filesystem::path{source}.filename().string();
    return directory + (directory.back() == '/' ? "" : "/") + base;
}

} // namespace

SeveralCopies::SeveralCopies(const CopyOptions& options)
    : options_(options), progress_(options.quiet) {}

bool SeveralCopies::run() {
    sort_sources();
    copy_small_ones();
    for (const std::string& source : large_) {
        try {
            copy_large(source);
        } catch (const Failure& failure) {
            tell_of(failure);
        }
    }
    if (any_copied_) {
        progress_.finish("copy");
    } else {
        progress_.make_way();
    }
    flush_directories();
    tell_remarks();
    return all_copied_;
}

void SeveralCopies::sort_sources() {
    std::int64_t total = 0;
    for (const std::string& name : options_.sources) {
        struct stat status {};
        const bool known = ::stat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode);
        const std::int64_t size = known ? status.st_size : 0;
        total += size;
        (size <= largest_small ? small_ : large_).push_back(name);
    }
    progress_.begin("copy", total == 0 ? Progress::unknown : total, options_.verify ? 2 : 1);
}

void SeveralCopies::copy_small_ones() {
    const std::size_t lanes = std::min(small_.size(), most_files_open());
    if (lanes == 1) {
        large_.insert(large_.begin(), small_.begin(), small_.end()); // one at a time: no queue
        return;
    }
    try {
        for (std::size_t i = 0; i < lanes; ++i) {
            aioxx::Queue& queue = queue_.get(options_.depth);
            ++lanes_;
            aioxx::spawn(queue, copy_lane(queue));
        }
        if (lanes != 0) {
            queue_.get(options_.depth).run();
        }
    } catch (...) {
        queue_.end(); // before the files go
        throw;
    }
}

aioxx::Task<> SeveralCopies::copy_lane(aioxx::Queue& queue) {
    while (next_small_ < small_.size()) {
        const std::string source = small_[next_small_++];
        std::optional<Failure> failed;
        try {
            co_await copy_small(source, queue);
        } catch (const Failure& failure) {
            failed = failure;
        }
        if (failed && is_out_of_descriptors(*failed) && lanes_ > 1) {
            small_.push_back(source); // for the others, which have some
            break;
        }
        if (failed) {
            tell_of(*failed);
        }
    }
    --lanes_;
}

aioxx::Task<> SeveralCopies::copy_small(const std::string& source, aioxx::Queue& queue) {
    const std::unique_ptr<FileCopy> file = open(source);
    co_await file->copy_beside_others(queue, progress_);
    file->finish();
    co_await file->flush_beside_others(queue);
    if (options_.verify) {
        co_await file->verify_beside_others(queue, progress_);
    }
    file->commit();
    committed(*file);
}

void SeveralCopies::copy_large(const std::string& source) {
    const std::unique_ptr<FileCopy> file = open(source);
    file->copy(queue_, progress_);
    file->finish();
    file->flush();
    if (options_.verify) {
        file->verify(queue_, progress_);
    }
    file->commit();
    committed(*file);
}

std::unique_ptr<FileCopy> SeveralCopies::open(const std::string& source) {
    const std::string target = target_of(source, options_.target);
    if (targets_.contains(target)) {
        throw Failure(source + ": " + target + " is already the copy of another source");
    }
    auto file = std::make_unique<FileCopy>(options_, source, target, directories_);
    targets_.insert(target);
    return file;
}

void SeveralCopies::tell_of(const Failure& failure) {
    progress_.make_way();
    tell_user(failure.what());
    all_copied_ = false;
}

void SeveralCopies::committed(FileCopy& file) {
    any_copied_ = true;
    if (const Directory* const directory = file.changed_directory()) {
        changed_[directory].count(file.name());
    }
    if (!file.remarks().text().empty()) {
        remarks_[file.remarks().text()].count(file.name());
    }
}

void SeveralCopies::flush_directories() {
    for (const auto& [directory, files] : changed_) {
        try {
            Remarks remarks;
            directory->flush(files.first, remarks);
            if (!remarks.text().empty()) {
                remarks_[remarks.text()] = files;
            }
        } catch (const Failure& failure) {
            tell_of(failure);
        }
    }
}

/// One line for all files that it holds for.
void SeveralCopies::tell_remarks() const {
    for (const auto& [text, files] : remarks_) {
        const std::size_t others = files.number - 1;
        tell_user(files.first + ": is copied, but " + text +
                  (others == 0 ? "" : ", and " + std::to_string(others) + " more likewise"));
    }
}

} // namespace tool
