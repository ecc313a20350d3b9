// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// The command line: all that the parser has a part in, which takes long to compile, is here.

#include "tool/copy.hpp"
#include "tool/failure.hpp"
#include "tool/posix_command.hpp"
#include "tool/probe.hpp"
#include "tool/signals.hpp"
#include "tool/standard_descriptors.hpp"

#include <aioxx/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>
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

tool::ReflinkMode parse_reflink(const std::string& text) {
    return text == "always"  ? tool::ReflinkMode::always
           : text == "never" ? tool::ReflinkMode::never
                             : tool::ReflinkMode::automatic;
}

tool::Preserve parse_preserve_list(const std::string& text) {
    tool::Preserve preserve;
    std::string word;
    if (!tool::parse_preserve(text, preserve, word)) {
        throw CLI::ValidationError("--preserve", "'" + word + "' is not one of mode, ownership, " +
                                                     "timestamps, xattr and all");
    }
    return preserve;
}

/// "--depth=4" is "--depth"
std::string option_name(const std::string& word) {
    return word.substr(0, word.find('='));
}

bool looks_like_option(const std::string& word) {
    return word.size() > 1 && word.front() == '-';
}

/// Before anything else is found missing.
void require_option(const CLI::App& app, const std::string& word) {
    const std::string name = option_name(word);
    if (app.get_option_no_throw(name) == nullptr) {
        const bool of_command = app.get_parent() != nullptr;
        throw CLI::ParseError("'" + name + "' is no option" +
                                  (of_command ? " of " + app.get_name() : std::string{}),
                              wrong_usage);
    }
}

/// A command's own names of files, apart from the words that the parser sees: it would take some
/// for its own marks, as "++" and "[a]". For its help, and its complaint when one is missing, it
/// has the name of each positional argument instead.
class FileNames {
public:
    FileNames(CLI::App& command, std::vector<std::string> positionals)
        : command_(command), positionals_(std::move(positionals)) {}

    /// `words` begin with the command's.
    void take_from(std::vector<std::string>& words) {
        std::vector<std::string> others{words.front()};
        for (std::size_t i = 1; i < words.size(); ++i) {
            const std::string& word = words[i];
            if (word == "--") {
                names_.insert(names_.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                              words.end());
                break;
            }
            if (!looks_like_option(word)) {
                names_.push_back(word);
                continue;
            }
            require_option(command_, word);
            const std::string name = option_name(word);
            if (word == name + '=' && takes_value(name)) {
                others.insert(others.end(), {name, ""}); // the parser would take what is next
                continue;
            }
            others.push_back(with_default(word));
            if (others.back() == word && takes_value(word) && i + 1 < words.size()) {
                others.push_back(words[++i]);
            }
        }
        others.insert(others.end(), positionals_.begin(),
                      positionals_.begin() + static_cast<std::ptrdiff_t>(
                                                 std::min(names_.size(), positionals_.size())));
        words = std::move(others);
    }

    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

private:
    /// These have a value behind "=" or none at all, as with cp.
    static std::string with_default(const std::string& word) {
        return word == "--preserve"  ? "--preserve=mode,ownership,timestamps"
               : word == "--reflink" ? "--reflink=always"
                                     : word;
    }
    [[nodiscard]] bool takes_value(const std::string& word) const {
        const CLI::Option* const option = command_.get_option_no_throw(word);
        return option != nullptr && option->get_items_expected_min() > 0;
    }

    CLI::App& command_;
    std::vector<std::string> positionals_;
    std::vector<std::string> names_;
};

// Each adds one subcommand to `app`; parsing then runs it.

std::shared_ptr<FileNames> add_copy(CLI::App& app, int& status) {
    struct Options : tool::CopyOptions {
        std::string positional; // for the help
    };
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand(
        "copy", "Copy files with many reads and writes in flight, past the page cache");
    auto names =
        std::make_shared<FileNames>(*command, std::vector<std::string>{"SOURCE", "TARGET"});
    command->add_option("SOURCE...", options->positional, "The files to copy")
        ->required()
        ->type_name("");
    command
        ->add_option("TARGET", options->positional,
                     "The name of the copy, replaced if it exists, or the directory for all")
        ->required()
        ->type_name("");
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
    command
        ->add_option_function<std::string>(
            "--reflink",
            [options](const std::string& text) { options->reflink = parse_reflink(text); },
            "Share blocks with the source: where the file system can, or fail, or not [auto]")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("auto|always|never");
    command
        ->add_option_function<std::string>(
            "--preserve",
            [options](const std::string& text) { options->preserve = parse_preserve_list(text); },
            "Keep more than the permission bits: mode, ownership, timestamps (these three where "
            "no =LIST is given), xattr, all; with commas between them")
        ->type_name("[=LIST]");
    command->add_flag("--in-place", options->in_place,
                      "Write into the target's file instead of replacing it");
    command->add_flag("--verify", options->verify, "Read the copy back and compare");
    command->add_flag("--quiet", options->quiet, "No progress bar");
    command->callback([options, names, &status] {
        options->sources = names->names();
        options->target = options->sources.back();
        options->sources.pop_back();
        tool::fail_beyond_size_limit();
        status = tool::copy(*options) ? 0 : failed;
    });
    return names;
}

std::shared_ptr<FileNames> add_probe(CLI::App& app) {
    struct Options {
        std::string path;
        bool json = false;
    };
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand(
        "probe", "Tell what kernel and storage give for a path, and which submits block there");
    auto names = std::make_shared<FileNames>(*command, std::vector<std::string>{"PATH"});
    command->add_option("PATH", options->path, "A file, a directory or a block device")
        ->required()
        ->type_name("");
    command->add_flag("--json", options->json, "For programs: one JSON object");
    command->callback([options, names] {
        if (names->names().size() > 1) {
            throw CLI::ExtrasError({names->names()[1]});
        }
        tool::fail_beyond_size_limit();
        ::signal(SIGCHLD, SIG_DFL); // ignored, it would hide how children end
        const tool::ProbeReport report = tool::probe(names->names().front());
        tool::print(options->json ? tool::as_json(report) : tool::as_text(report));
    });
    return names;
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

/// For a first word that is neither a command nor an option: what it is, and which there are.
void require_command(const CLI::App& app, const std::vector<std::string>& words) {
    const auto is_name = [&](const CLI::App* command) {
        return command->get_name() == words.front();
    };
    const std::vector<const CLI::App*> commands = app.get_subcommands({});
    if (!words.empty() && looks_like_option(words.front())) {
        require_option(app, words.front());
        return;
    }
    if (!words.empty() && std::any_of(commands.begin(), commands.end(), is_name)) {
        return;
    }
    throw CLI::ParseError((words.empty() ? std::string{"no command is given"}
                                         : "'" + words.front() + "' is no command") +
                              ": there are copy, probe and posix",
                          wrong_usage);
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
    tool::hold_standard_descriptors();
    CLI::App app{"Copies files through Linux kernel AIO, tells what that gives here, and runs "
                 "programs for POSIX AIO on it.",
                 "aioxx"};
    app.set_version_flag("--version", version());
    app.require_subcommand(1);
    int status = 0;
    const std::shared_ptr<FileNames> copied = add_copy(app, status);
    const std::shared_ptr<FileNames> probed = add_probe(app);
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    const std::vector<std::string> program = tool::separate_program(words);
    add_posix(app, program);
    try {
        require_command(app, words);
        if (words.front() == "copy" || words.front() == "probe") {
            (words.front() == "copy" ? copied : probed)->take_from(words);
        }
        std::reverse(words.begin(), words.end()); // as the parser wants them
        parse(app, std::move(words));
        return status;
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
