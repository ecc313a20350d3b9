// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/commands.hpp"

#include <aioxx/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <string>

namespace {

constexpr int failed = 1;
constexpr int wrong_usage = 2;

/// One line, whatever a file name holds.
int report(std::string text, int status) {
    std::replace_if(
        text.begin(), text.end(),
        [](char c) { return std::iscntrl(static_cast<unsigned char>(c)); }, '?');
    std::cerr << "aioxx: " << text << '\n';
    return status;
}

std::string version() {
    return "aioxx " + std::to_string(AIOXX_VERSION_MAJOR) + '.' +
           std::to_string(AIOXX_VERSION_MINOR) + '.' + std::to_string(AIOXX_VERSION_PATCH);
}

} // namespace

// The options' definitions do not throw.
int main(int argc, char** argv) { // NOLINT(bugprone-exception-escape)
    CLI::App app{"Copies files through Linux kernel AIO, and tells what that gives here.", "aioxx"};
    app.set_version_flag("--version", version());
    app.require_subcommand(1);
    tool::add_copy(app);
    tool::add_probe(app);
    try {
        app.parse(argc, argv);
        return 0;
    } catch (const CLI::Success& wanted) { // --help, --version
        return app.exit(wanted);
    } catch (const CLI::ParseError& error) {
        return report(std::string{error.what()} + " (see aioxx --help)", wrong_usage);
    } catch (const std::bad_alloc&) {
        return report("out of memory", failed);
    } catch (const std::exception& error) {
        return report(error.what(), failed);
    }
}
