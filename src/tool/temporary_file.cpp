// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/temporary_file.hpp"

#include "tool/failure.hpp"
#include "tool/signals.hpp"

#include <algorithm>
#include <cerrno>
#include <random>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr unsigned private_mode = 0600; // until it is complete

std::string link_of(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

} // namespace

TemporaryFile::TemporaryFile(const std::string& directory, const std::string& base)
    : path_(directory), base_(base) {
    std::error_code error;
    directory_ = aioxx::File::open(directory.c_str(), O_RDONLY | O_DIRECTORY, 0, error);
    if (error) {
        throw Failure(directory, "cannot open the directory", error.value());
    }
    file_ = aioxx::File::open_at(directory_.fd(), ".", O_TMPFILE | O_RDWR, private_mode, error);
    // It is through /proc that it gets its name at the end.
    if (error || ::access(link_of(fd()).c_str(), F_OK) != 0) {
        create_named();
    }
}

TemporaryFile::~TemporaryFile() {
    if (named_) {
        const SignalsBlocked blocked;
        remove();
    }
}

void TemporaryFile::create_named() {
    const SignalsBlocked blocked;
    std::error_code error;
    do {
        make_up_name();
        file_ = aioxx::File::open_at(directory_.fd(), name_.data(), O_CREAT | O_EXCL | O_RDWR,
                                     private_mode, error);
    } while (error.value() == EEXIST);
    if (error) {
        throw Failure(path_, "cannot create a file in this directory", error.value());
    }
    named_ = true;
    remove_on_signal(directory_.fd(), name_.data());
}

void TemporaryFile::make_up_name() {
    constexpr std::string_view prefix = ".aioxx-";
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::random_device random;
    auto* const at = std::copy(prefix.begin(), prefix.end(), name_.begin());
    std::generate_n(at, 12, [&] { return letters[random() % letters.size()]; });
}

void TemporaryFile::remove() noexcept {
    ::unlinkat(directory_.fd(), name_.data(), 0);
    remove_on_signal(-1, nullptr);
    named_ = false;
}

void TemporaryFile::commit() {
    const std::string target = (path_ == "." ? "" : path_ + "/") + base_;
    {
        const SignalsBlocked blocked;
        while (!named_) {
            make_up_name();
            if (::linkat(AT_FDCWD, link_of(fd()).c_str(), directory_.fd(), name_.data(),
                         AT_SYMLINK_FOLLOW) == 0) {
                named_ = true;
            } else if (errno != EEXIST) {
                throw Failure(target, "cannot give the copy a name", errno);
            }
        }
        if (::renameat(directory_.fd(), name_.data(), directory_.fd(), base_.c_str()) != 0) {
            const int cause = errno; // the destructor removes it
            throw Failure(target, "cannot replace it", cause);
        }
        remove_on_signal(-1, nullptr);
        named_ = false;
    }
    if (::fsync(directory_.fd()) != 0 && errno != EINVAL) { // EINVAL: directories have no fsync
        throw Failure(target, "is complete, but its directory cannot be synced", errno);
    }
}

} // namespace tool
