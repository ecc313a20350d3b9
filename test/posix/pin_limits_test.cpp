// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Where there are not enough descriptors, and where the kernel or the program has taken away what
// the table needs. Each in a process of its own.

#include "child.hpp"
#include "descriptors.hpp"
#include "eventually.hpp"
#include "posix/pin_loop.hpp"
#include "privileges.hpp"
#include "skip.hpp"

#include <cerrno>
#include <deque>
#include <thread>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::Way;
using posix::Pin;

TEST_CASE("a file that the private table has no room for fails with EMFILE") {
    const ChildEnd end = run_in_child([] {
        const rlimit few{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &few);
        PinLoop pins;
        std::vector<Pin*> made;
        made.reserve(70);
        PlainFile file{STDIN_FILENO};
        for (int i = 0; i < 70; ++i) {
            made.push_back(&pins.pin(STDIN_FILENO));
        }
        for (const Way way : {Way::worker, Way::worker_submit}) {
            WorkerOperation read;
            pins.add(read, Kind::read, file, *made.back(), way);
            if (pins.loop.result_of(read) != -EMFILE) {
                return 1;
            }
        }
        const Descriptor epoll{::epoll_create1(EPOLL_CLOEXEC)};
        if (pins.table.watch(*made.back(), epoll, EPOLLIN, 1) != 0 ||
            !eventually([&] { return made.back()->unwatchable == EMFILE; })) {
            return 2;
        }
        for (Pin* const pin : made) {
            pins.table.release_and_wait(*pin);
        }
        return pins.table.is_in_use() ? 3 : 0;
    });
    CHECK(end.status == 0);
}

/// In a child that has done nothing yet: without privileges, but still seen in its own /proc.
bool become_ordinary() {
    constexpr uid_t unprivileged = 65534;
    return (::geteuid() != 0 || ::setuid(unprivileged) == 0) && ::prctl(PR_SET_DUMPABLE, 1) == 0;
}

bool wait_until_it_pauses(pid_t tid) {
#ifdef SYS_clock_nanosleep // on 32 bits as well, for a time as short as this
    return wait_until_blocked_in(tid, SYS_clock_nanosleep);
#else
    return wait_until_blocked_in(tid, SYS_clock_nanosleep_time64);
#endif
}

TEST_CASE("a file that is one too many in sockets for an ordinary user is sent when it is not") {
    if (::geteuid() == 0 && !may_become_another_user()) {
        SKIP_CASE("root without CAP_SETUID cannot become an ordinary user");
    }
    const ChildEnd end = run_in_child([] {
        const rlimit few{64, 64}; // as many may be in sockets
        ::setrlimit(RLIMIT_NOFILE, &few);
        if (!become_ordinary()) {
            return 1;
        }
        std::deque<WorkerOperation> writes(100);
        std::deque<posix::Loan> loans(100);
        posix::PinTable table;
        PoolLoop loop{{.limit = 1}, table}; // no spare worker: the one that there is is in a call
        table.attach(loop.pool, loop.mailbox, loop.wake.fd(), loop.events.fd());
        table.reserve(100);
        loop.start();
        Pipe pipe;
        PlainFile blocking{pipe.reader};
        PlainFile sink{STDERR_FILENO};
        WorkerOperation read;
        read.set(Kind::read, blocking);
        read.pin = table.pin(pipe.reader);
        loop.add(read);
        if (!eventually([] { return count_blocked_in(SYS_preadv2) == 1; })) {
            return 4;
        }
        bool paused = false;
        std::thread watcher{[&paused, &pipe, sender = ::getpid()] {
            paused = wait_until_it_pauses(sender);
            pipe.fill("x");
        }};
        bool sent = true;
        for (std::size_t i = 0; i < writes.size() && sent; ++i) {
            writes[i].set(Kind::fdatasync, sink);
            bool lent = false;
            // It gives up in the end, and the watcher may be late.
            for (const Deadline deadline; !lent && !deadline.over();) {
                lent = table.lend(loans[i], STDERR_FILENO, writes[i]);
            }
            sent = lent;
            loop.add(writes[i]);
        }
        watcher.join();
        if (!paused) {
            return 2;
        }
        int arrived = 0;
        for (std::size_t i = 0; i < writes.size() + 1; ++i) {
            arrived += loop.next().result != -EMFILE ? 1 : 0; // the table has 64 as well
        }
        return sent && arrived > 30 ? 0 : 3;
    });
    CHECK(end.status == 0);
}

TEST_CASE(
    "where the program has closed all that it does not know pinning fails, and what was there "
    "ends") {
    const ChildEnd end = run_in_child([] {
        const TemporaryFile content{"text"};
        WorkerOperation read;
        PinLoop pins;
        PlainFile file{content};
        Pin& pin = pins.pin(content);
        for (int fd = 3; fd < 1024; ++fd) {
            // As closefrom(3), and not seen by ThreadSanitizer: the table's thread uses its socket
            // meanwhile.
            ::syscall(SYS_close, fd);
        }
        const Descriptor other{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
        if (pins.table.pin(other) != nullptr || errno != EBADF) {
            return 1;
        }
        pins.add(read, Kind::read, file, pin);
        if (!eventually([&] { return pins.loop.mailbox.has_mail(); }) ||
            pins.loop.mailbox.take().front() != &read || read.result != 4) {
            return 2;
        }
        pins.table.release_and_wait(pin);
        pins.loop.pool.stop();
        pins.loop.start(); // with another socket
        if (pins.table.pin(other) == nullptr) {
            return 3;
        }
        return 0;
    });
    CHECK(end.status == 0);
}

/// From now on no thread of this process gets a descriptor table of its own.
bool forbid_other_tables() {
    std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)}; // the call's number
    for (const unsigned call : {unsigned{SYS_unshare}, unsigned{SYS_close_range}}) {
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
        filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_CASE("where the kernel forbids another table files are kept in the program's") {
    const ChildEnd end = run_in_child([] {
        if (!forbid_other_tables()) {
            return 1;
        }
        const TemporaryFile content{"text"};
        Descriptor holder{open_again(content, O_RDWR)};
        const Descriptor rival{open_again(content, O_RDWR)};
        PlainFile file{holder};
        WorkerOperation operation;
        const int before = count_descriptors();
        {
            PinLoop pins;
            ::flock(holder, LOCK_EX);
            Pin& pin = pins.pin(holder);
            posix::Loan loan;
            pins.add_lent(operation, file, loan, holder);
            holder.close();
            if (pins.loop.result_of(operation) != 4096 || can_lock(rival)) {
                return 2;
            }
            operation.length = 4;
            pins.add(operation, Kind::read, file, pin);
            if (pins.loop.result_of(operation) != 4 || can_lock(rival)) {
                return 3;
            }
            pins.table.release_and_wait(pin);
            if (!can_lock(rival)) {
                return 4;
            }
            holder = Descriptor{open_again(content, O_RDWR)};
            ::flock(holder, LOCK_EX);
            Pin& late = pins.pin(holder);
            holder.close();
            pins.loop.pool.stop();
            pins.table.release_and_wait(late);
            if (!can_lock(rival)) {
                return 5;
            }
        }
        return count_descriptors() == before - 1 ? 0 : 6; // the holder
    });
    CHECK(end.status == 0);
}

} // namespace
} // namespace aioxx::test
