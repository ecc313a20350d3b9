// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/commands.hpp"

#include "tool/copy.hpp"
#include "tool/signals.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <memory>

namespace tool {
namespace {

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

DirectMode parse_direct(const std::string& text) {
    return text == "always"  ? DirectMode::always
           : text == "never" ? DirectMode::never
                             : DirectMode::automatic;
}

} // namespace

void add_copy(CLI::App& app) {
    const auto options = std::make_shared<CopyOptions>();
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
        clean_up_on_signals();
        copy(*options);
    });
}

} // namespace tool
