// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"

#include <sys/ioctl.h>

using namespace aioxx::test;

namespace {

/// What the command writes to a terminal of `columns`.
std::string on_a_terminal(std::vector<std::string> arguments, unsigned short columns,
                          int expected_status) {
    Terminal terminal;
    winsize size{};
    size.ws_row = 24;
    size.ws_col = columns;
    REQUIRE(::ioctl(terminal.slave, TIOCSWINSZ, &size) == 0);
    Tool tool{std::move(arguments)};
    tool.error_descriptor = terminal.slave;
    CHECK(tool.run().status == expected_status);
    terminal.slave.close();
    std::string text;
    std::array<char, 4096> part{};
    ssize_t length = 0;
    while ((length = ::read(terminal.master, part.data(), part.size())) > 0) {
        text.append(part.data(), static_cast<std::size_t>(length));
    }
    return text;
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

TEST_CASE("no line of it is wider than the terminal") {
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    using Columns = unsigned short;
    for (const Columns columns : {Columns{60}, Columns{80}, Columns{100}}) {
        std::string text = on_a_terminal({"copy", source, here / "target"}, columns, 0);
        std::size_t width = 0;
        for (std::size_t at = 0; at < text.size(); ++at) {
            width = text[at] == '\r' || text[at] == '\n' ? 0 : width + 1;
            if (text.compare(at, 3, "\033[K") == 0) {
                at += 2;
                --width;
            }
            CHECK(width < columns);
        }
    }
}

TEST_CASE("--quiet shows no bar, but errors") {
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    CHECK(on_a_terminal({"copy", "--quiet", source, here / "target"}, 80, 0).empty());
    CHECK(has(on_a_terminal({"copy", "--quiet", source, here.path()}, 80, 1), "is a directory"));
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
        SKIP_CASE("mounting needs root");
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
    CHECK(has(text, "\r\033[Kaioxx: "));
    CHECK(has(text, "No space left on device\r\n"));
}
