// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"
#include "devices/transfers.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

using namespace aioxx::test;

namespace {

aioxx::File open_direct(const FuseServer& server, const char* name) {
    return aioxx::File::open(server.file(name).c_str(), O_RDWR | O_DIRECT);
}

} // namespace

TEST_CASE("a file of the server has bytes that tell their offset, and keeps what is written") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = open_direct(*server, "plain");
    CHECK(file.size() == mebibyte);
    aioxx::AlignedBuffer buffer{4096, 4096};
    REQUIRE(::pread(file.fd(), buffer.data(), 4096, 3 * 512) == 4096);
    CHECK(buffer.data()[0] == std::byte{3});
    CHECK(buffer.data()[512] == std::byte{4});
    buffer.data()[0] = std::byte{99};
    REQUIRE(::pwrite(file.fd(), buffer.data(), 4096, 0) == 4096);
    REQUIRE(::pread(file.fd(), buffer.data(), 4096, 0) == 4096);
    CHECK(buffer.data()[0] == std::byte{99});
}

TEST_CASE("the gate of the server holds what is asked, without blocking submit") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    Batch batch;
    const aioxx::File file = open_direct(*server, "gate");
    for (const Direction direction : {Direction::read, Direction::write}) {
        server->close_gate();
        batch.submit(file, direction);
        server->await_waiting(Batch::size);
        REQUIRE(batch.completed_within(std::chrono::milliseconds{0}) == 0);
        CHECK(transfer(open_direct(*server, "plain"), direction, 0) == 4096);
        server->open_gate();
        CHECK(batch.wait_for_all() == Batch::size);
    }
}

TEST_CASE("requests at the gate pass in the order that is asked for") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    Batch batch;
    const aioxx::File file = open_direct(*server, "gate");
    server->close_gate();
    batch.submit(file, Direction::read);
    server->await_waiting(Batch::size);
    server->release_newest();
    CHECK(batch.wait_for_one() == std::pair<std::size_t, std::int64_t>{7, 4096});
    server->release_oldest();
    CHECK(batch.wait_for_one() == std::pair<std::size_t, std::int64_t>{0, 4096});
    server->open_gate();
}

TEST_CASE("more than the kernel's default of 12 are in flight at the server") {
    auto server = attempt<FuseServer>(64);
    if (!server) {
        SKIP_CASE(server.reason());
    }
    Batch batches[4];
    const aioxx::File file = open_direct(*server, "gate");
    server->close_gate();
    for (Batch& batch : batches) {
        batch.submit(file, Direction::read);
    }
    server->await_waiting(4 * Batch::size);
    server->open_gate();
    for (Batch& batch : batches) {
        CHECK(batch.wait_for_all() == Batch::size);
    }
}

TEST_CASE("short reads and errors go by the name of the file") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File shorter = open_direct(*server, "short-1000");
    CHECK(transfer(shorter, Direction::read, 0) == 1000);
    CHECK(transfer(shorter, Direction::write, 0) == 4096);
    const aioxx::File unreadable = open_direct(*server, "read-error-5");
    CHECK(transfer(unreadable, Direction::read, 0) == -EIO);
    CHECK(transfer(unreadable, Direction::write, 0) == 4096);
    const aioxx::File full = open_direct(*server, "write-error-28.short-512");
    CHECK(transfer(full, Direction::write, 0) == -ENOSPC);
    CHECK(transfer(full, Direction::read, 0) == 512);
    const aioxx::File unsynced = open_direct(*server, "fsync-error-5");
    CHECK(transfer(unsynced, Direction::write, 0) == 4096);
    CHECK(::fsync(unsynced.fd()) == -1);
    CHECK(errno == EIO);
    CHECK(::fsync(shorter.fd()) == 0);
}

TEST_CASE("a stopped server hangs, and goes on") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    Batch batch;
    const aioxx::File file = open_direct(*server, "plain");
    server->stop();
    batch.submit(file, Direction::read);
    REQUIRE(batch.completed_within(std::chrono::milliseconds{300}) == 0);
    server->resume();
    CHECK(batch.wait_for_all() == Batch::size);
}

TEST_CASE("what waits in a killed server fails with ECONNABORTED") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    Batch batch;
    const aioxx::File file = open_direct(*server, "gate");
    server->close_gate();
    batch.submit(file, Direction::read);
    server->await_waiting(Batch::size);
    server->kill();
    CHECK(batch.wait_for_one().second == -ECONNABORTED);
}

TEST_CASE("a server that goes ends what it holds") {
    Batch batch;
    aioxx::File file;
    {
        auto server = attempt<FuseServer>();
        if (!server) {
            SKIP_CASE(server.reason());
        }
        file = open_direct(*server, "gate");
        server->close_gate();
        batch.submit(file, Direction::read);
        server->await_waiting(Batch::size);
    }
    CHECK(batch.wait_for_one().second == -ECONNABORTED);
    CHECK(HostChange::failures() == 0);
}
