// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"

#include <algorithm>
#include <csignal>
#include <set>

#include <sys/syscall.h>

using namespace aioxx::test;

namespace {

/// The index of the call after that with which copying begins, and the number of calls, of a
/// run that is not disturbed.
struct Extent {
    unsigned begin = 0;
    unsigned end = 0;
};

Extent extent_of(const Tool& tool) {
    Extent extent;
    const Outcome end = tool.trace([&](const Stop& stop) {
        extent.end = stop.index + 1;
        if (stop.number == SYS_rt_sigaction && stop.arguments[0] == SIGXFSZ) {
            extent.begin = stop.index + 1;
        }
        return Then::go_on;
    });
    REQUIRE(end.status == 0);
    return extent;
}

Outcome interrupt(const Tool& tool, unsigned at, int signal) {
    return tool.trace([&](const Stop& stop) {
        if (stop.index < at) {
            return Then::go_on;
        }
        ::kill(stop.pid, signal);
        return Then::let_go;
    });
}

/// A set of signals out of a thread's /proc/PID/task/TID/status.
unsigned long long signals_of(const std::filesystem::path& task, const std::string& label) {
    std::ifstream status{task / "status"};
    std::string word;
    while (status >> word && word != label) {
    }
    return status >> word ? std::stoull(word, nullptr, 16) : 0;
}

} // namespace

TEST_CASE("interrupted at whichever system call, the copy leaves no trace or is complete") {
    const Workspace here;
    const std::string source = here.file("source", 20'000);
    for (const bool nameless : {true, false}) {
        Tool tool{{"copy", "--block-size=4K", "--depth=2", source, here / "target"}};
        if (!nameless) {
            tool.before_exec = refuse_nameless_files;
        }
        const Extent extent = extent_of(tool);
        REQUIRE(extent.begin + 20 < extent.end);
        unsigned old = 0;
        unsigned complete = 0;
        for (unsigned at = extent.begin; at < extent.end; ++at) {
            CAPTURE(nameless);
            CAPTURE(at);
            write_file(here / "target", "old");
            const Outcome end = interrupt(tool, at, SIGTERM);
            const bool is_old = content_of(here / "target") == "old";
            (is_old ? old : complete) += 1;
            CHECK((end.signal == SIGTERM || end.status == 0));
            CHECK((is_old || content_of(here / "target") == content_of(source)));
            CHECK((end.status != 0 || !is_old));
            CHECK(here.names() == std::vector<std::string>{"source", "target"});
        }
        CHECK(old > 10);
        CHECK(complete > 0);
    }
}

TEST_CASE("no thread but the main one takes signals, so that it can hold them back") {
    const Workspace here;
    const std::string source = here.file("source", 1'048'576);
    for (const std::string direct : {"never", "always"}) {
        CAPTURE(direct);
        const Tool tool{{"copy", "--direct=" + direct, "--block-size=4K", source, here / "target"}};
        std::set<std::string> others;
        const Outcome end = tool.trace([&](const Stop& stop) {
            const std::string tasks = "/proc/" + std::to_string(stop.pid) + "/task";
            for (const auto& task : std::filesystem::directory_iterator{tasks}) {
                const std::string id = task.path().filename().string();
                const unsigned long long blocked = signals_of(task.path(), "SigBlk:");
                // One that has ended has no signals at all.
                if (id != std::to_string(stop.pid) && signals_of(task.path(), "SigCgt:") != 0) {
                    CHECK((blocked >> (SIGTERM - 1U) & 1U) == 1);
                    others.insert(id);
                }
            }
            return Then::go_on;
        });
        CHECK(end.status == 0);
        CHECK_FALSE(others.empty()); // the worker that flushes, if no other
    }
}

TEST_CASE("each signal that ends a program takes the temporary file along, and ends it") {
    SKIP_WITHOUT_KERNEL_AIO("it goes by io_submit");
    const Workspace here;
    const std::string source = here.file("source", 20'000);
    Tool tool{{"copy", "--block-size=4K", source, here / "target"}};
    tool.before_exec = refuse_nameless_files;
    for (const int signal :
         {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1, SIGXCPU}) {
        CAPTURE(signal);
        bool was_there = false;
        const Outcome end = tool.trace([&](const Stop& stop) {
            if (stop.number != SYS_io_submit) {
                return Then::go_on;
            }
            was_there = here.names().size() == 2;
            ::kill(stop.pid, signal);
            return Then::let_go;
        });
        CHECK(was_there);
        CHECK(end.signal == signal);
        CHECK(end.errors.empty());
        CHECK(here.names() == std::vector<std::string>{"source"});
    }
}

// Many calls that wait for a page, or for a server, are ended by a signal that kills, and by no
// other.
TEST_CASE("a signal has a handler only while there is a name to remove") {
    const Workspace here;
    const std::string source = here.file("source", 20'000);
    for (const bool nameless : {true, false}) {
        CAPTURE(nameless);
        Tool tool{{"copy", source, here / "target"}};
        if (!nameless) {
            tool.before_exec = refuse_nameless_files;
        }
        unsigned handled = 0;
        unsigned differing = 0;
        CHECK(tool.trace([&](const Stop& stop) {
                      if (stop.number == SYS_rt_sigaction || stop.number == SYS_rt_sigprocmask) {
                          return Then::go_on;
                      }
                      const std::string process = "/proc/" + std::to_string(stop.pid);
                      const bool has_handler =
                          (signals_of(process, "SigCgt:") >> (SIGTERM - 1) & 1U) != 0;
                      const bool is_held =
                          (signals_of(process, "SigBlk:") >> (SIGTERM - 1) & 1U) != 0;
                      const std::vector<std::string> names = here.names();
                      const bool has_name =
                          std::any_of(names.begin(), names.end(), [](const std::string& name) {
                              return name.rfind(".aioxx-", 0) == 0;
                          });
                      handled += has_handler ? 1 : 0;
                      differing += !is_held && has_handler != has_name ? 1 : 0;
                      return Then::go_on;
                  })
                  .status == 0);
        CHECK(differing == 0);
        CHECK((nameless || handled != 0));
        ::unlink((here / "target").c_str());
    }
}

TEST_CASE("a signal that the caller ignores does not stop the copy") {
    const Workspace here;
    const std::string source = here.file("source", 20'000);
    Tool tool{{"copy", source, here / "target"}};
    tool.before_exec = [] { ::signal(SIGHUP, SIG_IGN); };
    const Extent extent = extent_of(tool);
    const Outcome end = interrupt(tool, extent.begin + 5, SIGHUP);
    CHECK(end.status == 0);
    CHECK(content_of(here / "target") == content_of(source));
}

TEST_CASE("killed, the copy leaves nothing where the file system has files without a name") {
    SKIP_WITHOUT_KERNEL_AIO("it goes by io_submit");
    const Workspace here;
    const Descriptor nameless{::open(here.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    const std::string source = here.file("source", 20'000);
    const Tool tool{{"copy", "--block-size=4K", source, here / "target"}};
    for (const long number : {SYS_io_submit, SYS_fsync, SYS_fchmod}) {
        CAPTURE(number);
        const Outcome end = tool.trace([&](const Stop& stop) {
            if (stop.number != number) {
                return Then::go_on;
            }
            ::kill(stop.pid, SIGKILL);
            return Then::let_go;
        });
        CAPTURE(end.status);
        CAPTURE(end.errors);
        CHECK(end.signal == SIGKILL);
        CHECK(here.names() == std::vector<std::string>{"source"});
    }
}
