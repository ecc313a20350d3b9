// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// The command line: all that the parser has a part in, which takes long to compile, is here.

#include "tool/copy.hpp"
#include "tool/failure.hpp"
#include "tool/posix_command.hpp"
#include "tool/probe.hpp"
#include "tool/signals.hpp"

#include <aioxx/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int failed = 1;
constexpr int wrong_usage = 2;

constexpr std::size_t smallest_block = 4096;
constexpr std::size_t largest_block = 64 << 20;
constexpr unsigned largest_depth = 1024;

/// "4096", "4K", "1M"
std::size_t parse_block_size(const std::string& text) {
    std::size_t bytes = 0;
    const char* const end = text.data() + text.size();
    const auto [suffix, error] = std::from_chars(text.data(), end, bytes);
    unsigned shift = 0;
    bool good = error == std::errc{};
    if (good && suffix != end) {
        shift = *suffix == 'K' || *suffix == 'k' ? 10 : 20;
        good = suffix + 1 == end && std::string_view{"KkMm"}.find(*suffix) != std::string::npos;
    }
    if (!good) {
        throw CLI::ValidationError("--block-size", "'" + text + "' is not a size such as 4K or 1M");
    }
    if (bytes > largest_block >> shift || bytes << shift < smallest_block ||
        (bytes << shift) % smallest_block != 0) {
        throw CLI::ValidationError("--block-size",
                                   text + " is not a multiple of 4K between 4K and 64M");
    }
    return bytes << shift;
}

tool::DirectMode parse_direct(const std::string& text) {
    return text == "always"  ? tool::DirectMode::always
           : text == "never" ? tool::DirectMode::never
                             : tool::DirectMode::automatic;
}

// Each adds one subcommand to `app`; parsing then runs it.

void add_copy(CLI::App& app) {
    const auto options = std::make_shared<tool::CopyOptions>();
    CLI::App* const command = app.add_subcommand(
        "copy", "Copy a file with many reads and writes in flight, past the page cache");
    command->add_option("SOURCE", options->source, "The file to copy")->required();
    command->add_option("TARGET", options->target, "The name of the copy, replaced if it exists")
        ->required();
    command->add_option("--depth", options->depth, "Blocks in flight at a time")
        ->check(CLI::Range(1U, largest_depth))
        ->type_name("N")
        ->capture_default_str();
    command
        ->add_option_function<std::string>(
            "--block-size",
            [options](const std::string& text) { options->block_size = parse_block_size(text); },
            "Bytes in one transfer: 4K, 1M [256K]")
        ->type_name("SIZE");
    command
        ->add_option_function<std::string>(
            "--direct",
            [options](const std::string& text) { options->direct = parse_direct(text); },
            "Direct I/O: where the file system allows it, or fail, or not at all [auto]")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("auto|always|never");
    command->add_flag("--verify", options->verify, "Read the copy back and compare");
    command->add_flag("--quiet", options->quiet, "No progress bar");
    command->callback([options] {
        tool::clean_up_on_signals();
        tool::copy(*options);
    });
}

void add_probe(CLI::App& app) {
    struct Options {
        std::string path;
        bool json = false;
    };
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand(
        "probe", "Tell what kernel and storage give for a path, and which submits block there");
    command->add_option("PATH", options->path, "A file, a directory or a block device")->required();
    command->add_flag("--json", options->json, "For programs: one JSON object");
    command->callback([options] {
        tool::clean_up_on_signals();
        ::signal(SIGCHLD, SIG_DFL); // who ignores it does not hear how its children end
        const tool::ProbeReport report = tool::probe(options->path);
        tool::print(options->json ? tool::as_json(report) : tool::as_text(report));
    });
}

/// `program`: what separate_program() has found.
void add_posix(CLI::App& app, const std::vector<std::string>& program) {
    struct Options {
        bool stats = false;
        std::string program; // for the help, as are the arguments
        std::vector<std::string> arguments;
    };
    const auto options = std::make_shared<Options>();
    CLI::App* const command =
        app.add_subcommand("posix", "Run a program with its POSIX AIO, <aio.h>, on kernel AIO");
    command->add_flag("--stats", options->stats, "Count its requests, for standard error at exit");
    command->add_option("PROGRAM", options->program, "What to run, from PATH")->required();
    command->add_option("ARGUMENT", options->arguments, "Passed on, options included");
    command->callback([options, &program] { tool::run_posix(program, options->stats); });
}

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
    add_copy(app);
    add_probe(app);
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    const std::vector<std::string> program = tool::separate_program(words);
    add_posix(app, program);
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
