// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/file_copy.hpp"

#include "tool/failure.hpp"
#include "tool/file_system.hpp"
#include "tool/target_name.hpp"

#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tool {
namespace {

/// By plain calls these take less time than a queue takes to end.
constexpr std::int64_t few_blocks = 4;

OpenFile open_source(const std::string& name, struct stat& status) {
    // Before it is opened, which has consequences with a device, and may wait for ever with a fifo.
    if (::stat(name.c_str(), &status) != 0) {
        throw Failure(name, "cannot open", errno);
    }
    require_regular_file(name, status);
    std::error_code error;
    aioxx::File file = aioxx::File::open(name.c_str(), O_RDONLY, 0, error);
    if (error) {
        throw Failure(name, "cannot open", error.value());
    }
    if (::fstat(file.fd(), &status) != 0) {
        throw Failure(name, "cannot open", errno);
    }
    require_regular_file(name, status);
    return {std::move(file), name};
}

std::filesystem::path path_for(const CopyOptions& options, const std::string& name,
                               const OpenFile& source, const struct stat& status) {
    check_target(options, name, source.name(), status);
    return resolve_target(name);
}

std::unique_ptr<Destination> make_destination(const CopyOptions& options,
                                              const Directory& directory, const std::string& base,
                                              const std::string& name) {
    return options.in_place ? open_in_place(directory, base, name, options.verify)
                            : make_replacement(directory, base);
}

BlockCopy::Ahead ahead_of(int target, bool compressed) noexcept {
    if (may_lack_holes(target)) {
        return BlockCopy::Ahead::nothing;
    }
    return compressed ? BlockCopy::Ahead::size : BlockCopy::Ahead::size_and_blocks;
}

} // namespace

FileCopy::FileCopy(const CopyOptions& options, const std::string& source, const std::string& target,
                   Directories& directories)
    : options_(options), source_(open_source(source, status_)),
      path_(path_for(options, target, source_, status_)),
      directory_(directories.at(path_.parent_path().string())),
      destination_(make_destination(options, directory_, path_.filename().string(), target)),
      target_(aioxx::File::borrow(destination_->fd()), target) {
    choose_way();
}

void FileCopy::choose_way() {
    const bool compressed = compresses(target_.fd());
    source_.choose_direct(options_.direct, options_.block_size);
    if (!compressed || options_.direct == DirectMode::always) {
        target_.choose_direct(options_.direct, options_.block_size);
    }
    if (status_.st_size == 0 || is_made_up(source_.fd())) {
        unsized_.emplace(source_, target_, options_.block_size);
    } else {
        blocks_.emplace(source_, target_, status_.st_size, options_.block_size,
                        ahead_of(target_.fd(), compressed));
    }
}

/// Lets the file system share the blocks, where it can.
bool FileCopy::clone() {
    const bool always = options_.reflink == ReflinkMode::always;
    if (options_.reflink == ReflinkMode::never || (unsized_ && !always)) {
        return false;
    }
    if (::ioctl(target_.fd(), FICLONE, source_.fd()) != 0) {
        if (always) {
            throw Failure(target_.name(), "cannot clone " + source_.name(), errno);
        }
        return false;
    }
    // All that the source has by now.
    if (target_.size() > status_.st_size && ::ftruncate(target_.fd(), status_.st_size) != 0) {
        throw Failure(target_.name(), "cannot set the size", errno);
    }
    return true;
}

std::int64_t FileCopy::size() const noexcept {
    return unsized_ ? Progress::unknown : status_.st_size;
}

std::int64_t FileCopy::copied_size() const {
    return unsized_ ? target_.size() : status_.st_size;
}

bool FileCopy::has_few_blocks() const noexcept {
    return unsized_ || blocks_->blocks() <= few_blocks;
}

bool FileCopy::copy_at_once(Progress& progress) {
    destination_->empty();
    is_clone_ = clone();
    if (is_clone_) {
        progress.add(status_.st_size);
    } else if (unsized_) {
        unsized_->copy(progress);
    }
    return is_clone_ || unsized_;
}

void FileCopy::copy(LazyQueue& queue, Progress& progress) {
    if (copy_at_once(progress)) {
        return;
    }
    if (has_few_blocks()) {
        run_at_once(blocks_->copy_in_turn(nullptr, progress));
    } else {
        blocks_->copy(queue, options_.depth, progress);
    }
}

aioxx::Task<> FileCopy::copy_beside_others(aioxx::Queue& queue, Progress& progress) {
    const bool is_copied = copy_at_once(progress);
    if (!is_copied) {
        co_await blocks_->copy_in_turn(&queue, progress);
    }
}

void FileCopy::look_at_size() {
    const std::int64_t before = status_.st_size;
    const std::int64_t now = source_.size();
    const std::string sizes = " while it was copied, from " + std::to_string(before) + " to " +
                              std::to_string(now) + " bytes";
    if (now < before) {
        throw Failure(source_.name() + ": shrank" + sizes);
    }
    if (now > before) {
        remarks_.add(
            source_.name() + " grew" + sizes +
            (unsized_ ? "" : ", of which the copy has the first " + std::to_string(before)));
    }
}

void FileCopy::finish() {
    look_at_size();
    keep_attributes(source_, status_, target_, options_.preserve, destination_->has_mode(),
                    remarks_);
}

void FileCopy::flush_ended(int error) {
    if (error != 0 && !is_without_flush(error)) {
        throw Failure(target_.name(), "cannot sync", error);
    }
    if (error != 0) {
        remarks_.add("it could not be synced", error);
    }
}

void FileCopy::flush() {
    flush_ended(::fsync(target_.fd()) == 0 ? 0 : errno);
}

aioxx::Task<> FileCopy::flush_beside_others(aioxx::Queue& queue) {
    const aioxx::Completion end = co_await queue.fsync(target_.file()).completion();
    flush_ended(end.error().value());
}

void FileCopy::verify(LazyQueue& queue, Progress& progress) {
    if (unsized_) {
        unsized_->compare(progress);
    } else if (has_few_blocks()) {
        run_at_once(blocks_->compare_in_turn(nullptr, progress));
    } else {
        blocks_->compare(queue, options_.depth, progress);
    }
    verified();
}

aioxx::Task<> FileCopy::verify_beside_others(aioxx::Queue& queue, Progress& progress) {
    const bool has_blocks = blocks_.has_value();
    if (has_blocks) {
        co_await blocks_->compare_in_turn(&queue, progress);
    } else {
        unsized_->compare(progress);
    }
    verified();
}

/// To read it changes a time.
void FileCopy::verified() {
    if (options_.preserve.timestamps) {
        keep_times(status_, target_, remarks_);
    }
}

} // namespace tool
