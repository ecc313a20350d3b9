// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/file/file.hpp>

#include "file/file_system.hpp"
#include "file/shared_descriptor.hpp"
#include "file/statx.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace {

constexpr std::uint32_t assumed_alignment = 4096;

FileKind kind_of(unsigned mode) noexcept {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return FileKind::regular;
    case S_IFDIR:
        return FileKind::directory;
    case S_IFBLK:
        return FileKind::block_device;
    case S_IFCHR:
        return FileKind::character_device;
    case S_IFIFO:
        return FileKind::pipe;
    case S_IFSOCK:
        return FileKind::socket;
    default:
        return FileKind::other;
    }
}

DirectAlignment alignment_of(int fd, FileKind kind, const Statx& status) noexcept {
    using Source = DirectAlignment::Source;
    if (kind != FileKind::regular && kind != FileKind::block_device) {
        return {};
    }
    if ((status.mask & Statx::dioalign) != 0) {
        return {status.dio_memory_alignment, status.dio_offset_alignment, Source::statx};
    }
    int sector = 0;
    if (kind == FileKind::block_device && ::ioctl(fd, BLKSSZGET, &sector) == 0 && sector > 0) {
        const auto bytes = static_cast<std::uint32_t>(sector);
        return {bytes, bytes, Source::device};
    }
    return {assumed_alignment, assumed_alignment, Source::assumed};
}

/// What cannot is always ready for all, in the words of disks; FunctionFS has others.
bool can_be_polled(int fd) noexcept {
    pollfd one{fd, POLLRDNORM, 0};
    return ::poll(&one, 1, 0) != 1 || (one.revents & POLLRDNORM) == 0;
}

} // namespace

File::File(int fd, bool owned, std::error_code& error) noexcept : fd_(fd), owned_(owned) {
    learn(error);
    if (error) {
        std::error_code ignored; // the first error is the one to report
        close(ignored);
    }
}

void File::learn(std::error_code& error) noexcept {
    status_flags_ = ::fcntl(fd_, F_GETFL);
    if (status_flags_ < 0) {
        error.assign(errno, std::generic_category());
        return;
    }
    Statx status;
    struct stat basic {};
    if (!statx(fd_, status)) { // before Linux 4.11, or forbidden by an old seccomp profile
        if (::fstat(fd_, &basic) != 0) {
            error.assign(errno, std::generic_category());
            return;
        }
        status.mode = static_cast<std::uint16_t>(basic.st_mode);
    }
    error.clear();
    kind_ = kind_of(status.mode);
    const std::uint32_t file_system = kind_ == FileKind::regular ? file_system_of(fd_) : 0;
    in_memory_ = is_of_memory(file_system);
    on_fuse_ = file_system == file_systems::fuse;
    on_network_ = is_of_network(file_system);
    usb_endpoint_ = file_system == file_systems::functionfs && !can_be_polled(fd_);
    alignment_ = alignment_of(fd_, kind_, status);
}

File File::open(const char* path, int flags, unsigned mode, std::error_code& error) noexcept {
    return open_at(AT_FDCWD, path, flags, mode, error);
}

void File::throw_not_opened(const std::error_code& error, const char* path, int flags) {
    std::string text = path != nullptr ? path : "File::open";
    if (error.value() == EINVAL && (flags & O_DIRECT) != 0) {
        text += " (with O_DIRECT, which its file system may not have)";
    }
    detail::throw_error(error, text.c_str());
}

File File::open_at(int directory, const char* path, int flags, unsigned mode,
                   std::error_code& error) noexcept {
    if (path == nullptr) { // the C library declares that it never is
        error.assign(EFAULT, std::generic_category());
        return {};
    }
    const int fd = ::openat(directory, path, flags | O_CLOEXEC, static_cast<mode_t>(mode));
    if (fd < 0) {
        error.assign(errno, std::generic_category());
        return {};
    }
    return {fd, true, error};
}

File File::adopt(int fd, std::error_code& error) noexcept {
    return {fd, true, error};
}

File File::borrow(int fd, std::error_code& error) noexcept {
    return {fd, false, error};
}

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), status_flags_(std::exchange(other.status_flags_, 0)),
      alignment_(std::exchange(other.alignment_, {})),
      kind_(std::exchange(other.kind_, FileKind::none)), owned_(std::exchange(other.owned_, false)),
      in_memory_(std::exchange(other.in_memory_, false)),
      on_fuse_(std::exchange(other.on_fuse_, false)),
      on_network_(std::exchange(other.on_network_, false)),
      usb_endpoint_(std::exchange(other.usb_endpoint_, false)),
      shared_(other.shared_.exchange(nullptr)) {}

File& File::operator=(File&& other) noexcept {
    if (this != &other) {
        std::error_code ignored; // as in the destructor
        close(ignored);
        fd_ = std::exchange(other.fd_, -1);
        status_flags_ = std::exchange(other.status_flags_, 0);
        alignment_ = std::exchange(other.alignment_, {});
        kind_ = std::exchange(other.kind_, FileKind::none);
        owned_ = std::exchange(other.owned_, false);
        in_memory_ = std::exchange(other.in_memory_, false);
        on_fuse_ = std::exchange(other.on_fuse_, false);
        on_network_ = std::exchange(other.on_network_, false);
        usb_endpoint_ = std::exchange(other.usb_endpoint_, false);
        shared_ = other.shared_.exchange(nullptr);
    }
    return *this;
}

File::~File() {
    std::error_code ignored;
    close(ignored);
}

void File::close(std::error_code& error) noexcept {
    const bool owned = owned_;
    detail::SharedDescriptor* const shared = shared_.exchange(nullptr);
    const int fd = forget();
    int failure = 0;
    if (shared != nullptr) {
        failure = shared->close(false);
    } else if (owned && fd >= 0 && ::close(fd) != 0 && errno != EINTR) {
        // EINTR: Linux has released the descriptor all the same, and another thread may own it now.
        failure = errno;
    }
    error.assign(failure, std::generic_category());
}

int File::release() noexcept {
    if (detail::SharedDescriptor* const shared = shared_.exchange(nullptr)) {
        shared->close(true);
    }
    return forget();
}

bool File::try_direct() noexcept {
    // Not of pipes, where O_DIRECT is something else. The kernel opens no file twice for this: one
    // that was to be new would be there the second time.
    if (!is_direct() && alignment_.supported() &&
        ::fcntl(fd_, F_SETFL, status_flags_ | O_DIRECT) == 0) {
        status_flags_ |= O_DIRECT;
    }
    return is_direct();
}

/// What is left is as File{}.
int File::forget() noexcept {
    owned_ = false;
    in_memory_ = false;
    on_fuse_ = false;
    on_network_ = false;
    kind_ = FileKind::none;
    alignment_ = {};
    status_flags_ = 0;
    return std::exchange(fd_, -1);
}

bool File::is_stream() const noexcept {
    return kind_ == FileKind::pipe || kind_ == FileKind::socket ||
           kind_ == FileKind::character_device || kind_ == FileKind::other;
}

bool File::is_readable() const noexcept {
    const int mode = status_flags_ & O_ACCMODE; // 3 is for ioctl alone
    return is_open() && (mode == O_RDONLY || mode == O_RDWR) && (status_flags_ & O_PATH) == 0;
}

bool File::is_writable() const noexcept {
    const int mode = status_flags_ & O_ACCMODE;
    return is_open() && (mode == O_WRONLY || mode == O_RDWR);
}

bool File::is_direct() const noexcept {
    return (status_flags_ & O_DIRECT) != 0 && kind_ != FileKind::pipe; // a pipe of packets
}

bool File::is_synchronous() const noexcept {
    return (status_flags_ & (O_SYNC | O_DSYNC)) != 0;
}

bool File::is_append() const noexcept {
    return (status_flags_ & O_APPEND) != 0;
}

bool File::is_nonblocking() const noexcept {
    return (status_flags_ & O_NONBLOCK) != 0;
}

std::int64_t File::size(std::error_code& error) const noexcept {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) {
        error.assign(errno, std::generic_category());
        return 0;
    }
    error.clear();
    if (!S_ISBLK(status.st_mode)) {
        return S_ISREG(status.st_mode) ? status.st_size : 0;
    }
    std::uint64_t bytes = 0;
    if (::ioctl(fd_, BLKGETSIZE64, &bytes) != 0) {
        error.assign(errno, std::generic_category());
    }
    return static_cast<std::int64_t>(bytes);
}

AIOXX_NAMESPACE_END
