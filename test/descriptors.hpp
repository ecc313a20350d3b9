// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Descriptors that the tests do I/O on. All close themselves, whichever way a test ends.

#include <array>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace aioxx::test {

class Descriptor {
public:
    Descriptor() noexcept = default;
    /// Throws what errno says for a negative `fd`: `Descriptor file{::open(...)};`
    explicit Descriptor(int fd) : fd_(fd) {
        if (fd < 0) {
            throw std::system_error(errno, std::generic_category(), "no descriptor");
        }
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() { close(); }

    operator int() const noexcept { return fd_; }
    void close() noexcept {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

private:
    int fd_ = -1;
};

/// The number of no open descriptor. High, so that nothing takes it meanwhile.
inline int closed_descriptor() noexcept {
    return 1'000'000;
}

/// The number that the next descriptor of this process gets.
inline int lowest_free_descriptor() {
    return Descriptor{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)};
}

struct Pipe {
    explicit Pipe(int flags = 0) {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, flags | O_CLOEXEC) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe2");
        }
        reader = Descriptor{ends[0]};
        writer = Descriptor{ends[1]};
    }
    void fill(std::string_view text) const {
        if (::write(writer, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            throw std::system_error(errno, std::generic_category(), "write to pipe");
        }
    }

    Descriptor reader;
    Descriptor writer;
};

/// Whether pipes know RWF_NOWAIT. Those of Linux 6.1 answer with EOPNOTSUPP, as terminals do.
inline bool pipes_know_nowait() {
    const Pipe pipe;
    char byte = 0;
    const iovec part{&byte, 1};
    return ::preadv2(pipe.reader, &part, 1, -1, RWF_NOWAIT) < 0 && errno == EAGAIN;
}

/// The numbers of this process that are open, from `first` on.
inline std::set<int> open_from(int first) {
    std::set<int> all;
    for (int fd = first; fd < 2048; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) {
            all.insert(fd);
        }
    }
    return all;
}

/// Two ends of one pseudo-terminal.
struct Terminal {
    Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        if (::grantpt(master) != 0 || ::unlockpt(master) != 0) {
            throw std::system_error(errno, std::generic_category(), "unlockpt");
        }
        std::array<char, 64> name{};
        ::ptsname_r(master, name.data(), name.size());
        slave = Descriptor{::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    }

    Descriptor master;
    Descriptor slave;
};

/// A directory of its own, on a disk where there is one (/var/tmp; TMPDIR is often a tmpfs), which
/// goes with all that the test put into it by name through path().
class ScratchDirectory {
public:
    ScratchDirectory() {
        if (::mkdtemp(path_.data()) == nullptr) {
            throw std::system_error(errno, std::generic_category(), "mkdtemp");
        }
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory() {
        ::unlink(path("file").c_str());
        ::rmdir(path_.c_str());
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// The one name that is removed with the directory is "file".
    [[nodiscard]] std::string path(const char* name) const { return path_ + "/" + name; }

private:
    std::string path_ = "/var/tmp/aioxx-test-XXXXXX";
};

/// A file without a name. `flags` as for open(2); `content` is there, and on the disk, before.
class TemporaryFile {
public:
    explicit TemporaryFile(std::string_view content = {}, int flags = O_RDWR) {
        const ScratchDirectory directory;
        const std::string path = directory.path("file");
        const Descriptor written{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
        if (::write(written, content.data(), content.size()) !=
                static_cast<ssize_t>(content.size()) ||
            ::fsync(written) != 0) {
            throw std::system_error(errno, std::generic_category(), "write to temporary file");
        }
        fd_ = Descriptor{::open(path.c_str(), flags | O_CLOEXEC)};
        other_ = Descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    }

    operator int() const noexcept { return fd_; }
    void close() noexcept { fd_.close(); }

    /// All that is in it, read by read(2) through another descriptor.
    [[nodiscard]] std::string content() const {
        struct stat status {};
        ::fstat(other_, &status);
        std::string all(static_cast<std::size_t>(status.st_size), '\0');
        const ssize_t length = ::pread(other_, all.data(), all.size(), 0);
        all.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
        return all;
    }

private:
    Descriptor fd_;
    Descriptor other_;
};

} // namespace aioxx::test
