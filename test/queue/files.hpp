// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Files to do I/O on, without names, and what is read and written there.

#include <aioxx/aioxx.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace aioxx::test {

[[noreturn]] inline void throw_errno(const char* call) {
    throw std::system_error(errno, std::generic_category(), call);
}

/// A file on the disk that holds `content`, opened with `flags`. It has no name any more.
inline File disk_file(int flags = O_RDWR, std::string_view content = {},
                      std::string directory = "/var/tmp") {
    std::string path = std::move(directory) + "/aioxx-queue-XXXXXX";
    File written = File::adopt(::mkostemp(path.data(), O_CLOEXEC));
    std::error_code error;
    const bool whole = ::write(written.fd(), content.data(), content.size()) ==
                           static_cast<ssize_t>(content.size()) &&
                       ::fsync(written.fd()) == 0;
    File file = File::open(path.c_str(), flags, 0, error);
    ::unlink(path.c_str());
    if (!whole || error) {
        throw_errno("disk_file");
    }
    return file;
}

/// A tmpfs does since Linux 6.6.
inline bool takes_direct_io(const std::string& directory) {
    std::error_code error;
    File::open(directory.c_str(), O_TMPFILE | O_RDWR | O_DIRECT, 0600, error);
    return !error;
}

/// All that is in `file`.
inline std::string content_of(const File& file) {
    const std::string path = "/proc/self/fd/" + std::to_string(file.fd());
    const File other = File::open(path.c_str(), O_RDONLY);
    std::string content(static_cast<std::size_t>(other.size()), '\0');
    const ssize_t length = ::pread(other.fd(), content.data(), content.size(), 0);
    content.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    return content;
}

/// Two ends; of a pipe or of a socket.
struct Ends {
    File reader;
    File writer;

    void fill(std::string_view text) const {
        if (::write(writer.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            throw_errno("write");
        }
    }
};

inline Ends make_pipe(int flags = 0) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), flags | O_CLOEXEC) != 0) {
        throw_errno("pipe2");
    }
    return {File::adopt(ends[0]), File::adopt(ends[1])};
}

inline Ends make_sockets() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw_errno("socketpair");
    }
    return {File::adopt(ends[0]), File::adopt(ends[1])};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What was counted by callbacks, one counter an operation.
class Outcomes {
public:
    explicit Outcomes(std::size_t operations) : results_(operations), counts_(operations) {}

    /// The callback of operation `index`.
    auto at(std::size_t index) {
        return [this, index](const Completion& done) {
            results_[index] = done.result();
            ++counts_[index];
            ++all_;
        };
    }
    [[nodiscard]] std::int64_t operator[](std::size_t index) const { return results_[index]; }
    [[nodiscard]] std::size_t all() const { return all_; }
    /// Each has completed, and none twice.
    [[nodiscard]] bool once_each() const {
        for (const unsigned count : counts_) {
            if (count != 1) {
                return false;
            }
        }
        return true;
    }

private:
    std::vector<std::int64_t> results_;
    std::vector<unsigned> counts_;
    std::size_t all_ = 0;
};

} // namespace aioxx::test
