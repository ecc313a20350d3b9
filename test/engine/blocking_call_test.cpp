// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What a worker does for a transfer or a flush: one plain system call.

#include "engine/blocking_call.hpp"
#include "engine/plain_file.hpp"

#include "descriptors.hpp"
#include "eventually.hpp"
#include "skip.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <thread>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::blocking_call;
using engine::Kind;
using engine::Operation;
using engine::Way;

/// A transfer with memory of its own, by a worker.
struct PlainTransfer : Operation {
    explicit PlainTransfer(Kind kind, std::string_view text = {}, std::int64_t offset = 0) {
        text.copy(bytes.data(), bytes.size());
        way = Way::worker;
        request.kind = kind;
        request.data = bytes.data();
        request.length = text.empty() ? bytes.size() : text.size();
        request.offset = offset;
    }
    [[nodiscard]] std::string_view text(std::int64_t length) const {
        return {bytes.data(), static_cast<std::size_t>(length)};
    }

    std::array<char, 4096> bytes{};
};

TEST_CASE("a call transfers what remains of an operation, from where it has got to") {
    const TemporaryFile file{"0123456789"};
    PlainTransfer read{Kind::read, {}, 2};
    read.request.length = 6;
    read.done = 3;
    CHECK(blocking_call(read, file, false) == 3);
    CHECK(read.text(6).substr(3) == "567");

    PlainTransfer write{Kind::write, "abcd", 4};
    write.done = 1;
    CHECK(blocking_call(write, file, false) == 3);
    CHECK(file.content() == "01234bcd89");
}

TEST_CASE("a call transfers vectors, what remains of them") {
    const TemporaryFile file{"0123456789"};
    std::array<char, 8> bytes{};
    std::array<iovec, 3> parts{iovec{bytes.data(), 2}, iovec{&bytes[2], 0}, iovec{&bytes[4], 3}};
    Operation read;
    read.way = Way::worker;
    read.request.kind = Kind::readv;
    read.request.data = parts.data();
    read.request.length = parts.size();
    read.request.offset = 1;
    CHECK(blocking_call(read, file, false) == 5);
    CHECK(std::string_view{bytes.data(), 2} == "12");
    CHECK(std::string_view{&bytes[4], 3} == "345");

    read.advance(3);
    CHECK(blocking_call(read, file, false) == 2);
    CHECK(std::string_view{&bytes[4], 3} == "345");

    read.request.kind = Kind::writev; // "45" once more, where the operation has got to
    read.request.offset = 5;
    CHECK(blocking_call(read, file, false) == 2);
    CHECK(file.content() == "0123456745");
}

TEST_CASE("a flush is a call, and its error an answer") {
    const TemporaryFile file{"text"};
    Operation flush;
    flush.way = Way::worker;
    for (const Kind kind : {Kind::fsync, Kind::fdatasync}) {
        flush.request.kind = kind;
        CHECK(blocking_call(flush, file, false) == 0);
        CHECK(blocking_call(flush, closed_descriptor(), false) == -EBADF);
        const Pipe pipe;
        CHECK(blocking_call(flush, pipe.reader, true) == -EINVAL);
    }
}

TEST_CASE("a call at the end of the file, and one behind it, are told apart from an error") {
    const Descriptor file{::open("/proc/self/stat", O_RDONLY | O_CLOEXEC)};
    PlainTransfer read{Kind::read};
    const std::int64_t length = blocking_call(read, file, false);
    CHECK(length > 0);
    CHECK(read.text(length).starts_with(std::to_string(::getpid()) + " ("));
    read.request.offset = 1 << 20;
    CHECK(blocking_call(read, file, false) == 0);
    PlainTransfer write{Kind::write, "x"};
    CHECK(blocking_call(write, file, false) == -EBADF);
    read.request.offset = -1; // not the file's own position
    CHECK(blocking_call(read, file, false) == -EINVAL);
    read.request.offset = std::numeric_limits<std::int64_t>::min();
    CHECK(blocking_call(read, file, false) == -EINVAL);
}

TEST_CASE("a call on a stream ignores the offset, and leaves what it cannot read for later") {
    const Pipe pipe;
    pipe.fill("text");
    PlainTransfer read{Kind::read, {}, 1000};
    read.request.length = 4;
    read.done = 1;
    CHECK(blocking_call(read, pipe.reader, true) == 3);
    CHECK(read.text(4).substr(1) == "tex");
    pipe.fill("more");
    PlainTransfer more{Kind::read};
    CHECK(blocking_call(more, pipe.reader, true) == 5);
}

TEST_CASE("a call does not block where its way asks for NOWAIT") {
    const Pipe pipe;
    const int refused = pipes_know_nowait() ? -EAGAIN : -EOPNOTSUPP;
    PlainFile file{pipe.reader};
    PlainTransfer read{Kind::read};
    read.file = &file;
    for (const Way way : {Way::worker_nowait, Way::call_nowait}) {
        read.way = way;
        CHECK(blocking_call(read, pipe.reader, true) == refused);
    }
    read.way = Way::worker; // the same, asked for by the user
    read.request.flags = RwFlags::nowait;
    CHECK(blocking_call(read, pipe.reader, true) == refused);
}

constexpr int one_thread = 1; // IOPRIO_WHO_PROCESS

long priority_now() {
    return ::syscall(SYS_ioprio_get, one_thread, 0);
}

long class_now() {
    return priority_now() >> 13;
}

struct PrioritisedRead : PlainTransfer {
    PrioritisedRead() : PlainTransfer(Kind::read) {
        request.priority = {IoPriority::Class::best_effort, 6};
        request.prioritised = true;
    }
};

TEST_CASE("a call has its priority for itself, and the thread has its own afterwards") {
    const TemporaryFile file{"text"};
    std::thread{[&] {
        PrioritisedRead read;
        const long before = class_now(); // none, whose level means nothing
        CHECK(blocking_call(read, file, false) == 4);
        CHECK(class_now() == before);
        const int idle = 3 << 13;
        REQUIRE(::syscall(SYS_ioprio_set, one_thread, 0, idle) == 0);
        CHECK(blocking_call(read, file, false) == 4);
        CHECK(priority_now() == idle);
    }}.join();
}

/// Has every ioprio_get() of this thread answered by who reads the descriptor: -1 where the kernel
/// or a container forbids that.
int answer_ioprio_get() {
    std::array<sock_filter, 4> filter{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), // the call's number
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioprio_get, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{filter.size(), filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                      SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

TEST_CASE("the priority of class none comes back on kernels that tell it with a level") {
    constexpr int none_with_level = 4;
    const TemporaryFile file{"text"};
    std::atomic<int> listener{0};
    std::int64_t result = 0;
    long now = -1;
    std::thread caller{[&] {
        listener = answer_ioprio_get();
        if (listener >= 0) {
            PrioritisedRead read;
            result = blocking_call(read, file, false);
            now = class_now();
        }
    }};
    REQUIRE(eventually([&] { return listener != 0; }));
    bool answered = listener >= 0;
    for (const int answer : {none_with_level, 0}) {
        seccomp_notif asked{};
        answered = answered && ::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) == 0;
        seccomp_notif_resp response{};
        response.id = asked.id;
        response.val = answer;
        response.flags = answer == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
        answered = answered && ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
    }
    const Descriptor closed{answered ? int{listener} : ::dup(STDIN_FILENO)};
    caller.join();
    if (!answered) {
        SKIP_CASE("seccomp has no listener here");
    }
    CHECK(result == 4);
    CHECK(now == 0);
}

TEST_CASE("a file that does not know NOWAIT refuses it by a call as well") {
    const Descriptor inotify{::inotify_init1(IN_CLOEXEC)};
    PlainFile file{inotify};
    PlainTransfer read{Kind::read};
    read.file = &file;
    read.way = Way::worker_nowait;
    CHECK(blocking_call(read, inotify, true) == -EOPNOTSUPP);

    const ScratchDirectory directory;
    REQUIRE(::inotify_add_watch(inotify, directory.path().c_str(), IN_CREATE) >= 0);
    const Descriptor made{::open(directory.path("file").c_str(), O_CREAT | O_CLOEXEC, 0600)};
    read.way = Way::worker;
    CHECK(blocking_call(read, inotify, true) >= static_cast<std::int64_t>(sizeof(inotify_event)));
}

} // namespace
} // namespace aioxx::test
