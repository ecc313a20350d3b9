// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What reaches every thread of a process, the library's as well: SIGSTOP, SIGCONT and setuid.

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"

namespace aioxx::test {
namespace {

/// Requests that wait, in the kernel and in threads.
struct Waiting {
    Waiting() {
        REQUIRE(aio_read(read.signals(signal)) == 0);
        REQUIRE(aio_read(silent) == 0);
        REQUIRE(aio_write(write.signals(signal)) == 0);
        REQUIRE(eventually([&] { return readable_bytes(full.reader) > 0; }));
    }
    /// Lets them complete: each as if nothing had happened.
    void check() {
        CHECK(read.pending());
        CHECK(silent.pending());
        CHECK(write.pending());
        pipe.fill("x");
        quiet.fill("y");
        std::string drained(size, '\0');
        for (std::size_t length = 0; length < size;) {
            const ssize_t part = ::read(full.reader, drained.data(), size - length);
            REQUIRE(part > 0);
            length += static_cast<std::size_t>(part);
        }
        CHECK(read.await_result() == 1);
        CHECK(silent.await_result() == 1);
        CHECK(write.await_result() == ssize_t{size});
        CHECK(signal.next());
        CHECK(signal.next());
        CHECK(!signal.there());
    }

    static constexpr std::size_t size = 200'000;
    BlockedSignal signal{SIGRTMIN};
    Pipe pipe;
    Pipe quiet;
    Pipe full;
    Block read{pipe.reader};
    Block silent{quiet.reader};
    Block write{full.writer, std::string(size, 'w')};
};

POSIX_CASE("a process that is stopped and continued loses nothing") {
    NOT_ON_GLIBC("a write that has begun ends short, at what had gone by then");
    Waiting waiting;
    for (int i = 0; i < 5; ++i) {
        const pid_t self = ::getpid();
        const ChildEnd end = run_in_child([self] {
            if (::kill(self, SIGSTOP) != 0) {
                return 1;
            }
            const std::string path = "/proc/" + std::to_string(self) + "/status";
            const bool stopped = eventually([&path] {
                std::ifstream file{path};
                for (std::string line; std::getline(file, line);) {
                    if (line.starts_with("State:")) {
                        return line.find('T') != std::string::npos;
                    }
                }
                return false;
            });
            ::kill(self, SIGCONT);
            return stopped ? 0 : 2;
        });
        CHECK(end.status == 0);
    }
    waiting.check();
}

POSIX_CASE("setuid, which reaches into every thread, does not hang, and disturbs nothing") {
    NOT_ON_GLIBC("a write that has begun ends short, at what had gone by then");
    Waiting waiting;
    for (int i = 0; i < 5; ++i) {
        CHECK(::setresuid(::getuid(), ::geteuid(), ::geteuid()) == 0);
    }
    waiting.check();
}

} // namespace
} // namespace aioxx::test
