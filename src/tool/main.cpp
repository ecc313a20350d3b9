// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/commands.hpp"
#include "tool/failure.hpp"

#include <aioxx/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <new>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int failed = 1;
constexpr int wrong_usage = 2;

int report(std::string text, int status) {
    tool::tell_user(std::move(text));
    return status;
}

std::string version() {
    return "aioxx " + std::to_string(AIOXX_VERSION_MAJOR) + '.' +
           std::to_string(AIOXX_VERSION_MINOR) + '.' + std::to_string(AIOXX_VERSION_PATCH);
}

/// Runs the command that the words ask for.
void parse(CLI::App& app, std::vector<std::string> words) {
    try {
        app.parse(std::move(words));
    } catch (const CLI::Success& wanted) { // --help, --version
        std::ostringstream text;
        app.exit(wanted, text, text);
        tool::print(text.str());
    }
}

} // namespace

// The options' definitions do not throw.
int main(int argc, char** argv) { // NOLINT(bugprone-exception-escape)
    CLI::App app{"Copies files through Linux kernel AIO, tells what that gives here, and runs "
                 "programs for POSIX AIO on it.",
                 "aioxx"};
    app.set_version_flag("--version", version());
    app.require_subcommand(1);
    tool::add_copy(app);
    tool::add_probe(app);
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    const std::vector<std::string> program = tool::separate_program(words);
    tool::add_posix(app, program);
    std::reverse(words.begin(), words.end()); // as the parser wants them
    try {
        parse(app, std::move(words));
        return 0;
    } catch (const CLI::ParseError& error) {
        return report(std::string{error.what()} + " (see aioxx --help)", wrong_usage);
    } catch (const std::bad_alloc&) {
        return report("out of memory", failed);
    } catch (const tool::Failure& failure) {
        return report(failure.what(), failure.status());
    } catch (const std::exception& error) {
        return report(error.what(), failed);
    }
}
