// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"

#include <aioxx/version.hpp>

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
        {{}, "subcommand"},
        {{"move", source, target}, "subcommand"},
        {{"copy"}, "SOURCE"},
        {{"copy", source}, "TARGET"},
        {{"copy", source, target, "third"}, "third"},
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
        {{"copy", source, target, "--block-size="}, "--block-size"},
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
         {"SOURCE", "TARGET", "--depth", "--block-size", "--direct", "--verify", "--quiet"}) {
        CAPTURE(option);
        CHECK(end.out.find(option) != std::string::npos);
    }
    CHECK(aioxx_with({"--help"}).out.find("copy") != std::string::npos);
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
