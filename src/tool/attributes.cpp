// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/attributes.hpp"

#include "tool/failure.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include <sys/xattr.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr const char* posix_acl = "system.posix_acl_access";

// They belong to the mode, are the system's own, or say what the file system makes of the file.
constexpr std::string_view not_copied[] = {posix_acl,          "system.posix_acl_default",
                                           "system.nfs4_acl",  "system.cifs_acl",
                                           "security.evm",     "security.ima",
                                           "security.selinux", "security.SMACK64",
                                           "btrfs.compression"};

void fail_unless_refused(const OpenFile& file, const std::string& what, int error,
                         Remarks& remarks) {
    if (error == EIO) {
        throw Failure(file.name(), what, error);
    }
    remarks.add(what, error);
}

/// The file that a mode with set-user-ID is for has the owner that it gives rights of.
void keep_mode(const OpenFile& target, const struct stat& source, Remarks& remarks) {
    struct stat status {};
    mode_t mode = source.st_mode & 07777U;
    const bool known = ::fstat(target.fd(), &status) == 0;
    if (known) {
        mode &= ~(status.st_uid == source.st_uid ? 0U : static_cast<mode_t>(S_ISUID));
        mode &= ~(status.st_gid == source.st_gid ? 0U : static_cast<mode_t>(S_ISGID));
    }
    if ((known && (status.st_mode & 07777U) == mode) || ::fchmod(target.fd(), mode) == 0) {
        return;
    }
    const int error = errno;
    if (!is_refusal(error)) {
        throw Failure(target.name(), "cannot set the mode", error);
    }
    remarks.add("its mode could not be set", error);
}

void keep_owner(const OpenFile& target, const struct stat& source, Remarks& remarks) {
    struct stat status {};
    const bool known = ::fstat(target.fd(), &status) == 0;
    if (known && status.st_uid == source.st_uid && status.st_gid == source.st_gid) {
        return;
    }
    if (::fchown(target.fd(), source.st_uid, source.st_gid) == 0) {
        return;
    }
    const int error = errno;
    // Into a group of theirs all may give it.
    const bool has_group = ::fchown(target.fd(), static_cast<uid_t>(-1), source.st_gid) == 0;
    const bool same_owner = known && status.st_uid == source.st_uid;
    const char* const what = same_owner  ? "its group could not be set"
                             : has_group ? "its owner could not be set"
                                         : "its owner and group could not be set";
    fail_unless_refused(target, what, error, remarks);
}

/// A text that the kernel fills in, `call(data, size)`, and whose length it tells for size 0.
template <typename Call>
std::optional<std::string> text_of(Call call) {
    for (;;) {
        const ssize_t wanted = call(nullptr, 0);
        std::string text(wanted < 0 ? 0 : static_cast<std::size_t>(wanted), '\0');
        const ssize_t length = wanted <= 0 ? wanted : call(text.data(), text.size());
        if (length >= 0) {
            text.resize(static_cast<std::size_t>(length));
            return text;
        }
        if (errno != ERANGE) { // it has grown meanwhile
            return std::nullopt;
        }
    }
}

std::optional<std::string> attribute_of(const OpenFile& file, const char* name) {
    return text_of(
        [&](char* data, std::size_t size) { return ::fgetxattr(file.fd(), name, data, size); });
}

/// An errno.
int copy_attribute(const OpenFile& source, const OpenFile& target, const char* name) {
    const std::optional<std::string> value = attribute_of(source, name);
    if (!value) {
        return errno == ENODATA ? 0 : errno; // it has gone meanwhile
    }
    return ::fsetxattr(target.fd(), name, value->data(), value->size(), 0) == 0 ? 0 : errno;
}

bool is_copied(std::string_view name) {
    return std::find(std::begin(not_copied), std::end(not_copied), name) == std::end(not_copied);
}

void keep_xattr(const OpenFile& source, const OpenFile& target, Remarks& remarks) {
    const std::optional<std::string> names = text_of(
        [&](char* data, std::size_t size) { return ::flistxattr(source.fd(), data, size); });
    if (!names) {
        if (errno != EOPNOTSUPP && errno != ENOSYS) { // a file system without has none
            fail_unless_refused(source, "its extended attributes could not be read", errno,
                                remarks);
        }
        return;
    }
    for (std::size_t at = 0; at < names->size(); at += std::strlen(names->c_str() + at) + 1) {
        const char* const name = names->c_str() + at;
        const int error = is_copied(name) ? copy_attribute(source, target, name) : 0;
        if (error != 0) {
            fail_unless_refused(target,
                                "its extended attribute " + std::string{name} + " could not be set",
                                error, remarks);
        }
    }
}

/// What the source has; where it has none, the one that the target has of its directory goes.
void keep_acl(const OpenFile& source, const OpenFile& target, Remarks& remarks) {
    int error = 0;
    if (const std::optional<std::string> list = attribute_of(source, posix_acl)) {
        const int set = ::fsetxattr(target.fd(), posix_acl, list->data(), list->size(), 0);
        error = set == 0 ? 0 : errno;
    } else if (::fremovexattr(target.fd(), posix_acl) != 0) {
        error = errno == ENODATA || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
    }
    if (error != 0) {
        fail_unless_refused(target, "its access control list could not be set", error, remarks);
    }
}

} // namespace

bool parse_preserve(const std::string& list, Preserve& preserve, std::string& word) {
    std::istringstream words{list};
    while (std::getline(words, word, ',')) {
        const bool all = word == "all";
        preserve.mode |= all || word == "mode";
        preserve.ownership |= all || word == "ownership";
        preserve.timestamps |= all || word == "timestamps";
        preserve.xattr |= all || word == "xattr";
        if (!all && word != "mode" && word != "ownership" && word != "timestamps" &&
            word != "xattr") {
            return false;
        }
    }
    word = "";
    return !list.empty() && list.back() != ',';
}

void keep_times(const struct stat& status, const OpenFile& target, Remarks& remarks) {
    const timespec times[] = {status.st_atim, status.st_mtim};
    if (::futimens(target.fd(), times) != 0) {
        fail_unless_refused(target, "its times could not be set", errno, remarks);
    }
}

void keep_attributes(const OpenFile& source, const struct stat& status, const OpenFile& target,
                     const Preserve& preserve, bool has_mode, Remarks& remarks) {
    if (preserve.ownership) {
        keep_owner(target, status, remarks);
    }
    if (preserve.xattr) {
        keep_xattr(source, target, remarks);
    }
    if (preserve.mode) {
        keep_acl(source, target, remarks);
    }
    if (preserve.mode || !has_mode) {
        keep_mode(target, status, remarks);
    }
    if (preserve.timestamps) {
        keep_times(status, target, remarks);
    }
}

} // namespace tool
