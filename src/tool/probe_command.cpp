// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/commands.hpp"

#include "tool/failure.hpp"
#include "tool/probe.hpp"
#include "tool/signals.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <memory>

namespace tool {

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
        clean_up_on_signals();
        ::signal(SIGCHLD, SIG_DFL); // who ignores it does not hear how its children end
        const ProbeReport report = probe(options->path);
        print(options->json ? as_json(report) : as_text(report));
    });
}

} // namespace tool
