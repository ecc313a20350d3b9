// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Several files into a directory.
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

#include <algorithm>
#include <csignal>
#include <set>

#include <sys/resource.h>
#include <unistd.h>

using namespace aioxx::test;
using aioxx::Opcode;

namespace {

/// Files, and an empty directory for their copies.
class Sources {
public:
    explicit Sources(const std::vector<std::size_t>& sizes) {
        std::filesystem::create_directory(here_ / "from");
        std::filesystem::create_directory(target());
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            // Different ones, where there are several of a size.
            names_.push_back(here_.file("from/" + std::to_string(i), sizes[i]));
            std::ofstream{names_.back(), std::ios::app} << (sizes[i] == 0 ? "" : std::to_string(i));
        }
    }

    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
    [[nodiscard]] std::string target() const { return here_ / "to"; }
    [[nodiscard]] const Workspace& here() const noexcept { return here_; }
    [[nodiscard]] std::string copy_of(const std::string& name) const {
        return target() + "/" + std::filesystem::path{name}.filename().string();
    }

    /// `aioxx copy OPTIONS... SOURCE... DIRECTORY`
    [[nodiscard]] Tool tool(const std::vector<std::string>& options) const {
        Tool tool{{"copy"}};
        tool.arguments.insert(tool.arguments.end(), options.begin(), options.end());
        tool.arguments.insert(tool.arguments.end(), names_.begin(), names_.end());
        tool.arguments.push_back(target());
        return tool;
    }

    /// How many have arrived; what is there is whole, and nothing else is.
    [[nodiscard]] std::size_t arrived() const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator{target()}) {
            const std::string name = here_ / ("from/" + entry.path().filename().string());
            const bool is_whole = content_of(entry.path()) == content_of(name);
            CHECK(std::filesystem::exists(name));
            CHECK(is_whole);
            ++count;
        }
        return count;
    }

private:
    Workspace here_;
    std::vector<std::string> names_;
};

std::string text_at(pid_t pid, std::uint64_t address) {
    std::array<char, 64> text{};
    const iovec here{text.data(), text.size() - 1};
    const iovec there{reinterpret_cast<void*>(static_cast<std::uintptr_t>(address)),
                      text.size() - 1};
    return ::process_vm_readv(pid, &here, 1, &there, 1, 0) > 0 ? text.data() : "";
}

} // namespace

TEST_CASE("files of all sizes arrive in a directory") {
    std::vector<std::size_t> sizes(150, 5000);
    for (const std::size_t size : {0U, 1U, 4096U, 65536U, 1U << 20U, 3'000'000U, 0U, 2'000'000U}) {
        sizes.push_back(size);
    }
    for (const char* const direct : {"--direct=auto", "--direct=never"}) {
        for (const char* const verify : {"--verify", "--quiet"}) {
            CAPTURE(direct);
            CAPTURE(verify);
            const Sources sources{sizes};
            const Outcome end = sources.tool({direct, verify}).run();
            CAPTURE(end.errors);
            CHECK(end.status == 0);
            CHECK(end.errors.empty());
            CHECK(sources.arrived() == sizes.size());
            // And once more over those that are there.
            CHECK(sources.tool({direct, verify}).run().status == 0);
            CHECK(sources.arrived() == sizes.size());
        }
    }
}

TEST_CASE("one file arrives in a directory, also through a link to it, and beside others") {
    const Sources sources{{5000}};
    std::filesystem::create_symlink("to", sources.here() / "link");
    write_file(sources.target() + "/other", "other");
    for (const std::string& directory :
         {sources.target(), sources.target() + "/", sources.here() / "link"}) {
        CAPTURE(directory);
        CHECK(copy({sources.names()[0], directory}).status == 0);
        CHECK(content_of(sources.copy_of(sources.names()[0])) == content_of(sources.names()[0]));
        ::unlink(sources.copy_of(sources.names()[0]).c_str());
    }
    CHECK(content_of(sources.target() + "/other") == "other");
}

TEST_CASE("many files are in flight at a time") {
    SKIP_WITHOUT_KERNEL_AIO("it counts io_submit");
    const Sources sources{std::vector<std::size_t>(40, 20'000)};
    Tool tool = sources.tool({"--depth=32"});
    CHECK(reads_before_writes(tool) >= 32);
    CHECK(sources.arrived() == 40);
}

TEST_CASE("each has its name when it is synced, and the directory is synced when all have") {
    const Sources sources{std::vector<std::size_t>(20, 20'000)};
    for (const bool exist : {false, true}) {
        CAPTURE(exist);
        Tool tool = sources.tool({"--direct=never"});
        tool.before_exec = refuse_threads;
        std::set<std::string> synced;
        unsigned named = 0;
        unsigned syncs_at_the_end = 0;
        const Outcome end = tool.trace([&](const Stop& stop) {
            if (stop.number == SYS_fsync) {
                synced.insert("/proc/self/fd/" + std::to_string(stop.arguments[0]));
                syncs_at_the_end += named == sources.names().size() ? 1U : 0U;
            }
            if (stop.number == SYS_linkat) {
                const std::string name = text_at(stop.pid, stop.arguments[3]);
                const std::string file = text_at(stop.pid, stop.arguments[1]);
                CHECK(synced.count(file) == 1);
                named += !exist && name[0] != '.' ? 1U : 0U;
            }
            if (stop.number == SYS_openat &&
                (stop.arguments[2] & (O_TMPFILE & ~O_DIRECTORY)) != 0) {
                synced.clear(); // a descriptor's number may be another file's soon
            }
            named += stop.number == SYS_renameat ? 1U : 0U;
            return Then::go_on;
        });
        CHECK(end.status == 0);
        CHECK(named == 20);
        CHECK(syncs_at_the_end == 1);
        CHECK(sources.arrived() == 20);
    }
}

TEST_CASE("one that fails does not end the others, and the status is 1") {
    Sources sources{std::vector<std::size_t>(70, 5000)};
    const Workspace& here = sources.here();
    std::filesystem::create_directory(here / "elsewhere");
    std::filesystem::create_directory(sources.target() + "/5");
    write_file(here / "elsewhere/7", "another");
    Tool tool{{"copy", here / "nothing", "/dev/null", here / "elsewhere", "", "/proc/self/mem"}};
    tool.arguments.insert(tool.arguments.end(), sources.names().begin(), sources.names().end());
    tool.arguments.insert(tool.arguments.end(), {here / "elsewhere/7", sources.target()});
    const Outcome end = tool.run();
    CAPTURE(end.errors);
    CHECK(end.status == 1);
    CHECK(std::count(end.errors.begin(), end.errors.end(), '\n') == 7);
    for (const std::string& line :
         {(here / "nothing") + ": cannot open: No such file", std::string{"/dev/null: is not a"},
          (here / "elsewhere") + ": is a directory", std::string{"aioxx: : cannot open"},
          std::string{"/proc/self/mem: cannot read: Input/output error"},
          sources.target() + "/5: is a directory",
          (here / "elsewhere/7") + ": " + sources.target() + "/7 is already the copy"}) {
        CAPTURE(line);
        CHECK(end.errors.find(line) != std::string::npos);
    }
    std::filesystem::remove(sources.target() + "/5");
    CHECK(sources.arrived() == 69);
}

TEST_CASE("several files have no other target than a directory") {
    const Sources sources{{10, 10}};
    for (const std::string& target : {sources.here() / "nothing", sources.names()[0]}) {
        const Outcome end = copy({sources.names()[0], sources.names()[1], target});
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with({target, "is not a directory"}));
    }
    CHECK(sources.here().names() == std::vector<std::string>{"from", "to"});
}

TEST_CASE("what was not done for any of them is one line") {
    const Sources sources{std::vector<std::size_t>(70, 5000)};
    Tool tool = sources.tool({});
    tool.before_exec = [] { refuse_call(SYS_fchmod, EPERM); };
    Outcome end = tool.run();
    CHECK(end.status == 0);
    CHECK(end.is_one_line_with({"its mode could not be set", "69 more likewise"}));
    CHECK(sources.arrived() == 70);

    tool.before_exec = [] { refuse_call(SYS_fsync, EINVAL); };
    end = tool.run();
    CHECK(end.status == 0);
    CHECK(end.errors.find("it could not be synced") != std::string::npos);
    CHECK(end.errors.find("its directory could not be synced") != std::string::npos);
    CHECK(std::count(end.errors.begin(), end.errors.end(), '\n') == 2);
}

TEST_CASE("a small limit on descriptors is kept") {
    const Sources sources{std::vector<std::size_t>(100, 5000)};
    for (const rlim_t limit : {30U, 80U}) {
        Tool tool = sources.tool({"--verify"});
        tool.before_exec = [&] {
            const rlimit both{limit, limit};
            ::setrlimit(RLIMIT_NOFILE, &both);
        };
        const Outcome end = tool.run();
        CAPTURE(end.errors);
        CHECK(end.status == 0);
        CHECK(sources.arrived() == 100);
    }
}

TEST_CASE("what the caller has open leaves fewer descriptors, and they arrive all the same") {
    const Sources sources{std::vector<std::size_t>(100, 5000)};
    for (const int left : {12, 40}) {
        CAPTURE(left);
        Tool tool = sources.tool({"--verify"});
        tool.before_exec = [&] {
            constexpr int limit = 256;
            const rlimit both{limit, limit};
            ::setrlimit(RLIMIT_NOFILE, &both);
            for (int fd = 0; fd >= 0 && fd < limit - left;) {
                fd = ::dup(STDERR_FILENO);
            }
        };
        const Outcome end = tool.run();
        CAPTURE(end.errors);
        CHECK(end.status == 0);
        CHECK(sources.arrived() == 100);
    }
}

TEST_CASE("without kernel AIO and without threads they arrive as well") {
    const Sources sources{std::vector<std::size_t>(50, 70'000)};
    for (const bool threads : {true, false}) {
        Tool tool = sources.tool({"--verify"});
        tool.before_exec = [&] {
            refuse_call(SYS_io_setup, ENOSYS);
            if (!threads) {
                ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); // which takes a thread
                refuse_threads();
            }
        };
        CHECK(tool.run().status == 0);
        CHECK(sources.arrived() == 50);
    }
}

TEST_CASE("interrupted on the way, those that have a name are complete, and no other is there") {
    for (const bool nameless : {true, false}) {
        CAPTURE(nameless);
        const Sources sources{std::vector<std::size_t>(10, 5000)};
        Tool tool = sources.tool({"--direct=never"});
        if (!nameless) {
            tool.before_exec = refuse_nameless_files;
        }
        unsigned calls = 0;
        CHECK(tool.trace([&](const Stop&) {
                      ++calls;
                      return Then::go_on;
                  })
                  .status == 0);
        unsigned interrupted = 0;
        for (unsigned at = calls / 3; at < calls; at += 5) {
            for (const auto& entry : std::filesystem::directory_iterator{sources.target()}) {
                std::filesystem::remove(entry);
            }
            const Outcome end = tool.trace([&](const Stop& stop) {
                if (stop.index < at) {
                    return Then::go_on;
                }
                ::kill(stop.pid, SIGTERM);
                return Then::let_go;
            });
            CAPTURE(at);
            CHECK((end.signal == SIGTERM || end.status == 0));
            CHECK(sources.arrived() <= 10);
            interrupted += end.signal == SIGTERM ? 1U : 0U;
        }
        CHECK(interrupted > 10);
    }
}
