// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "model/simulated_file.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace aioxx::test {

bool SimulatedFile::look_up(int fd, Key& key, int& flags) noexcept {
    struct stat status {};
    flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fstat(fd, &status) != 0) {
        return false;
    }
    const bool writes = S_ISFIFO(status.st_mode) && (flags & O_ACCMODE) != O_RDONLY;
    key = {status.st_dev, status.st_ino, writes ? 1 : 0};
    return true;
}

SimulatedFile::SimulatedFile(int other, Traits what)
    : traits(what), fd(::fcntl(other, F_DUPFD_CLOEXEC, 300)) { // low numbers are for reuse
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0) {
        throw std::system_error(errno, std::generic_category(), "a simulated file");
    }
    if (S_ISFIFO(status.st_mode)) {
        kind = (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? Kind::reader : Kind::writer;
    }
}

SimulatedFile::~SimulatedFile() {
    ::close(fd);
}

void SimulatedFile::grow(std::size_t size) {
    if (size > bytes.size()) {
        bytes.resize(size);
        if (::ftruncate(fd, static_cast<off_t>(size)) != 0) {
            throw std::system_error(errno, std::generic_category(), "ftruncate");
        }
    }
}

} // namespace aioxx::test
