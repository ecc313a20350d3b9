// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A pipe or a socket on which a request waits is kept open by a duplicate in the program's own
// descriptor table.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>

namespace aioxx::test {
namespace {

/// What it stands for: "socket:[NUMBER]". Empty where nothing is open.
std::string file_of(int fd) {
    std::error_code none;
    return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), none);
}

/// The descriptors of this process that stand for the same file as `fd`, and are not it.
std::set<int> duplicates_of(int fd) {
    std::set<int> found;
    const std::string file = file_of(fd);
    for (int other = 0; other < 2048; ++other) {
        if (other != fd && file_of(other) == file) {
            found.insert(other);
        }
    }
    return found;
}

POSIX_CASE("a read that waits on a socket is made by a thread of the program, not by a worker") {
    NOT_ON_GLIBC("it makes each read by a thread");
    const Sockets sockets;
    Block read{sockets.one, 7};
    REQUIRE(aio_read(read) == 0);
    CHECK(threads_now().size() == 2 + (under_tsan ? 1 : 0)); // and the attendant
    REQUIRE(::write(sockets.other, "content", 7) == 7);
    CHECK(read.await_result() == 7);
    CHECK(read.text() == "content");
    CHECK(threads_now().size() == 2 + (under_tsan ? 1 : 0));
}

POSIX_CASE("a socket has one duplicate while requests wait on it, and none when they are done") {
    NOT_ON_GLIBC("it has none");
    const Sockets sockets;
    const int lowest = lowest_free_descriptor();
    for (int round = 0; round < 3; ++round) {
        Block first{sockets.one};
        Block second{sockets.one};
        REQUIRE(aio_read(first) == 0);
        REQUIRE(aio_read(second) == 0);
        const std::set<int> duplicates = duplicates_of(sockets.one);
        REQUIRE(duplicates.size() == 1);
        CHECK(*duplicates.begin() > 900);
        CHECK(::fcntl(*duplicates.begin(), F_GETFD) == FD_CLOEXEC);
        CHECK(lowest_free_descriptor() == lowest);
        REQUIRE(::write(sockets.other, "x", 1) == 1);
        CHECK(first.await_result() == 1);
        CHECK(duplicates_of(sockets.one) == duplicates);
        if (round == 0) {
            REQUIRE(aio_cancel(sockets.one, second) == AIO_CANCELED);
        } else {
            REQUIRE(::write(sockets.other, "y", 1) == 1);
        }
        CHECK(second.await_result() == (round == 0 ? -ECANCELED : 1));
        CHECK(duplicates_of(sockets.one).empty());
    }
}

POSIX_CASE("duplicates take a sixteenth of the numbers at most, and what has none waits as well") {
    NOT_ON_GLIBC("it has none");
    rlimit numbers{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &numbers) == 0);
    numbers.rlim_cur = 256;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &numbers) == 0);
    constexpr std::size_t count = 60;
    std::vector<Sockets> all(count);
    std::vector<Block> reads;
    for (const Sockets& sockets : all) {
        REQUIRE(aio_read(reads.emplace_back(sockets.one)) == 0);
    }
    std::size_t duplicates = 0;
    for (const Sockets& sockets : all) {
        duplicates += duplicates_of(sockets.one).size();
    }
    CHECK(duplicates > 4);
    CHECK(duplicates <= 16);
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(::write(all[i].other, "x", 1) == 1);
        CHECK(reads[i].await_result() == 1);
    }
}

POSIX_CASE("an fsync that waits behind a read ends when the read does, or is cancelled") {
    NOT_ON_GLIBC("it cancels no read that a thread is in");
    aioinit settings{};
    settings.aio_idle_time = 1000; // the attendant looks by itself no earlier
    ::aio_init(&settings);
    const ScratchDirectory directory;
    REQUIRE(::mkfifo(directory.path("file").c_str(), 0600) == 0);
    const Descriptor fifo{::open(directory.path("file").c_str(), O_RDWR | O_CLOEXEC)};
    const Pipe pipe;
    const Sockets sockets;
    for (const int fd : {int{fifo}, int{pipe.reader}, int{sockets.one}}) {
        Block read{fd};
        Block sync{fd};
        REQUIRE(aio_read(read) == 0);
        REQUIRE(aio_fsync(O_SYNC, sync) == 0);
        REQUIRE(eventually(all_others_sleep));
        REQUIRE(aio_cancel(fd, read) == AIO_CANCELED);
        CHECK(sync.await_result() == -EINVAL);
    }
    Block read{sockets.one};
    Block sync{sockets.one};
    REQUIRE(aio_read(read) == 0);
    REQUIRE(aio_fsync(O_SYNC, sync) == 0);
    REQUIRE(::write(sockets.other, "x", 1) == 1);
    while (aio_error(read) == EINPROGRESS) {
    }
    CHECK(sync.await_result() == -EINVAL);
}

POSIX_CASE("a new request finds its file although the program has closed a duplicate of it") {
    NOT_ON_GLIBC("it has none");
    const Sockets sockets;
    Block read{sockets.one};
    REQUIRE(aio_read(read) == 0);
    for (int round = 0; round < 2; ++round) {
        const std::set<int> duplicates = duplicates_of(sockets.one);
        REQUIRE(duplicates.size() == 1);
        ::close(*duplicates.begin());
        Block write{sockets.one, "y"};
        REQUIRE(aio_write(write) == 0);
        CHECK(write.await_result() == 1);
    }
    REQUIRE(::write(sockets.other, "x", 1) == 1);
    CHECK(read.await_result() == 1);
    CHECK(duplicates_of(sockets.one).empty());
}

POSIX_CASE("a file that the program has put in the place of a duplicate is not touched") {
    NOT_ON_GLIBC("it has none");
    const Sockets sockets;
    Block read{sockets.one};
    REQUIRE(aio_read(read) == 0);
    const std::set<int> duplicates = duplicates_of(sockets.one);
    REQUIRE(duplicates.size() == 1);
    const Pipe strange;
    const Descriptor in_place{::dup2(strange.reader, *duplicates.begin())};
    strange.fill("y");
    REQUIRE(::write(sockets.other, "x", 1) == 1);
    CHECK(read.wait() == EBADF);
    CHECK(readable_bytes(strange.reader) == 1);
    CHECK(::fcntl(in_place, F_GETFD) >= 0);
    CHECK(readable_bytes(sockets.one) == 1);
    Block next{sockets.one};
    REQUIRE(aio_read(next) == 0);
    CHECK(next.await_result() == 1);
}

POSIX_CASE("a read goes on that waits on a socket which is made nonblocking meanwhile") {
    const Sockets sockets;
    Block read{sockets.one};
    REQUIRE(aio_read(read) == 0);
    const Pipe other; // the number of a request that is asked for meanwhile
    Block another{other.reader};
    REQUIRE(aio_read(another) == 0);
    REQUIRE(::fcntl(sockets.one, F_SETFL, O_NONBLOCK) == 0);
    REQUIRE(::write(sockets.other, "x", 1) == 1);
    CHECK(read.await_result() == 1);
    other.fill("y");
    CHECK(another.await_result() == 1);
}

/// Whether another process finds a record lock on it.
bool is_locked(int fd) {
    return run_in_child([fd] {
               struct flock lock {};
               lock.l_type = F_WRLCK;
               return ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0;
           }).status == 1;
}

POSIX_CASE("a record lock on a socket ends with a request that has waited there") {
    const Sockets sockets;
    struct flock lock {};
    lock.l_type = F_WRLCK;
    REQUIRE(::fcntl(sockets.one, F_SETLK, &lock) == 0);
    CHECK(is_locked(sockets.one));
    Block read{sockets.one};
    REQUIRE(aio_read(read) == 0);
    REQUIRE(::write(sockets.other, "x", 1) == 1);
    REQUIRE(read.await_result() == 1);
    CHECK(is_locked(sockets.one) == differs(true, false));
}

/// A thread that is in the library nearly all the time: most forks find its lock taken.
class BusyThread {
public:
    BusyThread()
        : thread_([this] {
              while (!ends_) {
                  ::aio_cancel(pipe_.reader, nullptr);
              }
          }) {}
    ~BusyThread() {
        ends_ = true;
        thread_.join();
    }
    BusyThread(const BusyThread&) = delete;
    BusyThread& operator=(const BusyThread&) = delete;

private:
    const Pipe pipe_;
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

/// A child that has closed its copies of two ends, and ends with 1 when `until` can be read.
pid_t fork_until(const Pipe& until, Descriptor& one, Descriptor& other) {
    const pid_t child = ::fork();
    if (child == 0) {
        one.close();
        other.close();
        char byte = 0;
        _exit(static_cast<int>(::read(until.reader, &byte, 1)));
    }
    REQUIRE(child > 0);
    return child;
}

POSIX_CASE("a forked child has no duplicate of what its parent waits for") {
    NOT_ON_GLIBC("it has none");
    constexpr std::size_t size = 100'000;
    const BusyThread busy;
    for (int round = 0; round < 30; ++round) { // the attendant may be at work, or not
        Pipe pipe;
        const Pipe until;
        Block waiting{pipe.writer, std::string(size, 'w')};
        REQUIRE(aio_write(waiting) == 0);
        const pid_t child = fork_until(until, pipe.writer, pipe.reader);
        std::string received(size, 0);
        for (std::size_t length = 0; length < size;) {
            const ssize_t part = ::read(pipe.reader, received.data(), size - length);
            REQUIRE(part > 0);
            length += static_cast<std::size_t>(part);
        }
        CHECK(waiting.await_result() == ssize_t{size});
        pipe.writer.close();
        CHECK(::read(pipe.reader, received.data(), 1) == 0); // the end: it is open nowhere
        until.fill("x");
        CHECK(wait_for_child(child).status == 1);
    }
}

POSIX_CASE("a forked child may fork") {
    const Sockets sockets;
    Block read{sockets.one};
    REQUIRE(aio_read(read) == 0);
    const ChildEnd end = run_in_child([] { return run_in_child([] { return 7; }).status; });
    CHECK(end.status == 7);
    REQUIRE(::write(sockets.other, "x", 1) == 1);
    CHECK(read.await_result() == 1);
}

// Terminals do not know RWF_NOWAIT, as the pipes of Linux 6.1: they are opened anew.

POSIX_CASE("a forked child has nothing open of a terminal that its parent waits for") {
    NOT_ON_GLIBC("it opens nothing");
    const BusyThread busy;
    for (int round = 0; round < 10; ++round) {
        Terminal terminal;
        const Pipe until;
        Block read{terminal.slave};
        REQUIRE(aio_read(read) == 0);
        REQUIRE_FALSE(duplicates_of(terminal.slave).empty());
        const pid_t child = fork_until(until, terminal.slave, terminal.master);
        REQUIRE(::write(terminal.master, "\n", 1) == 1);
        CHECK(read.await_result() == 1);
        terminal.slave.close();
        std::array<char, 8> echo{};
        while (::read(terminal.master, echo.data(), echo.size()) > 0) {
        }
        CHECK(errno == EIO); // the slave is open nowhere
        until.fill("x");
        CHECK(wait_for_child(child).status == 1);
    }
}

POSIX_CASE("a read on a terminal goes on without what the program has put in another's place") {
    NOT_ON_GLIBC("it opens nothing");
    const Terminal terminal;
    Block read{terminal.slave};
    REQUIRE(aio_read(read) == 0);
    const std::set<int> own = duplicates_of(terminal.slave);
    REQUIRE(!own.empty());
    const Pipe strange;
    strange.fill("y");
    std::vector<Descriptor> in_place;
    for (const int number : own) {
        in_place.emplace_back(::dup2(strange.reader, number));
    }
    REQUIRE(::write(terminal.master, "\n", 1) == 1);
    CHECK(read.await_result() == 1);
    CHECK(read.text() == "\n");
    CHECK(readable_bytes(strange.reader) == 1);
    for (const Descriptor& each : in_place) {
        CHECK(::fcntl(each, F_GETFD) >= 0);
    }
}

POSIX_CASE("a forked child keeps what the program has put in the place of own descriptors") {
    NOT_ON_GLIBC("it has none");
    const Pipe pipe;
    Block read{pipe.reader};
    REQUIRE(aio_read(read) == 0);
    pipe.fill("x");
    REQUIRE(read.await_result() == 1);
    const std::set<int> own = open_from(900); // high ones are the library's
    REQUIRE(own.size() >= 4);
    std::vector<Descriptor> in_place;
    for (const int number : own) {
        in_place.emplace_back(::dup2(pipe.writer, number));
    }
    const ChildEnd end = run_in_child([&] {
        int gone = 0;
        for (const int number : own) {
            gone += ::fcntl(number, F_GETFD) < 0 ? 1 : 0;
        }
        return gone;
    });
    CHECK(end.status == 0);
}

} // namespace
} // namespace aioxx::test
