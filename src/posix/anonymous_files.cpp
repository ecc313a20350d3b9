// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/anonymous_files.hpp"

#include "engine/high_descriptor.hpp"

#include <cerrno>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {

bool AnonymousFiles::open(int own) noexcept {
    const int made = ::epoll_create1(EPOLL_CLOEXEC);
    if (made < 0) {
        return false;
    }
    epoll_ = engine::move_high(made);
    own_ = own;
    return remember(own);
}

bool AnonymousFiles::is_the_same(int fd) noexcept {
    return knows(fd) || (fd != own_ && !remember(fd) && errno == EPERM);
}

bool AnonymousFiles::remember(int fd) noexcept {
    struct epoll_event none {};
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &none) == 0;
}

bool AnonymousFiles::knows(int fd) const noexcept {
    struct epoll_event none {};
    return ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &none) == 0;
}

void AnonymousFiles::close() noexcept {
    if (epoll_ >= 0) {
        ::close(std::exchange(epoll_, -1));
    }
}

} // namespace posix
AIOXX_NAMESPACE_END
