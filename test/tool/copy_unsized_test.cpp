// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Files whose size does not tell what they hold, as the kernel's own have it.
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

#include <sstream>

using namespace aioxx::test;

namespace {

/// To the end, wherever that is.
std::string all_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return text.str();
}

/// What the command's own /proc/self/environ holds: more than 200'000 bytes while this is there.
class LongEnvironment {
public:
    LongEnvironment() {
        for (const char* const name : names) {
            std::string text = random_bytes(100'000 + (name[0] == 'A' ? 1U : 2U));
            std::for_each(text.begin(), text.end(),
                          [](char& c) { c = static_cast<char>('a' + (c & 15)); });
            ::setenv(name, text.c_str(), 1);
        }
        for (char** entry = ::environ; *entry != nullptr; ++entry) {
            content_.append(*entry).append(1, '\0');
        }
    }
    LongEnvironment(const LongEnvironment&) = delete;
    LongEnvironment& operator=(const LongEnvironment&) = delete;
    ~LongEnvironment() {
        for (const char* const name : names) {
            ::unsetenv(name);
        }
    }

    [[nodiscard]] const std::string& content() const noexcept { return content_; }

private:
    static constexpr std::array names{"A_LONG_ONE", "B_LONG_ONE"};
    std::string content_;
};

bool reads_from(const Stop& stop, const std::string& path) {
    const std::string process = "/proc/" + std::to_string(stop.pid);
    const std::string file = process + "/fd/" + std::to_string(stop.arguments[0]);
    std::error_code ignored; // none of the process's, perhaps
    return stop.number == SYS_read && std::filesystem::read_symlink(file, ignored) == path;
}

} // namespace

TEST_CASE("a file that says it is empty, and is not, arrives whole") {
    const Workspace here;
    for (const char* const direct : {"--direct=auto", "--direct=never"}) {
        CAPTURE(direct);
        const Outcome end = copy({"--verify", direct, "/proc/version", here / "target"});
        CHECK(end.status == 0);
        CHECK(end.errors.empty());
        CHECK(content_of(here / "target") == all_of("/proc/version"));
        CHECK(status_of(here / "target").st_size > 0);
        ::unlink((here / "target").c_str()); // which is write-protected, as the source is
    }
}

TEST_CASE("so does one of many blocks, whose last is not full") {
    const Workspace here;
    const LongEnvironment environment;
    for (const char* const direct : {"--direct=auto", "--direct=never"}) {
        for (const char* const size : {"--block-size=4K", "--block-size=64K", "--block-size=1M"}) {
            CAPTURE(direct);
            CAPTURE(size);
            CHECK(copy({"--verify", direct, size, "/proc/self/environ", here / "target"}).status ==
                  0);
            const bool same = content_of(here / "target") == environment.content();
            CHECK(same);
            ::unlink((here / "target").c_str());
        }
    }
    CHECK(here.names().empty());
}

TEST_CASE("one that reads otherwise each time passes --verify") {
    const Workspace here;
    // The time since the machine was started.
    CHECK(copy({"--verify", "/proc/uptime", here / "target"}).status == 0);
    CHECK(status_of(here / "target").st_size > 0);
}

TEST_CASE("--verify compares what is on the disk with what was read") {
    const Workspace here;
    write_file(here / "target", "old");
    for (const char* const direct : {"--direct=auto", "--direct=never"}) {
        CAPTURE(direct);
        const Tool tool{{"copy", "--verify", direct, "/proc/version", here / "target"}};
        const Outcome end = tool.trace([&](const Stop& stop) {
            if (stop.number != SYS_fchmod) { // all is written, and not yet write-protected
                return Then::go_on;
            }
            const Descriptor target{::open(
                ("/proc/" + std::to_string(stop.pid) + "/fd/" + std::to_string(stop.arguments[0]))
                    .c_str(),
                O_WRONLY | O_CLOEXEC)};
            CHECK(::pwrite(target, "?", 1, 3) == 1);
            return Then::let_go;
        });
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with({here / "target", "differs", "/proc/version"}));
        CHECK(content_of(here / "target") == "old");
        CHECK(here.names() == std::vector<std::string>{"target"});
    }
}

TEST_CASE("where it cannot be read, or the disk is full, nothing is left behind") {
    const Workspace here;
    Outcome end = copy({"/proc/self/mem", here / "target"}); // nothing is mapped at 0
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({"/proc/self/mem", "cannot read", "Input/output error"}));
    CHECK(here.names().empty());

    const LongEnvironment environment;
    const SmallMount mount{here / "mount", "size=64k"};
    if (!mount.is_mounted()) {
        SKIP_CASE(mount.reason());
    }
    end = copy({"--block-size=4K", "/proc/self/environ", mount / "target"});
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({mount / "target", "cannot write", "No space left"}));
    CHECK(std::filesystem::is_empty(here / "mount"));
}

TEST_CASE("for an empty file there is one read, and no queue") {
    const Workspace here;
    const std::string source = here.file("source", 0);
    unsigned queues = 0;
    unsigned reads = 0;
    const Tool tool{{"copy", "--verify", source, here / "target"}};
    const Outcome end = tool.trace([&](const Stop& stop) {
        queues += stop.number == SYS_io_setup ? 1U : 0U;
        reads += reads_from(stop, source) ? 1U : 0U;
        return Then::go_on;
    });
    CHECK(end.status == 0);
    CHECK(queues == 0);
    CHECK(reads == 1);
    CHECK(status_of(here / "target").st_size == 0);
}

TEST_CASE("of an empty file that grows meanwhile the copy has what was read, and says so") {
    const Workspace here;
    const std::string source = here.file("source", 0);
    const Tool tool{{"copy", source, here / "target"}};
    const Outcome end = tool.trace([&](const Stop& stop) {
        if (!reads_from(stop, source)) {
            return Then::go_on;
        }
        write_file(source, "grown");
        return Then::let_go;
    });
    CHECK(end.status == 0);
    CHECK(end.is_one_line_with({source + " grew while it was copied, from 0 to 5 bytes"}));
    CHECK(content_of(here / "target") == "grown");
}

TEST_CASE("one that is written to without end comes to an end") {
    const Workspace here;
    const std::string source = here.file("source", 0);
    const Tool tool{{"copy", "--block-size=4K", source, here / "target"}};
    const Outcome end = tool.trace([&](const Stop& stop) {
        if (reads_from(stop, source) && status_of(source).st_size < 1'000'000) {
            std::ofstream{source, std::ios::app} << random_bytes(10'000);
        }
        return Then::go_on;
    });
    CHECK(end.status == 0);
    CHECK(end.is_one_line_with({source + " grew while it was copied, from 0 to "}));
    CHECK(status_of(here / "target").st_size == 4096);
}

TEST_CASE("a file of the kernel's that has less than it says arrives as it reads") {
    const Workspace here;
    unsigned tried = 0;
    for (const std::string source :
         {"/sys/devices/system/cpu/online", "/sys/kernel/mm/transparent_hugepage/enabled",
          "/sys/devices/system/cpu/possible"}) {
        if (!std::filesystem::exists(source) || status_of(source).st_size != 4096) {
            continue;
        }
        for (const char* const direct : {"--direct=auto", "--direct=never"}) {
            CAPTURE(source);
            CAPTURE(direct);
            const Outcome end = copy({"--verify", direct, source, here / "target"});
            CHECK(end.status == 0);
            CHECK(end.errors.empty());
            CHECK(content_of(here / "target") == all_of(source));
            CHECK(status_of(here / "target").st_size > 0);
            ::unlink((here / "target").c_str());
        }
        ++tried;
    }
    if (tried == 0) {
        SKIP_CASE("no such file under /sys");
    }
}

TEST_CASE("another file that ends before the size that it says is an error") {
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    for (const char* const size : {"--block-size=4K", "--block-size=1M"}) {
        CAPTURE(size);
        Tool tool{{"copy", size, "--direct=never", source, here / "target"}};
        tool.before_exec = refuse_threads; // all is read where the test looks on
        bool ended = false;
        const Outcome end = tool.trace([&](const Stop& stop) {
            // The file is there whole again when its size is asked for.
            const std::string whole = random_bytes(100'000);
            if (ended && content_of(source).size() != whole.size()) {
                write_file(source, whole);
            }
            if (stop.number == SYS_preadv2 || stop.number == SYS_pread64) {
                REQUIRE(::truncate(source.c_str(), 50'000) == 0);
                ended = true;
            }
            return Then::go_on;
        });
        CAPTURE(end.errors);
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with({source + ": ends after 50000", "says that it has 100000"}));
        CHECK(here.names() == std::vector<std::string>{"source"});
    }
}
