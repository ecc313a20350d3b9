// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/open_file.hpp"

#include <aioxx/file/file.hpp>

#include "engine/high_descriptor.hpp"
#include "file/statx.hpp"
#include "kernel/plain_call.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

/// What the file system or the device has said of itself. What is only assumed may be more than is
/// needed: FUSE needs none.
std::uint32_t known_alignment(const File& file) noexcept {
    const DirectAlignment alignment = file.direct_alignment();
    const bool known =
        alignment.supported() && alignment.source != DirectAlignment::Source::assumed;
    return known ? alignment.offset : 1;
}

/// /dev/null, /dev/zero and their like: no streams, whatever their kind says, and never waited for.
bool is_memory_device(int fd) noexcept {
    constexpr unsigned memory_devices = 1; // the major number
    struct stat status {};
    return ::fstat(fd, &status) == 0 && major(status.st_rdev) == memory_devices;
}

/// Not SOCK_SEQPACKET, of which write(2) ends a record and sendmsg does not.
bool is_without_records(int socket) noexcept {
    int type = 0;
    socklen_t size = sizeof(type);
    return ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           (type == SOCK_STREAM || type == SOCK_DGRAM);
}

/// Of regular files their file system's, of block devices their own: what answers, or does not. The
/// file system is not asked.
std::uint64_t device_of(const File& file) noexcept {
    Statx status;
    const FileKind kind = file.kind();
    if ((kind != FileKind::regular && kind != FileKind::block_device) ||
        !statx(file.fd(), status)) {
        return 0;
    }
    const auto& numbers = status.device_numbers; // of the device that it is, and where it lies
    const std::size_t major = kind == FileKind::block_device ? 0 : 2;
    return std::uint64_t{numbers[major]} << 32U | numbers[major + 1];
}

/// Read once a file, as a call for each write would cost more than most writes do.
std::uint64_t size_limit_of(const File& file) noexcept {
    struct rlimit64 limit {};
    const bool limited = file.kind() == FileKind::regular && file.is_writable() &&
                         ::getrlimit64(RLIMIT_FSIZE, &limit) == 0 &&
                         limit.rlim_cur != RLIM64_INFINITY;
    return limited ? limit.rlim_cur : FileTraits::no_limit;
}

FileTraits traits_of(const File& file) noexcept {
    const FileKind kind = file.kind();
    FileTraits traits;
    traits.regular = kind == FileKind::regular;
    traits.stream = file.is_stream();
    traits.append = file.is_append();
    traits.nonblocking = file.is_nonblocking();
    traits.synchronous = file.is_synchronous();
    traits.in_memory = file.is_in_memory();
    traits.starting_waits = file.is_on_fuse() || file.is_usb_endpoint();
    traits.on_server = traits.starting_waits || file.is_on_network();
    traits.alignment = known_alignment(file);
    traits.device = traits.on_server || traits.in_memory ? 0 : device_of(file);
    traits.socket = kind == FileKind::socket && is_without_records(file.fd());
    traits.takes_nosignal = kind == FileKind::pipe || kind == FileKind::socket;
    traits.size_limit = traits.takes_nosignal ? 0 : size_limit_of(file);
    if (kind == FileKind::character_device && is_memory_device(file.fd())) {
        traits.in_memory = true;
        traits.stream = false;
    }
    traits.direct =
        (file.is_direct() || file.is_usb_endpoint()) && !traits.stream && !traits.in_memory;
    return traits;
}

/// EINVAL or EBADF where the file can never be read, or written: epoll descriptors have no such
/// call, inotify is open for reading only, and a poll would wait for ever. Nothing is transferred
/// by this, and nothing waited for: the kernel looks at the file first, and then at the length,
/// which is 0.
int why_impossible(int fd, bool write) noexcept {
    const ssize_t none =
        kernel::positional_call(write ? SYS_pwritev2 : SYS_preadv2, fd, nullptr, 0, -1, 0);
    return none < 0 && (errno == EINVAL || errno == EBADF) ? errno : 0;
}

} // namespace

OpenFile::OpenFile(const File& file) noexcept
    : FileRecord(traits_of(file)), fd(file.fd()), is_pipe(file.kind() == FileKind::pipe) {
    // Of pipes and sockets io_submit says so itself.
    if (traits.stream && !is_pipe && file.kind() != FileKind::socket) {
        impossible = {why_impossible(fd, false), why_impossible(fd, true)};
    }
    for (Operation& poll : polls) {
        poll.request.kind = Kind::poll;
        poll.internal = true;
        poll.file = this;
    }
    polls[0].request.bits = POLLIN | POLLRDHUP;
    polls[1].request.bits = POLLOUT;
    if (file.is_nonblocking()) {
        nonblocking = true;
        reopen_tried = true;
    }
}

int OpenFile::watch(int epoll, std::uint32_t events, std::uint64_t data) noexcept {
    struct epoll_event registration {};
    registration.events = events;
    registration.data.u64 = data;
    const int what = is_registered_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    is_registered_ = ::epoll_ctl(epoll, what, fd, &registration) == 0 ||
                     // One that was closed under this number, and the file is open elsewhere.
                     (errno == EEXIST && ::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &registration) == 0);
    return is_registered_ ? 0 : errno;
}

void OpenFile::unwatch(int epoll) noexcept {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
    is_registered_ = false;
}

void OpenFile::reopen_nonblocking(bool high) noexcept {
    if (!usable || reopen_tried || !confirm(fd)) {
        return;
    }
    reopen_tried = true;
    int number = 0;
    const bool pty_master = ::ioctl(fd, TIOCGPTN, &number) == 0; // another master, if reopened
    const int mode = ::fcntl(fd, F_GETFL);
    if (pty_master || mode < 0 || !(is_pipe || ::isatty(fd) == 1)) {
        return;
    }
    std::array<char, 32> path{};
    std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
    reopened_fd_ =
        open_anew(path.data(), (mode & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, high);
    nonblocking = reopened_fd_ >= 0;
    reopen_tried = nonblocking || (errno != EAGAIN && errno != EMFILE && errno != ENFILE);
}

void OpenFile::close_reopened() noexcept {
    if (reopened_fd_ >= 0) {
        close_anew(std::exchange(reopened_fd_, -1));
        nonblocking = false;
        reopen_tried = false;
    }
}

int OpenFile::open_anew(const char* path, int flags, bool high) noexcept {
    const int opened = ::open(path, flags);
    return high ? move_high(opened) : opened;
}

void OpenFile::close_anew(int number) noexcept {
    ::close(number);
}

} // namespace engine
AIOXX_NAMESPACE_END
