// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/options.hpp"

#include "bench/engine.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <map>

namespace bench {
namespace {

std::string engine_list() {
    std::string text = "Engines:\n";
    for (const EngineEntry& entry : engines()) {
        std::string name = entry.name;
        name.resize(18, ' ');
        text += "  " + name + entry.description + "\n";
    }
    return text + "Targets:\n"
                  "  zero              /dev/zero: completes at once\n"
                  "  zram              a compressed RAM disk of our own: completes at once (root)\n"
                  "  loop              a loop device over memory: instant, asynchronous (root)\n"
                  "  tmpfs             a file in memory; never direct, whatever --access says\n"
                  "  disk              a file without a name in --directory\n";
}

template <typename Enum>
void add_choice(CLI::App& app, const char* name, Enum& value, const char* text,
                const std::map<std::string, Enum>& choices) {
    app.add_option(name, value, text)->transform(CLI::CheckedTransformer(choices));
}

/// The drop-in of the build that this program belongs to; empty: there is none.
std::string built_posix_library() {
    std::error_code error;
    const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe", error);
    for (const char* const folder : {"src", "src/posix"}) {
        const auto path = here.parent_path().parent_path() / folder / "libaioxx-posix.so.0";
        if (std::filesystem::exists(path, error)) {
            return path;
        }
    }
    return {};
}

void add_worker_options(CLI::App& app, WorkerOptions& worker) {
    const std::string hidden;
    app.add_option("--worker", worker.engine)->group(hidden);
    app.add_option("--worker-depth", worker.depth)->group(hidden);
    app.add_option("--worker-size", worker.size)->group(hidden);
    app.add_flag("--worker-counts", worker.counts)->group(hidden);
}

} // namespace

Options parse(int argc, char** argv) {
    Options options;
    options.arguments.assign(argv + 1, argv + argc);
    options.posix_library = built_posix_library();
    CLI::App app{"Runs the same work through each engine and through a loop written by hand in C,\n"
                 "in turns, and prints each engine's time and its ratio to the C loop, beside the\n"
                 "ratio of that loop to itself, which is what noise alone does."};
    app.footer(engine_list());
    app.option_defaults()->always_capture_default();
    std::vector<std::string> names;
    for (const EngineEntry& entry : engines()) {
        names.emplace_back(entry.name);
    }
    app.add_option("-e,--engines", options.engines, "Engines to compare with the C loop")
        ->delimiter(',')
        ->check(CLI::IsMember(names));
    app.add_option("-t,--targets", options.targets, "What to read from")
        ->delimiter(',')
        ->check(CLI::IsMember({"zero", "zram", "loop", "tmpfs", "disk"}));
    app.add_option("-d,--depths", options.depths, "Operations in flight")
        ->delimiter(',')
        ->check(CLI::Range(1, 16384));
    app.add_option("-b,--block-size", options.block_size, "Bytes an operation")
        ->transform(CLI::AsSizeValue(false));
    add_choice(app, "--operation", options.operation, "read, write, mix, write-sync",
               {{"read", Operation::read},
                {"write", Operation::write},
                {"mix", Operation::mix},
                {"write-sync", Operation::write_sync}});
    add_choice(app, "--order", options.order, "random, sequential",
               {{"random", Order::random}, {"sequential", Order::sequential}});
    add_choice(
        app, "--access", options.access, "direct, buffered, cold (out of the page cache)",
        {{"direct", Access::direct}, {"buffered", Access::buffered}, {"cold", Access::cold}});
    app.add_option("-r,--rounds", options.rounds, "Rounds for each target and depth")
        ->check(CLI::Range(1, 1000000));
    app.add_option("-s,--seconds", options.seconds, "End a target and depth after that long");
    app.add_option("--restarts", options.restarts, "Make the engines anew that often")
        ->check(CLI::Range(1, 1000));
    app.add_option("--slice", options.slice_ms, "Milliseconds an engine runs for in one turn")
        ->check(CLI::PositiveNumber);
    app.add_option("--size", options.size_mib, "MiB of the file or device")
        ->check(CLI::Range(1, 1 << 20));
    app.add_option("--directory", options.directory, "Where the target disk has its file")
        ->check(CLI::ExistingDirectory);
    app.add_option("--file", options.file,
                   "The target disk is this file, or block device, as it is. Writing destroys it")
        ->check(CLI::ExistingFile);
    app.add_flag("--latency", options.latency,
                 "Measure latencies as well, and count system calls, apart from the rounds");
    app.add_option("--once", options.once,
                   "Run the engines once for so many operations and measure nothing (for "
                   "callgrind and strace)");
    app.add_option("--posix-library", options.posix_library,
                   "What the engine posix preloads; as built beside this program, if it was")
        ->check(CLI::ExistingFile);
    app.add_option("--json", options.json, "Write the results to this file");
    add_worker_options(app, options.worker);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error) == 0 ? 0 : 2);
    }
    return options;
}

} // namespace bench
