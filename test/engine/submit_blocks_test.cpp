// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"
#include "devices/mounts.hpp"
#include "devices/new_file_system.hpp"
#include "matrix.hpp"
#include "skip.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

using Before = Matrix::Before;

void check_buffered(Matrix& matrix) {
    matrix.check("buffered read, cold", matrix.read(0, Before::cold));
    matrix.check("buffered read, warm", matrix.read(0, Before::warm));
    matrix.check("buffered overwrite", matrix.write(0, Before::warm));
    matrix.check("buffered extend", matrix.write(0, Before::nothing));
    matrix.check("fsync", matrix.fsync());
}

void check_direct(Matrix& matrix) {
    matrix.check("direct read", matrix.read(O_DIRECT, Before::cold));
    matrix.check("direct overwrite", matrix.write(O_DIRECT, Before::cold));
    matrix.check("direct extend", matrix.write(O_DIRECT, Before::nothing));
    matrix.check("direct fill of a hole", matrix.write(O_DIRECT, Before::hole));
}

void check_all(Matrix& matrix) {
    check_buffered(matrix);
    check_direct(matrix);
}

void check_file_system(const char* type) {
    auto mounted = attempt<NewFileSystem<>>(type);
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    Matrix matrix{type, mounted->path()};
    check_all(matrix);
}

TEST_CASE("submits do not block on ext4") {
    check_file_system("ext4");
}

TEST_CASE("submits do not block on XFS") {
    check_file_system("xfs");
}

TEST_CASE("submits do not block on btrfs") {
    check_file_system("btrfs");
}

TEST_CASE("submits do not block on tmpfs") {
    auto memory = attempt<Tmpfs>(64 * mebibyte);
    if (!memory) {
        SKIP_CASE(memory.reason());
    }
    Matrix matrix{"tmpfs", memory->path()};
    check_buffered(matrix);
    constexpr int direct = O_TMPFILE | O_RDWR | O_DIRECT;
    if (const int fd = ::open(memory->path().c_str(), direct, 0600); fd < 0) {
        SKIP_CASE("tmpfs knows no direct I/O (before Linux 6.6)");
    } else {
        ::close(fd);
    }
    check_direct(matrix);
}

TEST_CASE("submits do not block on overlayfs") {
    auto overlay = attempt<Overlay>();
    if (!overlay) {
        SKIP_CASE(overlay.reason());
    }
    Matrix matrix{"overlayfs", overlay->path()};
    check_all(matrix);
}

TEST_CASE("submits do not block on FUSE") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    Matrix matrix{"FUSE", server->path()};
    check_all(matrix);
}

} // namespace
} // namespace aioxx::test
