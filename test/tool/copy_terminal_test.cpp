// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "screen.hpp"
#include "skip.hpp"
#include "submitted.hpp"

#include <algorithm>
#include <csignal>
#include <optional>

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>

using namespace aioxx::test;

namespace {

/// Of all commands here, whatever the tests are run from.
[[maybe_unused]] const int terminal_type = ::setenv("TERM", "xterm", 1);

void set_columns(int terminal, unsigned columns) {
    winsize size{};
    size.ws_row = 24;
    size.ws_col = static_cast<unsigned short>(columns);
    REQUIRE(::ioctl(terminal, TIOCSWINSZ, &size) == 0);
}

/// What has been written to it, all of which is over.
std::string written_to(Terminal& terminal) {
    terminal.slave.close();
    std::string text;
    std::array<char, 4096> part{};
    ssize_t length = 0;
    while ((length = ::read(terminal.master, part.data(), part.size())) > 0) {
        text.append(part.data(), static_cast<std::size_t>(length));
    }
    return text;
}

/// What the command writes to a terminal of `columns`.
std::string on_a_terminal(
    std::vector<std::string> arguments, unsigned columns, int expected_status,
    const std::function<void()>& before_exec = [] {}) {
    Terminal terminal;
    set_columns(terminal.slave, columns);
    Tool tool{std::move(arguments)};
    tool.error_descriptor = terminal.slave;
    tool.before_exec = [&] { before_exec(); };
    CHECK(tool.run().status == expected_status);
    return written_to(terminal);
}

/// The columns that its widest line has.
std::size_t width_of(const std::string& text) {
    std::size_t widest = 0;
    std::size_t width = 0;
    bool in_sequence = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        if (letter == '\033') {
            in_sequence = true;
            ++at; // "["
        } else if (in_sequence) {
            in_sequence = letter < '@';
        } else {
            width = letter == '\r' || letter == '\n' ? 0 : width + 1;
        }
        widest = std::max(widest, width);
    }
    return widest;
}

/// What a call of write() that it stands before is to write.
std::string text_of(const Stop& stop) {
    std::string text(static_cast<std::size_t>(stop.arguments[2]), '\0');
    const iovec to{text.data(), text.size()};
    const iovec from{reinterpret_cast<void*>(static_cast<std::uintptr_t>(stop.arguments[1])),
                     text.size()};
    REQUIRE(::process_vm_readv(stop.pid, &to, 1, &from, 1, 0) > 0);
    return text;
}

/// The command's terminal becomes that of a session of its own, as with ssh; `with_another_job`
/// there is one in the foreground already.
void begin_session(const Terminal& terminal, bool with_another_job) {
    ::setsid();
    ::ioctl(terminal.slave, TIOCSCTTY, 0);
    if (!with_another_job) {
        return;
    }
    const pid_t other = ::fork();
    if (other == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::pause();
        ::_exit(0);
    }
    ::setpgid(other, other);
    ::tcsetpgrp(terminal.slave, other);
}

bool has(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("on a terminal there is a bar with rate and time left") {
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    const std::string text =
        on_a_terminal({"copy", "--block-size=64K", "--verify", source, here / "target"}, 80, 0);
    CAPTURE(text);
    for (const char* const part :
         {"copy ", "verify ", "% of 1.0 MiB [", "/s, ", " left", "took "}) {
        CAPTURE(part);
        CHECK(has(text, part));
    }
    CHECK(has(text, "copy 100% of"));
    CHECK(text.substr(text.size() - 2) == "\r\n");
}

TEST_CASE("where the size is known at the end only, the bar tells it then") {
    const Workspace here;
    const std::string text =
        on_a_terminal({"copy", "--verify", "/proc/version", here / "target"}, 80, 0);
    CAPTURE(text);
    const std::string size = std::to_string(status_of(here / "target").st_size) + " B";
    for (const std::string& part :
         {"copy " + size + ", ", "copy 100% of " + size + " [", "verify 100% of " + size + " ["}) {
        CAPTURE(part);
        CHECK(has(text, part.c_str()));
    }
}

TEST_CASE("of files into a directory, too, the bar tells the size at the end") {
    const Workspace here;
    for (const bool verify : {false, true}) {
        CAPTURE(verify);
        const std::string text = on_a_terminal(
            {"copy", verify ? "--verify" : "--depth=1", "/proc/version", here.path()}, 80, 0);
        CAPTURE(text);
        CHECK_FALSE(has(text, " of 0 B "));
        const std::string size = std::to_string(status_of(here / "version").st_size) + " B";
        CHECK(has(text, ("copy 100% of " + size + " [").c_str()));
        ::unlink((here / "version").c_str()); // which is write-protected, as the source is
    }
}

TEST_CASE("where nothing could be copied, no bar says that it was") {
    const Workspace here;
    const std::string text = on_a_terminal({"copy", here / "nothing", here.path()}, 80, 1);
    CHECK_FALSE(has(text, "copy "));
    CHECK(has(text, "No such file"));
}

TEST_CASE("no line of it is wider than the terminal, and its end can be seen on any") {
    const Workspace here;
    const std::string source = here.file("source", 3 << 20);
    for (const unsigned columns : {1U, 2U, 5U, 9U, 10U, 20U, 30U, 34U, 35U, 40U, 60U, 80U, 300U}) {
        CAPTURE(columns);
        for (const std::vector<std::string>& names : std::vector<std::vector<std::string>>{
                 {source, here / "target"}, {"/proc/version", here / "version"}}) {
            std::vector<std::string> words{"copy", "--verify", "--block-size=64K"};
            words.insert(words.end(), names.begin(), names.end());
            const std::string text = on_a_terminal(words, columns, 0);
            CAPTURE(text);
            CHECK(width_of(text) < columns);
            CHECK(std::count(text.begin(), text.end(), '\n') == 2); // copy, verify
            CHECK((columns < 5 || has(text, "100%")));
            CHECK((columns < 30 || has(text, "took")));
            ::unlink(names[1].c_str());
        }
    }
}

TEST_CASE("a terminal may change its size at any moment") {
    const Workspace here;
    const std::string source = here.file("source", 4 << 20);
    Terminal terminal;
    Tool tool{{"copy", "--verify", "--block-size=64K", source, here / "target"}};
    tool.before_exec = [&] { ::dup2(terminal.slave, STDERR_FILENO); };
    unsigned columns = 80;
    unsigned lines = 0;
    const Outcome end = tool.trace([&](const Stop& stop) {
        if (stop.number == SYS_ioctl && stop.arguments[1] == TIOCGWINSZ) {
            columns = columns > 12 ? columns - 11 : 90;
            set_columns(terminal.master, columns);
        }
        if (stop.number == SYS_write && stop.arguments[0] == STDERR_FILENO) {
            CHECK(width_of(text_of(stop)) < columns);
            ++lines;
        }
        return Then::go_on;
    });
    CHECK(end.status == 0);
    CHECK(lines >= 4);
}

TEST_CASE("a window that changes its width keeps no piece of the bar") {
    const Workspace here;
    const std::string source = here.file("source", 4 << 20);
    struct Row {
        Screen::Shrunk shrunk;
        unsigned first; // columns, the others by turns
        bool late;      // not before it asks for the width, but between the answer and the bar
    };
    std::vector<Row> rows;
    for (const Screen::Shrunk shrunk : {Screen::Shrunk::folds, Screen::Shrunk::cuts}) {
        for (const unsigned first : {40U, 90U}) {
            rows.push_back({shrunk, first, false});
            rows.push_back({shrunk, first, true});
        }
    }
    for (const Row& row : rows) {
        CAPTURE(static_cast<int>(row.shrunk));
        CAPTURE(row.first);
        CAPTURE(row.late);
        Terminal terminal;
        unsigned columns = row.first;
        set_columns(terminal.master, columns);
        Screen screen{columns, row.shrunk};
        Tool tool{{"copy", "--verify", "--block-size=64K", source, here / "target"}};
        tool.before_exec = [&] { ::dup2(terminal.slave, STDERR_FILENO); };
        const Outcome end = tool.trace([&](const Stop& stop) {
            const bool asks = stop.number == SYS_ioctl && stop.arguments[1] == TIOCGWINSZ;
            const bool writes = stop.number == SYS_write && stop.arguments[0] == STDERR_FILENO;
            if (row.late ? writes : asks) {
                columns = columns == 90 ? 40 : 90;
                set_columns(terminal.master, columns);
                screen.resize(columns);
            }
            if (writes) {
                screen.write(text_of(stop));
            }
            return Then::go_on;
        });
        CHECK(end.status == 0);
        const std::vector<std::string> lines = screen.lines();
        CAPTURE(lines.size());
        REQUIRE(lines.size() == 2);
        CHECK(lines[0].substr(0, 9) == "copy 100%");
        CHECK(lines[1].substr(0, 11) == "verify 100%");
    }
}

TEST_CASE("a dumb terminal gets no bar, and neither does one with another job in the foreground") {
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    const std::vector<std::string> words{"copy", source, here / "target"};
    CHECK(on_a_terminal(words, 80, 0, [] { ::setenv("TERM", "dumb", 1); }).empty());
    CHECK_FALSE(on_a_terminal(words, 80, 0, [] { ::unsetenv("TERM"); }).empty());
    for (const bool in_background : {false, true}) {
        CAPTURE(in_background);
        Terminal terminal;
        set_columns(terminal.slave, 80);
        Tool tool{words};
        tool.error_descriptor = terminal.slave;
        tool.before_exec = [&] { begin_session(terminal, in_background); };
        CHECK(tool.run().status == 0);
        CHECK(written_to(terminal).empty() == in_background);
    }
}

TEST_CASE("a terminal that takes nothing does not hold the copy up") {
    const Workspace here;
    const std::string source = here.file("source", 3 << 20);
    Terminal terminal;
    REQUIRE(::tcflow(terminal.slave, TCOOFF) == 0); // as by ^S
    Tool tool{{"copy", "--verify", "--block-size=64K", source, here / "target"}};
    tool.error_descriptor = terminal.slave;
    CHECK(tool.run().status == 0);
    CHECK(content_of(here / "target") == content_of(source));
}

TEST_CASE("^C and a terminal that is closed end the copy without a trace") {
    const Workspace here;
    const std::string source = here.file("source", 3 << 20);
    for (const bool closed : {false, true}) {
        CAPTURE(closed);
        std::optional<Terminal> terminal{std::in_place};
        Tool tool{{"copy", "--block-size=64K", source, here / "target"}};
        tool.before_exec = [&] {
            refuse_nameless_files();
            begin_session(*terminal, false);
            ::dup2(terminal->slave, STDERR_FILENO);
            ::close(terminal->slave);
            ::close(terminal->master);
        };
        const Outcome end = tool.trace([&](const Stop& stop) {
            if (stop.number != SYS_fallocate) {
                return Then::go_on;
            }
            CHECK(here.names().size() == 2);
            if (closed) {
                terminal.reset();
            } else {
                CHECK(::write(terminal->master, "\3", 1) == 1);
            }
            return Then::let_go;
        });
        CHECK(end.signal == (closed ? SIGHUP : SIGINT));
        CHECK(here.names() == std::vector<std::string>{"source"});
    }
}

TEST_CASE("--quiet shows no bar, but errors") {
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    CHECK(on_a_terminal({"copy", "--quiet", source, here / "target"}, 80, 0).empty());
    CHECK(has(on_a_terminal({"copy", "--quiet", source, here.path()}, 80, 1), "is the same file"));
}

TEST_CASE("into a pipe goes no bar") {
    const Workspace here;
    const Outcome end = copy({here.file("source", 1 << 20), here / "target"});
    CHECK(end.errors.empty());
    CHECK(end.out.empty());
}

TEST_CASE("an error clears the bar and stands on a line of its own") {
    const Workspace here;
    const SmallMount mount{here / "mount", "size=1m"};
    if (!mount.is_mounted()) {
        SKIP_CASE(mount.reason());
    }
    // Room for the first range and not for the second.
    const std::string source = here.file("source", 500'000);
    REQUIRE(::truncate(source.c_str(), 4 << 20) == 0);
    const Descriptor file{::open(source.c_str(), O_WRONLY | O_CLOEXEC)};
    const std::string more = random_bytes(2 << 20);
    REQUIRE(::pwrite(file, more.data(), more.size(), 4 << 20) == 2 << 20);
    const std::string text =
        on_a_terminal({"copy", "--depth=1", "--block-size=64K", source, mount / "target"}, 80, 1);
    CAPTURE(text);
    CHECK(has(text, " left"));
    CHECK(has(text, "\r\033[Jaioxx: "));
    CHECK(has(text, "No space left on device\r\n"));
}
