// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/own_process.hpp"

#include "child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef AIOXX_TEST_TSAN
/// The drop-in stays until the process ends; its threads are never joined, which ThreadSanitizer
/// takes for a leak. Forked children make threads, which it forbids by default.
extern "C" const char* __tsan_default_options() {
    return "report_thread_leaks=0:die_after_fork=0";
}
#endif

namespace aioxx::test {
namespace {

/// Empty where it may not be read.
std::string content_of(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream{path}.rdbuf();
    return text.str();
}

/// Where the threads of the processes of `group` are: the system call that each one is in, and for
/// root its kernel stack. For a case that did not end.
std::string whereabouts(pid_t group) {
    std::string text;
    std::error_code ignored;
    for (const auto& process : std::filesystem::directory_iterator{"/proc", ignored}) {
        const std::string id = process.path().filename();
        if (id.find_first_not_of("0123456789") != std::string::npos ||
            ::getpgid(std::atoi(id.c_str())) != group) {
            continue;
        }
        for (const auto& task :
             std::filesystem::directory_iterator{process.path() / "task", ignored}) {
            text += "process " + id + ", thread " + task.path().filename().string() + ", " +
                    content_of(task.path() / "comm") + "  call " +
                    content_of(task.path() / "syscall") + content_of(task.path() / "stack");
        }
    }
    return text;
}

/// What `child`, the first process of its group, and those that it starts write to `fd`, until it
/// ends. After `seconds` the whole group is ended. What else is left of it is ended with the child:
/// it may hold the pipe for ever.
void read_until_it_ends(pid_t child, int fd, unsigned seconds, ProgramEnd& end) {
    using std::chrono::steady_clock;
    const auto limit = steady_clock::now() + std::chrono::seconds{seconds};
    const Descriptor ended{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
    std::array<pollfd, 2> watched{{{fd, POLLIN, 0}, {ended, POLLIN, 0}}};
    while (watched[0].fd >= 0 || watched[1].fd >= 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - steady_clock::now());
        const bool is_late = watched[1].fd >= 0 && left.count() <= 0;
        if (is_late) {
            end.timed_out = true;
            end.text += whereabouts(child);
        }
        if (is_late || watched[1].revents != 0) {
            watched[1] = {-1, 0, 0};
            ::kill(-child, SIGKILL);
            if (watched[0].fd < 0) {
                return;
            }
        }
        // Ended, it leaves what is in the pipe already.
        const int wait = watched[1].fd >= 0 ? static_cast<int>(left.count()) : 1000;
        if (::poll(watched.data(), watched.size(), wait) == 0 && watched[1].fd < 0) {
            return;
        }
        if (watched[0].revents == 0) {
            continue;
        }
        std::array<char, 4096> part{};
        const ssize_t length = ::read(fd, part.data(), part.size());
        if (length == 0) {
            watched[0] = {-1, 0, 0};
        } else if (length > 0) {
            end.text.append(part.data(), static_cast<std::size_t>(length));
        }
    }
}

/// In a forked child: becomes the program.
[[noreturn]] void become(char* const* arguments, int output) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGTERM}) {
        ::signal(number, SIG_DFL);
    }
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::execv(arguments[0], arguments);
    ::_exit(127);
}

/// The line that begins with `start`, without that; empty if there is none.
std::string line_after(const std::string& text, const std::string& start) {
    const std::size_t at = ('\n' + text).find('\n' + start);
    if (at == std::string::npos) {
        return {};
    }
    const std::size_t begin = at + start.size();
    return text.substr(begin, text.find('\n', begin) - begin);
}

} // namespace

ProgramEnd run(const Program& program) {
    std::vector<char*> arguments;
    for (const std::string& argument : program.arguments) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    Pipe output;
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (child == 0) {
        for (const std::string& variable : program.environment) {
            ::putenv(const_cast<char*>(variable.c_str()));
        }
        become(arguments.data(), output.writer);
    }
    ::setpgid(child, child); // the child does so too: the first of the two counts
    output.writer.close();
    ProgramEnd end;
    read_until_it_ends(child, output.reader, program.seconds, end);
    const ChildEnd ended = wait_for_child(child);
    end.status = ended.status;
    end.signal = ended.signal;
    return end;
}

std::vector<std::string> preloaded() {
    if (on_glibc()) {
        return {};
    }
    std::string libraries = library_of("aio_read");
    for (const char* const sanitizer :
         {"__ubsan_handle_add_overflow", "__tsan_init", "__asan_init"}) {
        const std::string runtime = library_of(sanitizer);
        if (runtime.find(".so") != std::string::npos) {
            libraries = runtime + ':' + libraries;
        }
    }
    const char* const options = std::getenv("TSAN_OPTIONS");
    return {"LD_PRELOAD=" + libraries, std::string{"TSAN_OPTIONS=report_thread_leaks=0:"} +
                                           (options == nullptr ? "" : options)};
}

std::string own_path() {
    std::array<char, 4096> path{};
    return ::readlink("/proc/self/exe", path.data(), path.size() - 1) > 0 ? path.data() : "";
}

void run_in_own_process(const char* sentence) {
    if (under_valgrind()) {
        skip("valgrind: it does not know all the calls of kernel AIO", true);
        return;
    }
    std::string filter = sentence;
    std::replace(filter.begin(), filter.end(), ',', '?'); // doctest would split there
    const ProgramEnd end = run({.arguments = {own_path(), "--no-colors", "-tc=" + filter},
                                .environment = {"AIOXX_OWN_PROCESS=1"}});
    const std::string skipped = line_after(end.text, "SKIPPED: ");
    if (!skipped.empty()) {
        skip(skipped.c_str(), skipped.starts_with("no kernel AIO: "));
        return;
    }
    const std::string reason = line_after(end.text, "not on glibc: ");
    if (!reason.empty()) {
        std::printf("not on glibc: %s: %s\n", sentence, reason.c_str());
    }
    CAPTURE(end.text);
    CAPTURE(end.status);
    CAPTURE(end.signal);
    const bool passed = end.status == 0 && line_after(end.text, "SUMMARY: ").starts_with("1 pass");
    const std::string how = end.timed_out ? "it did not end" : "failed in its process";
    CHECK_MESSAGE(passed, how);
}

} // namespace aioxx::test
