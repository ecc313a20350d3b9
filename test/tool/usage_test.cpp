// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"

#include <aioxx/version.hpp>

#include <regex>
#include <set>
#include <sstream>

using namespace aioxx::test;

namespace {

Outcome aioxx_with(std::vector<std::string> arguments) {
    return Tool{std::move(arguments)}.run();
}

} // namespace

TEST_CASE("wrong usage is one line and status 2") {
    const Workspace here;
    const std::string source = here.file("source", 5000);
    const std::string target = here / "target";
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
        {{}, "no command is given: there are copy"},
        {{"move", source, target}, "'move' is no command: there are copy"},
        {{"++", source, target}, "'++' is no command"},
        {{"", source, target}, "'' is no command"},
        {{"--frob", "copy", source, target}, "--frob"},
        {{"--frob"}, "'--frob' is no option"},
        {{"--quiet=1"}, "'--quiet' is no option"},
        {{"probe"}, "PATH"},
        {{"probe", "--jsn"}, "'--jsn' is no option of probe"},
        {{"probe", source, target}, target},
        {{"probe", "++", "--frob"}, "--frob"},
        {{"copy", "++"}, "TARGET"},
        {{"copy"}, "SOURCE"},
        {{"copy", "--frob=1"}, "'--frob' is no option of copy"},
        {{"copy", "--version"}, "'--version' is no option of copy"},
        {{"copy", source}, "TARGET"},
        {{"copy", source, target, "--preserve=context"}, "'context'"},
        {{"copy", source, target, "--preserve=mode,links"}, "'links'"},
        {{"copy", source, target, "--preserve="}, "--preserve: '' is not one of"},
        {{"copy", source, target, "--preserve=mode,"}, "--preserve"},
        {{"copy", source, target, "--reflink=perhaps"}, "perhaps"},
        {{"copy", source, target, "--fast"}, "--fast"},
        {{"copy", source, target, "--direct=maybe"}, "maybe"},
        {{"copy", source, target, "--depth=0"}, "--depth"},
        {{"copy", source, target, "--depth=-1"}, "--depth"},
        {{"copy", source, target, "--depth=1025"}, "--depth"},
        {{"copy", source, target, "--depth=many"}, "--depth"},
        {{"copy", source, target, "--block-size=0"}, "--block-size"},
        {{"copy", source, target, "--block-size=3"}, "--block-size"},
        {{"copy", source, target, "--block-size=4097"}, "--block-size"},
        {{"copy", source, target, "--block-size=65M"}, "--block-size"},
        {{"copy", source, target, "--block-size=-4K"}, "--block-size"},
        {{"copy", source, target, "--block-size=4X"}, "--block-size"},
        {{"copy", source, target, "--block-size=4KB"}, "--block-size"},
        {{"copy", source, target, "--block-size="}, "--block-size: '' is not"},
        {{"copy", source, target, "--block-size=18446744073709551616"}, "--block-size"},
        {{"copy", source, target, "--block-size=18446744073709551615M"}, "--block-size"},
    };
    for (const auto& [arguments, named] : cases) {
        const std::string& part = named; // clang 14 lets no lambda have a binding
        const Outcome end = aioxx_with(arguments);
        CAPTURE(end.errors);
        CAPTURE(part);
        CHECK(end.status == 2);
        CHECK(end.is_one_line_with({part}));
        CHECK(end.out.empty());
    }
    CHECK(here.names() == std::vector<std::string>{"source"});
}

TEST_CASE("a file may have any name") {
    const Workspace here;
    const auto run = [&](std::vector<std::string> arguments) {
        Tool tool{std::move(arguments)};
        tool.before_exec = [&] { CHECK(::chdir(here.path().c_str()) == 0); };
        return tool.run();
    };
    for (const std::string name : {"++", "[a,b]", "-", "x=y", "{}", "copy", "%", "~", "/./x"}) {
        CAPTURE(name);
        const std::string path = name[0] == '/' ? here / "x" : name;
        const std::string source = here.file(name[0] == '/' ? "x" : name, 5000);
        const Outcome end = run({"copy", path, "target"});
        CAPTURE(end.errors);
        CHECK(end.status == 0);
        CHECK(content_of(here / "target") == content_of(source));
        CHECK(run({"copy", "target", "--quiet", path}).status == 0);
        CHECK(run({"probe", path}).status == 0);
        CHECK(run({"copy", "--", name + "?", "target"}).is_one_line_with({name + "?", "No such"}));
    }
    // Behind a double dash also those that look like options.
    static_cast<void>(here.file("--quiet", 10));
    CHECK(run({"copy", "--depth", "4", "--", "--quiet", "--verify"}).status == 0);
    CHECK(status_of(here / "--verify").st_size == 10);
}

TEST_CASE("sizes may be given in bytes, K and M") {
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    for (const char* const size : {"4096", "8192", "4K", "4k", "1M", "1m", "64M"}) {
        CAPTURE(size);
        CHECK(copy({"--block-size", size, source, here / "target"}).status == 0);
        CHECK(content_of(here / "target") == content_of(source));
    }
}

TEST_CASE("--help names every option, on standard output") {
    const Outcome end = aioxx_with({"copy", "--help"});
    CHECK(end.status == 0);
    CHECK(end.errors.empty());
    for (const char* const option :
         {"SOURCE", "TARGET", "--depth", "--block-size", "--direct", "--verify", "--quiet",
          "--reflink", "--in-place", "--preserve"}) {
        CAPTURE(option);
        CHECK(end.out.find(option) != std::string::npos);
    }
    CHECK(aioxx_with({"--help"}).out.find("copy") != std::string::npos);
}

TEST_CASE("the manual page has the options that --help has, and no other") {
    const std::string manual = content_of(AIOXX_MANUAL);
    const std::size_t begin = manual.find(".SH OPTIONS");
    REQUIRE(begin != std::string::npos);
    std::string page = manual.substr(begin);
    for (std::size_t at = 0; (at = page.find("\\-", at)) != std::string::npos;) {
        page.erase(at, 1);
    }
    const auto options_in = [](const std::string& text) {
        static const std::regex option{"(^|[ ,\n])(--[a-z-]+[a-z])"};
        std::set<std::string> all;
        for (std::sregex_iterator at{text.begin(), text.end(), option}, end; at != end; ++at) {
            all.insert((*at)[2]);
        }
        return all;
    };
    for (const std::string command : {"copy", "probe", "posix"}) {
        CAPTURE(command);
        const std::size_t from = page.find(".SS Of aioxx " + command);
        REQUIRE(from != std::string::npos);
        const std::string part = page.substr(from, page.find(".SS", from + 1) - from);
        std::set<std::string> described;
        // A line that is all about an option is the head of its paragraph.
        std::istringstream lines{part};
        for (std::string line, before; std::getline(lines, line); before = line) {
            if (before == ".TP") {
                described.merge(options_in(line));
            }
        }
        std::set<std::string> helped = options_in(aioxx_with({command, "--help"}).out);
        helped.erase("--help");
        CHECK(described == helped);
    }
}

TEST_CASE("--version tells the version of the project") {
    const Outcome end = aioxx_with({"--version"});
    CHECK(end.status == 0);
    CHECK(end.out == "aioxx " + std::to_string(AIOXX_VERSION_MAJOR) + "." +
                         std::to_string(AIOXX_VERSION_MINOR) + "." +
                         std::to_string(AIOXX_VERSION_PATCH) + "\n");
}

TEST_CASE("help and version that cannot be written are one line and status 1") {
    for (const char* const option : {"--help", "--version"}) {
        CAPTURE(option);
        Tool tool{{option}};
        tool.before_exec = [] { ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO); };
        const Outcome end = tool.run();
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with({"standard output: cannot write: No space left"}));
        tool.before_exec = [] { ::close(STDOUT_FILENO); };
        CHECK(tool.run().is_one_line_with({"standard output: cannot write: Bad file descriptor"}));
    }
}
