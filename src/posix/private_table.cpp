// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/private_table.hpp"

#include "core/happens_before.hpp"
#include "engine/high_descriptor.hpp"
#include "file/statx.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

constexpr unsigned unshare_table = 1U << 1; // CLOSE_RANGE_UNSHARE, Linux 5.9

/// How far a table is looked through that was copied as a whole.
int highest_number() noexcept {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65536));
}

/// Another table for this thread, with the program's numbers up to `last` at least. Returns where
/// it ends, or -1.
int unshare_up_to(int last) noexcept {
#ifdef SYS_close_range
    // Container profiles refuse unshare(2) as a whole, and know this call for what it is. The
    // kernel copies by 64, and what it has copied of the range it would close itself.
    const int end = last / 64 * 64 + 64;
    if (::syscall(SYS_close_range, static_cast<unsigned>(end), ~0U, unshare_table) == 0) {
        return end;
    }
#endif
    return ::unshare(CLONE_FILES) == 0 ? std::max(last + 1, highest_number()) : -1;
}

/// Whether closing a copy of `fd` may ask a server for something: FUSE and NFS flush the file at
/// each close. Their files lie on no block device. False for what is not open.
bool may_wait_for_a_server(int fd) noexcept {
    constexpr std::size_t major_of_file_system = 2;
    Statx status;
    return statx(fd, status) && S_ISREG(status.mode) &&
           status.device_numbers[major_of_file_system] == 0;
}

void close_each(const std::vector<int>& numbers) noexcept {
    for (const int fd : numbers) {
        PrivateTable::close(fd);
    }
}

/// By a thread of its own, which is not waited for.
void close_elsewhere(std::vector<int>&& numbers) noexcept {
    auto* const moved = new (std::nothrow) std::vector<int>;
    if (moved == nullptr) {
        close_each(numbers);
        return;
    }
    moved->swap(numbers);
    const auto run = [](void* given) -> void* {
        const std::unique_ptr<std::vector<int>> all{static_cast<std::vector<int>*>(given)};
        close_each(*all);
        return nullptr;
    };
    pthread_t closer{};
    if (pthread_create(&closer, nullptr, run, moved) == 0) {
        pthread_detach(closer);
    } else {
        run(moved);
    }
}

} // namespace

int PrivateTable::open() noexcept {
    close_in_program();
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return errno;
    }
    near_end_ = engine::move_high(ends[0]);
    far_end_ = engine::move_high(ends[1]);
    far_end_in_table_ = far_end_;
    return 0;
}

void PrivateTable::close_far_end() noexcept {
    if (far_end_ >= 0) {
        ::close(std::exchange(far_end_, -1));
    }
}

void PrivateTable::close_in_program() noexcept {
    close_far_end();
    if (near_end_ >= 0) {
        ::close(std::exchange(near_end_, -1));
    }
}

int PrivateTable::send(void* subject, int file) noexcept {
    iovec content{&subject, sizeof(subject)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &content;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &file, sizeof(file));
    if (subject != nullptr) {
        handed_to_kernel(subject);
    }
    return ::sendmsg(near_end_, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
}

bool PrivateTable::leave_program_table(std::array<int, 2> kept) noexcept {
    const int end = unshare_up_to(std::max({far_end_in_table_, kept[0], kept[1]}));
    if (end < 0) {
        return false;
    }
    std::vector<int> slow;
    for (int fd = 0; fd < end; ++fd) {
        if (fd == far_end_in_table_ || fd == kept[0] || fd == kept[1]) {
            continue;
        }
        try {
            if (may_wait_for_a_server(fd)) {
                slow.push_back(fd);
                continue;
            }
        } catch (const std::bad_alloc&) { // then it is closed here, and waited for
        }
        close(fd);
    }
    if (!slow.empty()) {
        close_elsewhere(std::move(slow));
    }
    return true;
}

bool PrivateTable::receive(Received& received) noexcept {
    received = {};
    iovec content{&received.subject, sizeof(received.subject)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &content;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    const long length =
        ::syscall(SYS_recvmsg, far_end_in_table_, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (length != static_cast<long>(sizeof(received.subject))) {
        return false;
    }
    if (received.subject != nullptr) {
        given_back_by_kernel(received.subject);
    }
    const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
        std::memcpy(&received.file, CMSG_DATA(rights), sizeof(received.file));
    }
    return true;
}

void PrivateTable::close_in_table() noexcept {
    close(std::exchange(far_end_in_table_, -1));
}

void PrivateTable::close(int fd) noexcept {
    ::syscall(SYS_close, fd);
}

int PrivateTable::watch(int epoll, int fd, std::uint32_t events, std::uint64_t data) noexcept {
    struct epoll_event registration {};
    registration.events = events;
    registration.data.u64 = data;
    if (::syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, fd, &registration) == 0 ||
        (errno == ENOENT &&
         ::syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &registration) == 0)) {
        return 0;
    }
    return errno;
}

void PrivateTable::unwatch(int epoll, int fd) noexcept {
    ::syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, fd, nullptr);
}

} // namespace posix
AIOXX_NAMESPACE_END
