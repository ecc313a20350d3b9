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

bool AnonymousFiles::is_the_same(int fd) noexcept {
    if (epoll_ < 0) {
        const int made = ::epoll_create1(EPOLL_CLOEXEC);
        epoll_ = made < 0 ? made : engine::move_high(made);
    }
    struct epoll_event none {}; // it is never waited on
    return knows(fd) || (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &none) != 0 && errno == EPERM);
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
