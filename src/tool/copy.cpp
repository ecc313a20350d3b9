// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/copy.hpp"

#include "tool/block_copy.hpp"
#include "tool/failure.hpp"
#include "tool/progress.hpp"
#include "tool/temporary_file.hpp"
#include "tool/unsized_copy.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

void require_regular_file(const std::string& name, const struct stat& status) {
    if (S_ISDIR(status.st_mode)) {
        throw Failure(name + ": is a directory");
    }
    if (!S_ISREG(status.st_mode)) {
        throw Failure(name + ": is not a regular file");
    }
}

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

/// The path that the copy is to have: a symbolic link is followed, as cp does.
std::string resolve_target(const std::string& name) {
    struct stat status {};
    if (::lstat(name.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) {
        return name;
    }
    const std::unique_ptr<char, decltype(&std::free)> path{::realpath(name.c_str(), nullptr),
                                                           &std::free};
    if (path == nullptr) {
        throw Failure(name, "cannot follow the symbolic link", errno);
    }
    return path.get();
}

void check_target(const CopyOptions& options, const struct stat& source) {
    const std::string& name = options.target;
    struct stat status {};
    if (::stat(name.c_str(), &status) != 0) {
        if (errno != ENOENT) {
            throw Failure(name, "cannot create", errno);
        }
        if (name.empty() || name.back() == '/') {
            throw Failure(name, "cannot create", name.empty() ? ENOENT : ENOTDIR);
        }
        return;
    }
    require_regular_file(name, status);
    if (status.st_dev == source.st_dev && status.st_ino == source.st_ino) {
        throw Failure(name + ": is the same file as " + options.source);
    }
    // The directory would allow to replace it; a file that is write-protected is left alone.
    if (::faccessat(AT_FDCWD, name.c_str(), W_OK, AT_EACCESS) != 0) {
        throw Failure(name, "cannot write", errno);
    }
}

/// The permissions; set-user-ID and set-group-ID only where the copy has the same owner, group.
void keep_mode(const OpenFile& target, const struct stat& source) {
    struct stat status {};
    mode_t mode = source.st_mode & 07777U;
    if (::fstat(target.fd(), &status) == 0) {
        mode &= ~(status.st_uid == source.st_uid ? 0U : static_cast<mode_t>(S_ISUID));
        mode &= ~(status.st_gid == source.st_gid ? 0U : static_cast<mode_t>(S_ISGID));
    }
    if (::fchmod(target.fd(), mode) != 0) {
        throw Failure(target.name(), "cannot set the mode", errno);
    }
}

void require_same_size(const OpenFile& source, std::int64_t before) {
    const std::int64_t now = source.size();
    if (now != before) {
        throw Failure(source.name() + (now < before ? ": shrank" : ": grew") +
                      " while it was copied, from " + std::to_string(before) + " to " +
                      std::to_string(now) + " bytes");
    }
}

} // namespace

void copy(const CopyOptions& options) {
    struct stat status {};
    OpenFile source = open_source(options.source, status);
    check_target(options, status);
    source.choose_direct(options.direct, options.block_size);

    const std::filesystem::path path = resolve_target(options.target);
    const std::filesystem::path directory = path.parent_path();
    TemporaryFile temporary{directory.empty() ? "." : directory.string(), path.filename().string()};
    OpenFile target{aioxx::File::borrow(temporary.fd()), options.target};
    target.choose_direct(options.direct, options.block_size);

    const auto complete = [&](auto data) {
        Progress progress{options.quiet};
        data.copy(progress);
        require_same_size(source, status.st_size);
        keep_mode(target, status);
        if (::fsync(target.fd()) != 0) {
            throw Failure(target.name(), "cannot sync", errno);
        }
        if (options.verify) {
            data.compare(progress);
        }
    };
    if (status.st_size == 0) {
        complete(UnsizedCopy{source, target, options.block_size});
    } else {
        complete(BlockCopy{source, target, status.st_size, options.block_size, options.depth});
    }
    temporary.commit();
}

} // namespace tool
