// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The program of aio(7), compiled unchanged, on a terminal.

#include "posix/manual_page.hpp"
#include "posix/own_process.hpp"
#include "posix/wait.hpp"

#include "child.hpp"
#include "devices/mounts.hpp"

#include <poll.h>

namespace aioxx::test {
namespace {

/// The program, with a terminal of its own to type on.
class OnTerminal {
public:
    OnTerminal(const std::string& program, const std::vector<std::string>& arguments) {
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            ::alarm(50);
            become(program, arguments);
        }
        terminal_.slave.close();
    }
    OnTerminal(const OnTerminal&) = delete;
    OnTerminal& operator=(const OnTerminal&) = delete;
    ~OnTerminal() {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            wait_for_child(child_);
        }
    }

    void type(const std::string& text) {
        REQUIRE(::write(terminal_.master, text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }
    /// Reads what it prints until there is `text`, behind what was found before.
    bool prints(const std::string& text) {
        const Deadline deadline;
        std::size_t at = 0;
        while ((at = shown_.find(text, found_)) == std::string::npos) {
            if (deadline.over() || !read_more()) {
                return false;
            }
        }
        found_ = at + text.size();
        return true;
    }
    /// Until now.
    [[nodiscard]] const std::string& shown() const noexcept { return shown_; }
    ChildEnd end() {
        while (read_more()) {
        }
        return wait_for_child(std::exchange(child_, -1));
    }

private:
    [[noreturn]] void become(const std::string& program,
                             const std::vector<std::string>& arguments) {
        ::setsid();
        ::ioctl(terminal_.slave, TIOCSCTTY, 0);
        for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
            ::dup2(terminal_.slave, standard);
        }
        ::close_range(3, ~0U, 0);
        for (const std::string& variable : preloaded_) {
            ::putenv(const_cast<char*>(variable.c_str()));
        }
        std::vector<char*> pointers{const_cast<char*>(program.c_str())};
        for (const std::string& argument : arguments) {
            pointers.push_back(const_cast<char*>(argument.c_str()));
        }
        pointers.push_back(nullptr);
        ::execv(program.c_str(), pointers.data());
        ::_exit(127);
    }
    /// False at the end, and when nothing comes for twenty seconds.
    bool read_more() {
        pollfd wait{terminal_.master, POLLIN, 0};
        std::array<char, 1024> part{};
        if (::poll(&wait, 1, 20'000) != 1) {
            return false;
        }
        const ssize_t length = ::read(terminal_.master, part.data(), part.size());
        if (length > 0) {
            shown_.append(part.data(), static_cast<std::size_t>(length));
        }
        return length > 0;
    }

    std::vector<std::string> preloaded_ = preloaded();
    Terminal terminal_;
    pid_t child_ = -1;
    std::string shown_;
    std::size_t found_ = 0;
};

/// Compiles it in `directory`. Empty where that is not possible: the case is skipped then.
std::string compiled_program(const TemporaryDirectory& directory) {
    const std::string source = program_of_manual_page();
    if (source.empty()) {
        return {};
    }
    std::ofstream{directory.file("example.c")} << source;
    const std::string compiler = sizeof(void*) == 4 ? "cc -m32" : "cc";
    const std::string command =
        compiler + " -o " + directory.file("example") + ' ' + directory.file("example.c") + " 2>&1";
    REQUIRE(std::system(command.c_str()) == 0);
    return directory.file("example");
}

const std::vector<std::string> twice_stdin = {"/dev/stdin", "/dev/stdin"};

TEST_CASE("what roff's escapes stand for is what a program of a manual page has there") {
    CHECK(without_roff_escapes(R"(a\->b("\en");\&.c)") == R"(a->b("\n");.c)");
    CHECK(without_roff_escapes(R"('\[rs]0' \[aq]\(rs\[aq] \[ha]\[ti])") == R"('\0' '\' ^~)");
    CHECK(without_roff_escapes(R"(\[unheard-of] \)") == R"(\[unheard-of] \)");
}

POSIX_CASE("the manual page's program reads two lines from a terminal as the page shows") {
    const TemporaryDirectory directory;
    const std::string program = compiled_program(directory);
    if (program.empty()) {
        SKIP_CASE("no manual page aio(7) here (package manpages)");
    }
    OnTerminal run{program, twice_stdin};
    CHECK(run.prints("opened /dev/stdin on descriptor 3"));
    CHECK(run.prints("opened /dev/stdin on descriptor 4"));
    CHECK(run.prints("for request 0 (descriptor 3): In progress"));
    CHECK(run.prints("for request 1 (descriptor 4): In progress"));
    run.type("abc\n");
    CHECK(run.prints("I/O completion signal received"));
    if (on_glibc()) { // either of its two threads may have been first
        CHECK(run.prints("I/O succeeded"));
        run.type("x\n");
        CHECK(run.prints("I/O completion signal received"));
    } else {
        CHECK(run.prints("for request 0 (descriptor 3): I/O succeeded"));
        CHECK(run.prints("for request 1 (descriptor 4): In progress"));
        run.type("x\n");
        CHECK(run.prints("I/O completion signal received"));
        CHECK(run.prints("for request 1 (descriptor 4): I/O succeeded"));
    }
    CHECK(run.prints("All I/O requests completed"));
    if (!on_glibc()) {
        CHECK(run.prints("for request 0 (descriptor 3): 4"));
        CHECK(run.prints("for request 1 (descriptor 4): 2"));
    }
    const ChildEnd end = run.end();
    CAPTURE(run.shown());
    CHECK(end.status == 0);
}

POSIX_CASE("with SIGQUIT typed, and nothing else, the program's requests are cancelled") {
    const TemporaryDirectory directory;
    const std::string program = compiled_program(directory);
    if (program.empty()) {
        SKIP_CASE("no manual page aio(7) here (package manpages)");
    }
    OnTerminal run{program, twice_stdin};
    CHECK(run.prints("for request 1 (descriptor 4): In progress"));
    run.type("\034");
    CHECK(run.prints("got SIGQUIT; canceling I/O requests:"));
    if (on_glibc()) { // and would wait for ever
        CHECK(run.prints("Request 0 on descriptor 3:I/O not canceled"));
        CHECK(run.prints("Request 1 on descriptor 4:I/O not canceled"));
        CHECK(run.prints("for request 1 (descriptor 4): In progress"));
        CHECK(run.prints("for request 1 (descriptor 4): In progress"));
        return;
    }
    CHECK(run.prints("Request 0 on descriptor 3:I/O canceled"));
    CHECK(run.prints("Request 1 on descriptor 4:I/O canceled"));
    CHECK(run.prints("for request 0 (descriptor 3): Canceled"));
    CHECK(run.prints("for request 1 (descriptor 4): Canceled"));
    CHECK(run.prints("All I/O requests completed"));
    CHECK(run.prints("for request 0 (descriptor 3): -1"));
    CHECK(run.prints("for request 1 (descriptor 4): -1"));
    const ChildEnd end = run.end();
    CAPTURE(run.shown());
    CHECK(end.status == 0);
}

} // namespace
} // namespace aioxx::test
