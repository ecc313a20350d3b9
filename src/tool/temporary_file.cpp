// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/temporary_file.hpp"

#include "tool/failure.hpp"

#include <algorithm>
#include <cerrno>
#include <random>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr unsigned private_mode = 0600; // until it is complete

std::string link_of(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

} // namespace

TemporaryFile::TemporaryFile(const Directory& directory, std::string base)
    : directory_(directory), base_(std::move(base)) {
    name_.directory = directory.fd();
    std::error_code error;
    file_ = aioxx::File::open_at(directory_.fd(), ".", O_TMPFILE | O_RDWR, private_mode, error);
    // It is through /proc that it gets its name at the end.
    if (error || ::access(link_of(file_.fd()).c_str(), F_OK) != 0) {
        create_named();
    }
}

TemporaryFile::~TemporaryFile() {
    if (named_) {
        const SignalsBlocked blocked;
        ::unlinkat(directory_.fd(), name_.name.data(), 0);
        has_no_name();
    }
}

void TemporaryFile::create_named() {
    const SignalsBlocked blocked;
    std::error_code error;
    do {
        make_up_name();
        file_ = aioxx::File::open_at(directory_.fd(), name_.name.data(), O_CREAT | O_EXCL | O_RDWR,
                                     private_mode, error);
    } while (error.value() == EEXIST);
    if (error) {
        throw Failure(directory_.path(), "cannot create a file in this directory", error.value());
    }
    has_name();
}

void TemporaryFile::make_up_name() {
    constexpr std::string_view prefix = ".aioxx-";
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    static std::mt19937 random{std::random_device{}()}; // the latter alone takes 20 us a name
    auto* const at = std::copy(prefix.begin(), prefix.end(), name_.name.begin());
    std::generate_n(at, 12, [&] { return letters[random() % letters.size()]; });
}

void TemporaryFile::has_name() noexcept {
    remove_on_signal(name_);
    named_ = true;
}

void TemporaryFile::has_no_name() noexcept {
    keep_on_signal(name_);
    named_ = false;
}

bool TemporaryFile::link(const char* name) const {
    const bool linked =
        ::linkat(AT_FDCWD, link_of(fd()).c_str(), directory_.fd(), name, AT_SYMLINK_FOLLOW) == 0;
    if (!linked && errno != EEXIST) {
        throw Failure(directory_.path_of(base_), "cannot give the copy a name", errno);
    }
    return linked;
}

void TemporaryFile::commit() {
    const SignalsBlocked blocked;
    if (!named_ && link(base_.c_str())) {
        return; // nothing had the name
    }
    while (!named_) {
        make_up_name();
        if (link(name_.name.data())) {
            has_name();
        }
    }
    if (::renameat(directory_.fd(), name_.name.data(), directory_.fd(), base_.c_str()) != 0) {
        const int cause = errno; // the destructor removes it
        throw Failure(directory_.path_of(base_), "cannot replace it", cause);
    }
    has_no_name();
}

} // namespace tool
