// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Pipes, fifos, terminals and sockets: hundreds of operations wait there, and no thread that
// submits.

#include "devices/mounts.hpp"
#include "matrix.hpp"

#include <array>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

/// What is written to one comes out of the other.
struct Stream {
    const char* name;
    File reader;
    File writer;
};

Stream make_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {"pipe", File::adopt(ends[0]), File::adopt(ends[1])};
}

Stream make_sockets() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {"socketpair", File::adopt(ends[0]), File::adopt(ends[1])};
}

/// `both`: each end is opened for reading and writing, where POLL is refused.
Stream make_fifo(bool both) {
    const TemporaryDirectory directory;
    const std::string path = directory.file("fifo");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const File first = File::open(path.c_str(), O_RDWR);
    return {both ? "fifo, O_RDWR" : "fifo", File::open(path.c_str(), both ? O_RDWR : O_RDONLY),
            File::open(path.c_str(), both ? O_RDWR : O_WRONLY)};
}

/// A terminal without any editing of lines; read at the `master` or at the slave.
Stream make_terminal(bool master) {
    File control = File::adopt(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::array<char, 64> path{};
    REQUIRE(::grantpt(control.fd()) == 0);
    REQUIRE(::unlockpt(control.fd()) == 0);
    REQUIRE(::ptsname_r(control.fd(), path.data(), path.size()) == 0);
    File slave = File::open(path.data(), O_RDWR | O_NOCTTY);
    termios modes{};
    REQUIRE(::tcgetattr(slave.fd(), &modes) == 0);
    ::cfmakeraw(&modes);
    REQUIRE(::tcsetattr(slave.fd(), TCSANOW, &modes) == 0);
    if (master) {
        return {"pty, master", std::move(control), std::move(slave)};
    }
    return {"pty, slave", std::move(slave), std::move(control)};
}

template <std::size_t size>
std::array<std::byte, size> message(std::size_t index) {
    std::array<std::byte, size> bytes{};
    for (std::size_t at = 0; at < size; at += sizeof(index)) {
        std::memcpy(&bytes[at], &index, sizeof(index));
    }
    return bytes;
}

void report(const Stream& stream, const char* what, const Measured& measured) {
    Matrix{stream.name, {}}.check(what, measured);
}

/// Reads that wait for what comes later get it in the order in which they were started.
void check_waiting_reads(Stream stream) {
    constexpr std::size_t size = sizeof(std::size_t);
    std::vector<std::array<std::byte, size>> buffers(block_count);
    std::size_t whole = 0;
    Queue queue;
    long switches = 0;
    for (std::size_t i = 0; i < block_count; ++i) {
        const long before = voluntary_switches();
        queue.read_full(stream.reader, buffers[i], 0).start([&whole](const Completion& done) {
            whole += done.bytes() == size ? 1U : 0U;
        });
        switches += voluntary_switches() - before;
    }
    CHECK(queue.statistics().in_flight <= 2); // they take no room from the disk
    for (int round = 0; round < 100; ++round) {
        queue.run_ready();
    }
    CHECK(queue.statistics().nowait_tries <= 2); // to wait is not to try over and over
    CHECK(queue.statistics().submit_calls <= 10);
    for (std::size_t i = 0; i < block_count; ++i) {
        const auto bytes = message<size>(i);
        REQUIRE(::write(stream.writer.fd(), bytes.data(), size) == static_cast<ssize_t>(size));
        while (whole <= i) {
            REQUIRE(queue.run_once());
        }
    }
    Measured measured;
    measured.operations = block_count;
    measured.switches = switches;
    measured.failed = block_count - whole;
    measured.statistics = queue.statistics();
    measured.data_right = true;
    for (std::size_t i = 0; i < block_count; ++i) {
        measured.data_right = measured.data_right && buffers[i] == message<size>(i);
    }
    report(stream, "waiting reads", measured);
}

/// Writes that wait for room, and reads that make it.
void check_waiting_writes(Stream stream) {
    std::vector<std::array<std::byte, block_size>> written(block_count);
    std::vector<std::array<std::byte, block_size>> read(block_count);
    std::size_t whole = 0;
    const auto ending = [&whole](const Completion& done) {
        whole += done.bytes() == block_size ? 1U : 0U;
    };
    Queue queue;
    long switches = 0;
    for (std::size_t i = 0; i < block_count; ++i) {
        written[i] = message<block_size>(i);
        const long before = voluntary_switches();
        queue.write_all(stream.writer, written[i], 0).start(ending);
        switches += voluntary_switches() - before;
    }
    for (std::size_t i = 0; i < block_count; ++i) {
        const long before = voluntary_switches();
        queue.read_full(stream.reader, read[i], 0).start(ending);
        switches += voluntary_switches() - before;
    }
    queue.run();
    Measured measured;
    measured.operations = 2 * block_count;
    measured.switches = switches;
    measured.failed = 2 * block_count - whole;
    measured.statistics = queue.statistics();
    measured.data_right = read == written;
    report(stream, "writes that wait", measured);
}

TEST_CASE("submits do not block on a pipe") {
    check_waiting_reads(make_pipe());
    check_waiting_writes(make_pipe());
}

TEST_CASE("submits do not block on a fifo") {
    check_waiting_reads(make_fifo(false));
    check_waiting_writes(make_fifo(false));
}

TEST_CASE("submits do not block on a fifo that is open for both") {
    check_waiting_reads(make_fifo(true));
    check_waiting_writes(make_fifo(true));
}

TEST_CASE("submits do not block on a terminal") {
    check_waiting_reads(make_terminal(false));
    check_waiting_writes(make_terminal(false));
}

TEST_CASE("submits do not block on the other end of a terminal") {
    check_waiting_reads(make_terminal(true));
    check_waiting_writes(make_terminal(true));
}

TEST_CASE("submits do not block on a socket") {
    check_waiting_reads(make_sockets());
    check_waiting_writes(make_sockets());
}

} // namespace
} // namespace aioxx::test
