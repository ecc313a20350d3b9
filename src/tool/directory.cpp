// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/directory.hpp"

#include "tool/failure.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace tool {

Directory::Directory(std::string path) : path_(path.empty() ? "." : std::move(path)) {
    std::error_code error;
    directory_ = aioxx::File::open(path_.c_str(), O_RDONLY | O_DIRECTORY, 0, error);
    if (error.value() == EACCES || error.value() == EPERM) {
        // To make files in it the rights to write and to search it are enough.
        unreadable_ = error.value();
        directory_ = aioxx::File::open(path_.c_str(), O_PATH | O_DIRECTORY, 0, error);
    }
    if (error) {
        throw Failure(path_, "cannot open the directory", error.value());
    }
}

std::string Directory::path_of(const std::string& base) const {
    return path_ == "." ? base : path_ + (path_.back() == '/' ? "" : "/") + base;
}

void Directory::flush(const std::string& name, Remarks& remarks) const {
    const char* const what = "its directory could not be synced";
    if (unreadable_ != 0) {
        remarks.add(what, unreadable_);
        return;
    }
    if (::fsync(fd()) == 0) {
        return;
    }
    const int error = errno;
    if (!is_refusal(error) && error != EBADF && error != EISDIR) {
        throw Failure(name, "is complete, but its directory cannot be synced", error);
    }
    remarks.add(what, error);
}

} // namespace tool
