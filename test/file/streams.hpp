// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace aioxx::test {

/// Two ends that are connected, or one and the same (eventfd, /dev/zero).
class Stream {
public:
    enum class Kind { pipe, stream_sockets, datagram_sockets, pty, eventfd, zero };
    static constexpr std::array<Kind, 6> kinds{
        Kind::pipe, Kind::stream_sockets, Kind::datagram_sockets,
        Kind::pty,  Kind::eventfd,        Kind::zero};
    static constexpr std::size_t unit = 8; // bytes in a transfer, which is what an eventfd takes

    static std::string name(Kind kind) {
        constexpr const char* names[] = {"pipe", "stream sockets", "datagram sockets",
                                         "pty",  "eventfd",        "/dev/zero"};
        return names[static_cast<int>(kind)];
    }

    explicit Stream(Kind kind) : kind_(kind) {
        int fds[2] = {-1, -1};
        switch (kind) {
        case Kind::pipe:
            REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
            break;
        case Kind::stream_sockets:
            REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
            break;
        case Kind::datagram_sockets:
            REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
            break;
        case Kind::pty:
            fds[0] = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
            REQUIRE(::grantpt(fds[0]) == 0);
            REQUIRE(::unlockpt(fds[0]) == 0);
            fds[1] = ::ioctl(fds[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
            make_raw(fds[1]);
            break;
        case Kind::eventfd:
            fds[0] = ::eventfd(1, EFD_CLOEXEC);
            fds[1] = ::fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
            break;
        case Kind::zero:
            fds[0] = ::open("/dev/zero", O_RDWR | O_CLOEXEC);
            fds[1] = ::open("/dev/zero", O_RDWR | O_CLOEXEC);
            break;
        }
        for (std::size_t i = 0; i < 2; ++i) {
            ends_[i] = File::adopt(fds[i]);
        }
    }

    const File& end(std::size_t index) const { return ends_[index]; }

    /// One unit to read at `index`, and room for one to be written: neither blocks.
    void make_ready(std::size_t index) {
        look(); // and so empty it
        if (kind_ != Kind::zero && (kind_ != Kind::pipe || index == 0)) {
            static constexpr std::array<char, unit> one{1};
            REQUIRE(::write(ends_[1 - index].fd(), one.data(), unit) == unit);
        }
    }

    /// What there is to be read, read by read, at each end; empties it.
    std::vector<std::string> look() {
        std::vector<std::string> found;
        for (const File& end : ends_) {
            pollfd readable{end.fd(), POLLIN, 0};
            while (kind_ != Kind::zero && end.is_readable() && ::poll(&readable, 1, 0) == 1) {
                std::array<char, 64> bytes{};
                const ssize_t count = ::read(end.fd(), bytes.data(), bytes.size());
                REQUIRE(count >= 0);
                found.emplace_back(bytes.data(), static_cast<std::size_t>(count));
            }
            found.emplace_back("end");
        }
        return found;
    }

private:
    static void make_raw(int fd) {
        termios settings{};
        REQUIRE(::tcgetattr(fd, &settings) == 0);
        ::cfmakeraw(&settings);
        REQUIRE(::tcsetattr(fd, TCSANOW, &settings) == 0);
    }

    Kind kind_;
    std::array<File, 2> ends_;
};

} // namespace aioxx::test
