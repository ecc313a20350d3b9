// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command_for_everybody.hpp"
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

#include <sys/resource.h>
#include <unistd.h>

using namespace aioxx::test;

namespace {

/// Runs a copy onto a target that exists, and one onto one that does not: each ends with status 1,
/// one line that has `parts` in it, and everything as it was.
void fails_without_a_trace(Tool tool, const Workspace& here,
                           const std::vector<std::string>& parts) {
    for (const bool exists : {true, false}) {
        CAPTURE(exists);
        const std::string target = here / "target";
        ::unlink(target.c_str());
        if (exists) {
            write_file(target, "old");
        }
        const std::vector<std::string> before = here.names();
        tool.arguments.push_back(target);
        const Outcome end = tool.run();
        tool.arguments.pop_back();
        CAPTURE(end.errors);
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with(parts));
        CHECK(here.names() == before);
        CHECK((!exists || content_of(target) == "old"));
    }
}

void copy_fails(const std::string& source, const std::string& target,
                const std::vector<std::string>& parts) {
    const Outcome end = copy({source, target});
    CAPTURE(end.errors);
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with(parts));
}

/// Does `change` to the source once the first block has been asked for.
Outcome copy_while(std::vector<std::string> arguments, const std::function<void()>& change) {
    arguments.insert(arguments.begin(), {"copy", "--depth=2", "--block-size=4K"});
    const Tool tool{std::move(arguments)};
    return tool.trace([&](const Stop& stop) {
        if (!submits(stop, aioxx::Opcode::read)) {
            return Then::go_on;
        }
        change();
        return Then::let_go;
    });
}

} // namespace

TEST_CASE("source and target the same file, by name, hard link and symbolic link") {
    const Workspace here;
    const std::string source = here.file("source", 5000);
    std::filesystem::create_hard_link(source, here / "hard");
    std::filesystem::create_symlink("source", here / "soft");
    for (const char* const name : {"source", "hard", "soft"}) {
        copy_fails(source, here / name, {here / name, "is the same file as " + source});
        copy_fails(here / name, source, {source, "is the same file as " + (here / name)});
    }
    CHECK(content_of(source) == random_bytes(5000));
    CHECK(here.names() == std::vector<std::string>{"hard", "soft", "source"});
}

TEST_CASE("a missing source, a missing directory, an empty name") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    copy_fails(here / "nothing", here / "target", {here / "nothing", "No such file"});
    copy_fails(source, here / "nothing/target", {here / "nothing", "No such file"});
    copy_fails(source, here / "nothing/", {here / "nothing/", "Not a directory"});
    copy_fails(source, source + "/target", {source + "/target", "Not a directory"});
    copy_fails("", here / "target", {"No such file"});
    copy_fails(source, "", {"No such file"});
    CHECK(here.names() == std::vector<std::string>{"source"});
}

TEST_CASE("a directory is not copied, and not replaced") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    copy_fails(here.path(), here / "target", {here.path(), "is a directory"});
    copy_fails(source, here.path(), {source, "is the same file"}); // it is in there already
    std::filesystem::create_directories(here / "other/source");
    copy_fails(source, here / "other", {here / "other/source", "is a directory"});
    std::filesystem::remove_all(here / "other");
    CHECK(here.names() == std::vector<std::string>{"source"});
}

TEST_CASE("a device, a fifo and a socket are not copied, and not replaced") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    REQUIRE(::mkfifo((here / "fifo").c_str(), 0600) == 0);
    for (const std::string& special : {std::string{"/dev/null"}, here / "fifo"}) {
        copy_fails(special, here / "target", {special, "is not a regular file"});
        copy_fails(source, special, {special, "is not a regular file"});
    }
    CHECK(S_ISCHR(status_of("/dev/null").st_mode));
    CHECK(here.names() == std::vector<std::string>{"fifo", "source"});
}

TEST_CASE("a symbolic link that leads nowhere is no target") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    std::filesystem::create_symlink("nothing", here / "target");
    copy_fails(source, here / "target", {here / "target", "symbolic link", "No such file"});
    CHECK(here.names() == std::vector<std::string>{"source", "target"});
}

TEST_CASE("a source that may not be read, a target that may not be written") {
    const CommandForEverybody command;
    const Workspace here;
    const std::string secret = here.file("secret", 10);
    const std::string source = here.file("source", 10);
    REQUIRE(::chmod(secret.c_str(), 0) == 0);
    Tool tool{{"copy", secret}};
    tool.before_exec = obey_permissions;
    tool.program = command.program();
    fails_without_a_trace(tool, here, {secret, "Permission denied"});

    tool.arguments = {"copy", source, secret};
    const Outcome end = tool.run();
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({secret, "Permission denied"}));
}

TEST_CASE("a directory that may not be written") {
    const CommandForEverybody command;
    const Workspace here;
    const std::string source = here.file("source", 10);
    std::filesystem::create_directory(here / "closed");
    REQUIRE(::chmod((here / "closed").c_str(), 0555) == 0);
    Tool tool{{"copy", source, here / "closed/target"}};
    tool.before_exec = obey_permissions;
    tool.program = command.program();
    const Outcome end = tool.run();
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({here / "closed", "Permission denied"}));
    CHECK(std::filesystem::is_empty(here / "closed"));
}

TEST_CASE("a file system that is mounted read-only") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    const SmallMount mount{here / "mount", "size=1m"};
    if (!mount.is_mounted()) {
        SKIP_CASE(mount.reason());
    }
    REQUIRE(mount.make_read_only());
    copy_fails(source, mount / "target", {here / "mount", "Read-only file system"});
}

TEST_CASE("a full disk, found when it is reserved or when it is written") {
    const Workspace here;
    const std::string source = here.file("source", 3 << 20);
    const SmallMount mount{here / "mount", "size=1m"};
    if (!mount.is_mounted()) {
        SKIP_CASE(mount.reason());
    }
    for (const bool reserved : {true, false}) {
        CAPTURE(reserved);
        write_file(mount / "target", "old");
        Tool tool{{"copy", "--block-size=64K", source, mount / "target"}};
        if (!reserved) {
            tool.before_exec = [] { refuse_call(SYS_fallocate, EOPNOTSUPP); };
        }
        const Outcome end = tool.run();
        CAPTURE(end.errors);
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with({mount / "target", "No space left on device"}));
        CHECK(content_of(mount / "target") == "old");
        ::unlink((mount / "target").c_str());
        CHECK(std::filesystem::is_empty(here / "mount"));
    }
}

TEST_CASE("a file larger than the limit on file sizes is an error and no signal") {
    const Workspace here;
    Tool tool{{"copy", here.file("source", 3 << 20)}};
    tool.before_exec = [] {
        const rlimit limit{1 << 20, 1 << 20};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    };
    fails_without_a_trace(tool, here, {here / "target", "File too large"});
}

TEST_CASE("a source that shrinks meanwhile") {
    SKIP_WITHOUT_KERNEL_AIO("it goes by io_submit");
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    write_file(here / "target", "old");
    for (const off_t size : {0, 100, 4096, 500'000}) {
        CAPTURE(size);
        write_file(source, random_bytes(1 << 20));
        const Outcome end = copy_while({source, here / "target"},
                                       [&] { REQUIRE(::truncate(source.c_str(), size) == 0); });
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with({source, "shrank while it was copied"}));
        CHECK(content_of(here / "target") == "old");
        CHECK(here.names() == std::vector<std::string>{"source", "target"});
    }
}

TEST_CASE("of a source that grows meanwhile the copy has what was there at first, and says so") {
    SKIP_WITHOUT_KERNEL_AIO("it goes by io_submit");
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    for (const bool verify : {false, true}) {
        CAPTURE(verify);
        const std::string before = content_of(source);
        const std::string verifying = verify ? "--verify" : "--quiet";
        const Outcome end = copy_while({verifying, source, here / "target"}, [&] {
            std::ofstream{source, std::ios::app} << random_bytes(10'000);
        });
        CAPTURE(end.errors);
        CHECK(end.status == 0);
        CHECK(end.is_one_line_with({here / "target", source + " grew while it was copied",
                                    std::to_string(before.size()),
                                    std::to_string(before.size() + 10'000)}));
        CHECK(content_of(here / "target") == before);
        CHECK(here.names() == std::vector<std::string>{"source", "target"});
    }
}

TEST_CASE("where kernel AIO is switched off or used up, a copy is made without it") {
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    for (const int error : {EPERM, ENOSYS, EAGAIN}) {
        for (const long call : {SYS_io_setup, SYS_io_submit}) {
            for (const char* const direct : {"--direct=auto", "--direct=never"}) {
                CAPTURE(error);
                CAPTURE(call);
                CAPTURE(direct);
                if (call == SYS_io_submit && error == EAGAIN) {
                    continue; // that says: once more
                }
                Tool tool{{"copy", "--verify", direct, "--block-size=4K", source, here / "target"}};
                tool.before_exec = [&] { refuse_call(call, error); };
                const Outcome end = tool.run();
                CAPTURE(end.errors);
                CHECK(end.status == 0);
                CHECK(end.errors.empty());
                CHECK(content_of(here / "target") == content_of(source));
                ::unlink((here / "target").c_str());
            }
        }
    }
}

TEST_CASE("whichever system call fails, one line says so and nothing is left behind") {
    SKIP_WITHOUT_KERNEL_AIO("it goes by io_submit");
    const Workspace here;
    struct Call {
        long number;
        int error;
        const char* text;
    };
    const std::vector<Call> calls{
        {SYS_io_submit, EIO, "Input/output error"},
        {SYS_io_submit, EAGAIN, "temporarily unavailable"},
        {call_ftruncate, EPERM, "not permitted"},
        {SYS_fallocate, ENOSPC, "No space left"},
        {SYS_fallocate, EDQUOT, "quota"},
        {SYS_fsync, EIO, "Input/output error"},
        {SYS_fchmod, EIO, "Input/output error"},
        {SYS_renameat, EACCES, "Permission denied"},
    };
    const std::string source = here.file("source", 100'000);
    for (const bool nameless : {true, false}) {
        for (const Call& call : calls) {
            CAPTURE(nameless);
            CAPTURE(call.number);
            Tool tool{{"copy", "--verify", "--block-size=4K", source}};
            tool.before_exec = [&] {
                if (!nameless) {
                    refuse_nameless_files();
                }
                refuse_call(call.number, call.error);
                if (call.number == SYS_renameat) {
                    refuse_call(SYS_linkat, call.error); // where nothing has the name yet
                }
            };
            fails_without_a_trace(tool, here, {call.text});
        }
    }
}

TEST_CASE("where fallocate is not supported, it is done without") {
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    Tool tool{{"copy", "--verify", source, here / "target"}};
    tool.before_exec = [] { refuse_call(SYS_fallocate, EOPNOTSUPP); };
    CHECK(tool.run().status == 0);
    CHECK(content_of(here / "target") == content_of(source));
}

TEST_CASE("buffers of 4 GiB are had, or else memory is out") {
    const Workspace here;
    const std::string source = here.file("source", 5000);
    REQUIRE(::truncate(source.c_str(), 5LL << 30) == 0);
    const Outcome end = copy({"--depth=64", "--block-size=64M", source, here / "target"});
    CAPTURE(end.errors);
    if (end.status == 0) {
        CHECK(status_of(here / "target").st_size == 5LL << 30);
    } else {
        CHECK(end.is_one_line_with({"out of memory"}));
    }
}

TEST_CASE("where the standard descriptors are closed, no message gets into a copy") {
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    for (const std::string way : {"--direct=never", "--direct=auto", "--in-place"}) {
        CAPTURE(way);
        Tool tool{{"copy", way, source, here / "target"}};
        tool.before_exec = [] {
            refuse_call(SYS_fsync, EINVAL); // which is remarked on
            for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
                ::close(fd);
            }
        };
        CHECK(tool.run().status == 0);
        CHECK(content_of(here / "target") == content_of(source));
    }
}

TEST_CASE("standard output that is closed cannot be written to") {
    Tool tool{{"--version"}};
    tool.before_exec = [] {
        ::close(STDIN_FILENO);
        ::close(STDOUT_FILENO);
    };
    const Outcome end = tool.run();
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({"standard output", "Bad file descriptor"}));
}

TEST_CASE("a file name with a line break still makes one line") {
    const Workspace here;
    copy_fails(here / "a\nb", here / "target", {"a?b", "No such file"});
}
