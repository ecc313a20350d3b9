// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/messages.hpp"

#include "bench/interrupt.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

void Channel::close() noexcept {
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
}

bool Channel::send(const void* data, std::size_t size) noexcept {
    const auto* bytes = static_cast<const std::byte*>(data);
    while (size > 0) {
        const ssize_t sent = ::send(fd_, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool Channel::receive(void* data, std::size_t size, int milliseconds) {
    auto* bytes = static_cast<std::byte*>(data);
    while (size > 0) {
        pollfd there{fd_, POLLIN, 0};
        const int ready = poll(&there, 1, milliseconds);
        stop_if_interrupted();
        if (ready == 0) {
            return false;
        }
        const ssize_t received = ready < 0 ? ready : recv(fd_, bytes, size, 0);
        if (received < 0 && errno == EINTR) {
            continue;
        }
        if (received <= 0) {
            return false;
        }
        bytes += received;
        size -= static_cast<std::size_t>(received);
    }
    return true;
}

void set_reason(Answer& answer, Status status, const std::string& text) noexcept {
    answer.status = status;
    const std::size_t length = std::min(text.size(), answer.reason.size() - 1);
    std::copy_n(text.begin(), length, answer.reason.begin());
    answer.reason[length] = '\0';
}

} // namespace bench
