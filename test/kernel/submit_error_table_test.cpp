// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Every error of submit: of the call, of an operation refused at submit, and of one that fails in
// its event.
#include "descriptors.hpp"
#include "two_ways.hpp"

#include <array>
#include <limits>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>

using namespace aioxx::test;
namespace kernel = aioxx::kernel;

namespace {

constexpr std::uint32_t rwf_hipri = 0x1;
constexpr std::uint32_t rwf_nowait = 0x8;
constexpr std::uint32_t flag_ioprio = 2;
constexpr std::int16_t no_priority = -8192; // class 7 of 4

struct SubmitFixture : ActedOn {
    IocbLayout& read_from(int fd) {
        kernel::prepare_read(iocb, fd, buffer.data(), buffer.size(), 0);
        return iocb;
    }
    IocbLayout& write_to(int fd) {
        kernel::prepare_write(iocb, fd, buffer.data(), buffer.size(), 0);
        return iocb;
    }
    IocbLayout& fsync_of(int fd) {
        kernel::prepare_fsync(iocb, fd);
        return iocb;
    }
    IocbLayout& poll_of(int fd, std::uint32_t events = POLLIN) {
        kernel::prepare_poll(iocb, fd, events);
        return iocb;
    }

    TemporaryFile file{std::string(8192, 'x')};
    Descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    Descriptor directory{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    Descriptor path{::open("/dev/null", O_PATH | O_CLOEXEC)};
    std::array<char, 64> buffer{};
    std::array<iovec, 1025> vectors{};
    Page no_access{PROT_NONE};
    Page read_only{PROT_READ};
};

template <typename Calls>
int submit(Calls calls, SubmitFixture& f, IocbLayout& iocb) {
    IocbLayout* one = &iocb;
    return calls.submit(f.live, 1, &one);
}

/// The result that the event carries; the operation must have been accepted.
template <typename Calls>
int result_of(Calls calls, SubmitFixture& f, IocbLayout& iocb) {
    if (submit(calls, f, iocb) != 1) {
        return std::numeric_limits<int>::min();
    }
    EventLayout event;
    while (calls.get_events(f.live, 1, 1, &event, kernel::forever, nullptr) != 1) {
    }
    return static_cast<int>(event.result);
}

TEST_CASE("submit refuses the call as the system call does") {
    SKIP_UNDER_VALGRIND("bad pointers are errors there");
    SubmitFixture fixture;
    const Row<SubmitFixture> rows[] = {
        row<SubmitFixture>("to no context", -EINVAL,
                           [](auto calls, SubmitFixture&) { return calls.submit(0, 0, nullptr); }),
        row<SubmitFixture>("to a number", -EINVAL,
                           [](auto calls, SubmitFixture&) { return calls.submit(1, 0, nullptr); }),
        row<SubmitFixture>("to memory that is no ring", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               return calls.submit(reinterpret_cast<Handle>(f.read_only.at), 0,
                                                   nullptr);
                           }),
        row<SubmitFixture>(
            "to a destroyed context", -EINVAL,
            [](auto calls, SubmitFixture& f) { return calls.submit(f.destroyed, 0, nullptr); }),
        row<SubmitFixture>(
            "fewer than none", -EINVAL,
            [](auto calls, SubmitFixture& f) { return calls.submit(f.live, -1, nullptr); }),
        row<SubmitFixture>(
            "none", 0,
            [](auto calls, SubmitFixture& f) { return calls.submit(f.live, 0, nullptr); }),
        row<SubmitFixture>(
            "one of a null array", -EFAULT,
            [](auto calls, SubmitFixture& f) { return calls.submit(f.live, 1, nullptr); }),
        row<SubmitFixture>("one of an array without access", -EFAULT,
                           [](auto calls, SubmitFixture& f) {
                               return calls.submit(f.live, 1,
                                                   static_cast<IocbLayout**>(f.no_access.at));
                           }),
        row<SubmitFixture>("a null iocb", -EFAULT,
                           [](auto calls, SubmitFixture& f) {
                               IocbLayout* one = nullptr;
                               return calls.submit(f.live, 1, &one);
                           }),
        row<SubmitFixture>("an iocb in memory without access", -EFAULT,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, *static_cast<IocbLayout*>(f.no_access.at));
                           }),
        row<SubmitFixture>("an iocb in read-only memory, where the key cannot be written", -EFAULT,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, *static_cast<IocbLayout*>(f.read_only.at));
                           }),
    };
    check_rows(rows, fixture);
}

TEST_CASE("submit refuses an operation on a file as the system call does") {
    SKIP_UNDER_VALGRIND("more vectors than there is memory are an error there");
    SubmitFixture fixture;
    const Row<SubmitFixture> rows[] = {
        row<SubmitFixture>("on a closed descriptor", -EBADF,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, f.read_from(closed_descriptor()));
                           }),
        row<SubmitFixture>(
            "on descriptor -1", -EBADF,
            [](auto calls, SubmitFixture& f) { return submit(calls, f, f.read_from(-1)); }),
        row<SubmitFixture>("read from a file open for writing", -EBADF,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, f.read_from(f.pipe.writer));
                           }),
        row<SubmitFixture>("write to a file open for reading", -EBADF,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, f.write_to(f.pipe.reader));
                           }),
        row<SubmitFixture>(
            "on an O_PATH descriptor", -EBADF,
            [](auto calls, SubmitFixture& f) { return submit(calls, f, f.read_from(f.path)); }),
        row<SubmitFixture>("read from a directory", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, f.read_from(f.directory));
                           }),
        row<SubmitFixture>("at a negative offset", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).offset = -1;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("with more than 1024 vectors", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               kernel::prepare_readv(f.iocb, f.file, f.vectors.data(), 1025, 0);
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("with more vectors than fit into an int", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               kernel::prepare_writev(f.iocb, f.file, f.vectors.data(),
                                                      std::numeric_limits<std::size_t>::max(), 0);
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("an fsync of a pipe", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, f.fsync_of(f.pipe.writer));
                           }),
        row<SubmitFixture>("an fsync with a buffer", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.fsync_of(f.file).buffer = 4096;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("an fsync with a length", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.fsync_of(f.file).length = 1;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("an fsync with an offset", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.fsync_of(f.file).offset = 1;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("an fsync with flags", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.fsync_of(f.file).rw_flags = rwf_nowait;
                               return submit(calls, f, f.iocb);
                           }),
    };
    check_rows(rows, fixture);
}

TEST_CASE("submit refuses polls as the system call does") {
    SubmitFixture fixture;
    const Row<SubmitFixture> rows[] = {
        row<SubmitFixture>("with bits above the sixteenth", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, f.poll_of(f.pipe.reader, POLLIN | 0x10000));
                           }),
        row<SubmitFixture>("with a length", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.poll_of(f.pipe.reader).length = 1;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("of a pseudo-terminal's master", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               const Terminal terminal;
                               return submit(calls, f, f.poll_of(terminal.master));
                           }),
        row<SubmitFixture>("of a pseudo-terminal's slave", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               const Terminal terminal;
                               return submit(calls, f, f.poll_of(terminal.slave));
                           }),
        row<SubmitFixture>("of a fifo open for both", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               const ScratchDirectory place;
                               const std::string name = place.path("file");
                               ::mkfifo(name.c_str(), 0600);
                               const Descriptor fifo{::open(name.c_str(), O_RDWR | O_CLOEXEC)};
                               return submit(calls, f, f.poll_of(fifo));
                           }),
        row<SubmitFixture>("of a closed descriptor", -EBADF,
                           [](auto calls, SubmitFixture& f) {
                               return submit(calls, f, f.poll_of(closed_descriptor()));
                           }),
    };
    check_rows(rows, fixture);
}

TEST_CASE("submit refuses what is set beside the operation as the system call does") {
    SubmitFixture fixture;
    const Row<SubmitFixture> rows[] = {
        row<SubmitFixture>("a closed eventfd", -EBADF,
                           [](auto calls, SubmitFixture& f) {
                               kernel::set_event_fd(f.read_from(f.file), closed_descriptor());
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("an eventfd that is none", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               kernel::set_event_fd(f.read_from(f.file), f.null);
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("the reserved field", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).reserved = 1;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("an unknown opcode", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).opcode = 4711;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("the opcode that does nothing", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).opcode = 6;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("a priority of a class that is none", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).priority = no_priority;
                               f.iocb.flags |= flag_ioprio;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("an unknown flag of reads and writes", -EOPNOTSUPP,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).rw_flags = 1U << 31;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("NOWAIT on a pseudo-terminal's slave", -EOPNOTSUPP,
                           [](auto calls, SubmitFixture& f) {
                               const Terminal terminal;
                               f.read_from(terminal.slave).rw_flags = rwf_nowait;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("NOWAIT on a fifo open for both", -EOPNOTSUPP,
                           [](auto calls, SubmitFixture& f) {
                               const ScratchDirectory place;
                               const std::string name = place.path("file");
                               ::mkfifo(name.c_str(), 0600);
                               const Descriptor fifo{::open(name.c_str(), O_RDWR | O_CLOEXEC)};
                               f.read_from(fifo).rw_flags = rwf_nowait;
                               return submit(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("unknown iocb flags, which are accepted", 64,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).flags = ~3U;
                               return result_of(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("a priority without its flag, which is ignored", 64,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).priority = no_priority;
                               return result_of(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("HIPRI, which is ignored", 64,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).rw_flags = rwf_hipri;
                               return result_of(calls, f, f.iocb);
                           }),
    };
    check_rows(rows, fixture);
}

TEST_CASE("an operation that fails later says so in its event") {
    SKIP_UNDER_VALGRIND("a buffer without access is an error there");
    SubmitFixture fixture;
    const Row<SubmitFixture> rows[] = {
        row<SubmitFixture>("a buffer without access", -EFAULT,
                           [](auto calls, SubmitFixture& f) {
                               kernel::prepare_read(f.iocb, f.file, f.no_access.at, 64, 0);
                               return result_of(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("an empty pipe that does not block", -EAGAIN,
                           [](auto calls, SubmitFixture& f) {
                               const Pipe nonblocking{O_NONBLOCK};
                               return result_of(calls, f, f.read_from(nonblocking.reader));
                           }),
        row<SubmitFixture>("a socket with an offset", -ESPIPE,
                           [](auto calls, SubmitFixture& f) {
                               int ends[2] = {-1, -1};
                               ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
                               const Descriptor one{ends[0]};
                               const Descriptor other{ends[1]};
                               f.read_from(one).offset = 1;
                               return result_of(calls, f, f.iocb);
                           }),
        row<SubmitFixture>("a read at the end", 0,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).offset = 8192;
                               return result_of(calls, f, f.iocb);
                           }),
    };
    check_rows(rows, fixture);
}

TEST_CASE("NOWAIT on an empty pipe fails in its event") {
    if (!pipes_know_nowait()) {
        SKIP_CASE("the kernel's pipes know no RWF_NOWAIT");
    }
    SubmitFixture fixture;
    const Row<SubmitFixture> rows[] = {
        row<SubmitFixture>("a read", -EAGAIN,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.pipe.reader).rw_flags = rwf_nowait;
                               return result_of(calls, f, f.iocb);
                           }),
    };
    check_rows(rows, fixture);
}

TEST_CASE("direct I/O that is not aligned fails in its event") {
    SubmitFixture fixture;
    const int flags = ::fcntl(fixture.file, F_GETFL);
    if (::fcntl(fixture.file, F_SETFL, flags | O_DIRECT) != 0) {
        SKIP_CASE("no direct I/O in /var/tmp");
    }
    const Row<SubmitFixture> rows[] = {
        row<SubmitFixture>("an odd offset", -EINVAL,
                           [](auto calls, SubmitFixture& f) {
                               f.read_from(f.file).offset = 3;
                               return result_of(calls, f, f.iocb);
                           }),
    };
    check_rows(rows, fixture);
}

} // namespace
