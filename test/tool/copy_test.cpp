// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

#include <map>

using namespace aioxx::test;
using aioxx::Opcode;

namespace {

std::map<off_t, off_t> data_ranges(const std::string& path) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::map<off_t, off_t> ranges;
    off_t at = 0;
    while ((at = ::lseek(file, at, SEEK_DATA)) >= 0) {
        const off_t begin = at;
        at = ::lseek(file, at, SEEK_HOLE);
        ranges[begin] = at;
    }
    return ranges;
}

void write_at(const std::string& path, off_t offset, const std::string& bytes) {
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(::pwrite(file, bytes.data(), bytes.size(), offset) ==
            static_cast<ssize_t>(bytes.size()));
}

} // namespace

TEST_CASE("a file of any size arrives whole, whatever the way and the depth") {
    const Workspace here;
    constexpr std::size_t block = 64 << 10;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{511}, std::size_t{512}, std::size_t{4095},
          std::size_t{4096}, std::size_t{4097}, block - 1, block, block + 1, 40 * block + 513}) {
        const std::string source = here.file("source", size);
        for (const char* const direct : {"--direct=auto", "--direct=never"}) {
            for (const char* const depth : {"--depth=1", "--depth=32"}) {
                CAPTURE(size);
                CAPTURE(direct);
                CAPTURE(depth);
                const Outcome end =
                    copy({direct, depth, "--block-size=64K", "--verify", source, here / "target"});
                CHECK(end.status == 0);
                CHECK(end.errors.empty());
                CHECK(end.out.empty());
                CHECK(content_of(here / "target") == content_of(source));
                CHECK(here.names() == std::vector<std::string>{"source", "target"});
            }
        }
    }
}

TEST_CASE("a file of many more blocks than the depth arrives whole") {
    const Workspace here;
    const std::string source = here.file("source", (4 << 20) + 1234);
    CHECK(copy({"--depth=3", "--block-size=4K", source, here / "target"}).status == 0);
    CHECK(content_of(here / "target") == content_of(source));
}

TEST_CASE("a file of few blocks is copied without a context, which takes long to end") {
    const Workspace here;
    for (const std::size_t size : {4096U, 1U << 20U}) {
        CAPTURE(size);
        unsigned contexts = 0;
        const Tool tool{{"copy", "--verify", here.file("source", size), here / "target"}};
        const Outcome end = tool.trace([&](const Stop& stop) {
            contexts += stop.number == SYS_io_setup ? 1U : 0U;
            return Then::go_on;
        });
        CHECK(end.status == 0);
        CHECK(contexts == 0);
        CHECK(content_of(here / "target") == random_bytes(size));
    }
}

TEST_CASE("as many reads as the depth are in flight at a time") {
    SKIP_WITHOUT_KERNEL_AIO("it counts io_submit");
    const Workspace here;
    Tool tool{
        {"copy", "--depth=32", "--block-size=4K", here.file("source", 1 << 20), here / "target"}};
    CHECK(reads_before_writes(tool) == 32);
}

TEST_CASE("direct I/O leaves the page cache alone, and is not used where it is not wanted") {
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    if (!takes_direct_io(source)) {
        SKIP_CASE("/var/tmp is on a file system without direct I/O");
    }
    for (const char* const direct : {"--direct=auto", "--direct=always"}) {
        CAPTURE(direct);
        CHECK(copy({direct, source, here / "direct"}).status == 0);
        CHECK(cached_pages(here / "direct") == 0);
        CHECK(copy({direct, "--verify", source, here / "verified"}).status == 0);
        CHECK(cached_pages(here / "verified") == 0);
    }
    CHECK(copy({"--direct=never", source, here / "buffered"}).status == 0);
    CHECK(cached_pages(here / "buffered") == 256);
}

TEST_CASE("where the file system refuses direct I/O, auto copies without and always fails") {
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    Tool tool{{"copy", "--verify", source, here / "target"}};
    tool.before_exec = [] { refuse_call(call_fcntl, EINVAL, 1, F_SETFL); };
    CHECK(tool.run().status == 0);
    CHECK(content_of(here / "target") == content_of(source));

    tool.arguments = {"copy", "--direct=always", source, here / "other"};
    const Outcome end = tool.run();
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({source, "does not support direct I/O"}));
    CHECK(here.names() == std::vector<std::string>{"source", "target"});
}

TEST_CASE("holes stay holes") {
    const Workspace here;
    const std::string source = here / "source";
    constexpr off_t mib = 1 << 20;
    write_at(source, 0, random_bytes(5000));
    write_at(source, 8 * mib + 100, random_bytes(3 * mib));
    write_at(source, 40 * mib, random_bytes(1));
    REQUIRE(::truncate(source.c_str(), 64 * mib + 77) == 0);
    for (const char* const direct : {"--direct=auto", "--direct=never"}) {
        CAPTURE(direct);
        CHECK(copy({direct, "--verify", source, here / "target"}).status == 0);
        CHECK(content_of(here / "target") == content_of(source));
        CHECK(data_ranges(here / "target") == data_ranges(source));
        CHECK(status_of(here / "target").st_blocks <= status_of(source).st_blocks);
    }
}

TEST_CASE("a file that is one hole stays one") {
    const Workspace here;
    write_file(here / "source", "");
    REQUIRE(::truncate((here / "source").c_str(), (1LL << 40) + 1) == 0);
    CHECK(copy({"--verify", here / "source", here / "target"}).status == 0);
    CHECK(status_of(here / "target").st_size == (1LL << 40) + 1);
    CHECK(status_of(here / "target").st_blocks == 0);
}

TEST_CASE("a file that is as long as a file can be is copied") {
    const Workspace here;
    const SmallMount mount{here / "mount", "size=1m"};
    if (!mount.is_mounted()) {
        SKIP_CASE(mount.reason());
    }
    constexpr std::int64_t longest = INT64_MAX;
    write_file(mount / "source", "");
    for (const std::int64_t data : {std::int64_t{0}, longest - 5000}) {
        CAPTURE(data);
        const Descriptor source{::open((mount / "source").c_str(), O_RDWR | O_CLOEXEC)};
        REQUIRE(::pwrite(source, "some", 4, data) == 4);
        REQUIRE(::ftruncate(source, longest) == 0);
        // Linux 5.10 counts to the end of such a file and beyond.
        if (data == 0 && (::lseek(source, 0, SEEK_HOLE) != 4096 ||
                          ::lseek(source, 4096, SEEK_DATA) != -1 || errno != ENXIO)) {
            SKIP_CASE("the kernel's tmpfs sees no hole in a file as long as can be");
        }
        for (const std::string direct : {"--direct=auto", "--direct=never"}) {
            CAPTURE(direct);
            const Outcome end = copy({"--verify", direct, mount / "source", mount / "target"});
            CAPTURE(end.errors);
            CHECK(end.status == 0);
            CHECK(status_of(mount / "target").st_size == longest);
        }
    }
}

TEST_CASE("the mode is kept, whatever the umask") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    for (const mode_t mode : {0644U, 0600U, 0755U, 0777U, 0440U, 04711U, 01666U}) {
        CAPTURE(mode);
        REQUIRE(::chmod(source.c_str(), mode) == 0);
        Tool tool{{"copy", source, here / "target"}};
        tool.before_exec = [] { ::umask(077); };
        CHECK(tool.run().status == 0);
        CHECK((status_of(here / "target").st_mode & 07777U) == mode);
        ::unlink((here / "target").c_str());
    }
}

TEST_CASE("set-user-ID does not pass to another owner") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    if (::chown(source.c_str(), 12345, 12345) != 0) {
        SKIP_CASE("chown needs root");
    }
    REQUIRE(::chmod(source.c_str(), 06755) == 0);
    CHECK(copy({source, here / "target"}).status == 0);
    CHECK((status_of(here / "target").st_mode & 07777U) == 0755);
}

TEST_CASE("an existing target is replaced, and its other names keep the old content") {
    const Workspace here;
    const std::string source = here.file("source", 5000);
    write_file(here / "target", "old");
    REQUIRE(::link((here / "target").c_str(), (here / "other").c_str()) == 0);
    CHECK(copy({source, here / "target"}).status == 0);
    CHECK(content_of(here / "target") == content_of(source));
    CHECK(content_of(here / "other") == "old");
}

TEST_CASE("a symbolic link as the target stays, and the file it leads to is replaced") {
    const Workspace here;
    const std::string source = here.file("source", 5000);
    std::filesystem::create_directory(here / "elsewhere");
    write_file(here / "elsewhere/file", "old");
    std::filesystem::create_symlink("elsewhere/file", here / "target");
    std::filesystem::create_symlink("source", here / "from");
    CHECK(copy({here / "from", here / "target"}).status == 0);
    CHECK(std::filesystem::is_symlink(here / "target"));
    CHECK(content_of(here / "elsewhere/file") == content_of(source));
}

TEST_CASE("a name as long as a name may be, and one that looks like an option") {
    const Workspace here;
    const std::string source = here.file("source", 5000);
    CHECK(copy({source, here / std::string(255, 'n')}).status == 0);
    CHECK(content_of(here / std::string(255, 'n')) == content_of(source));

    Tool tool{{"copy", "--", "source", "--depth"}};
    tool.before_exec = [&] { CHECK(::chdir(here.path().c_str()) == 0); };
    CHECK(tool.run().status == 0);
    CHECK(content_of(here / "--depth") == content_of(source));
}

TEST_CASE("the target has no name before it is complete and synced") {
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    for (const bool nameless : {true, false}) {
        CAPTURE(nameless);
        write_file(here / "target", "old");
        Tool tool{{"copy", "--block-size=64K", source, here / "target"}};
        if (!nameless) {
            tool.before_exec = refuse_nameless_files;
        }
        bool synced = false;
        bool directory_synced = false;
        bool renamed = false;
        const Outcome end = tool.trace([&](const Stop& stop) {
            const bool is_new = content_of(here / "target") != "old";
            CHECK(is_new == renamed);
            if (stop.number == SYS_fsync) {
                (renamed ? directory_synced : synced) = true;
            }
            if (stop.number == SYS_linkat) {
                CHECK(synced);
            }
            if (stop.number == SYS_renameat || stop.number == SYS_renameat2) {
                CHECK(synced);
                renamed = true;
            }
            return Then::go_on;
        });
        CHECK(end.status == 0);
        CHECK(renamed);
        CHECK(directory_synced);
        CHECK(content_of(here / "target") == content_of(source));
        CHECK(here.names() == std::vector<std::string>{"source", "target"});
    }
}

TEST_CASE("--verify finds a byte that is not what was written, and keeps the old target") {
    const Workspace here;
    const std::string source = here.file("source", 300'000);
    write_file(here / "target", "old");
    for (const char* const direct : {"--direct=auto", "--direct=never"}) {
        CAPTURE(direct);
        Tool tool{{"copy", "--verify", direct, "--block-size=4K", source, here / "target"}};
        const Outcome end = tool.trace([&](const Stop& stop) {
            if (stop.number != SYS_fsync) {
                return Then::go_on;
            }
            write_at("/proc/" + std::to_string(stop.pid) + "/fd/" +
                         std::to_string(stop.arguments[0]),
                     123'456, std::string(1, static_cast<char>(~random_bytes(300'000)[123'456])));
            return Then::let_go;
        });
        CHECK(end.status == 1);
        CHECK(end.is_one_line_with({here / "target", source, "differs", "at byte 123456"}));
        CHECK(content_of(here / "target") == "old");
        CHECK(here.names() == std::vector<std::string>{"source", "target"});
    }
}

TEST_CASE("what was written through the page cache is verified from storage") {
    const Workspace here;
    const std::string source = here.file("source", 1 << 20);
    if (!takes_direct_io(source)) {
        SKIP_CASE("/var/tmp is on a file system without direct I/O, tmpfs perhaps");
    }
    std::string written;
    std::size_t cached_before = 0;
    std::size_t cached_after = 1;
    const Tool tool{
        {"copy", "--verify", "--direct=never", "--block-size=64K", source, here / "target"}};
    const Outcome end = tool.trace([&](const Stop& stop) {
        if (stop.number == SYS_fsync) {
            written =
                "/proc/" + std::to_string(stop.pid) + "/fd/" + std::to_string(stop.arguments[0]);
            cached_before = cached_pages(written);
        }
        if (stop.number == SYS_preadv2 && !written.empty()) {
            cached_after = cached_pages(written);
            return Then::let_go;
        }
        return Then::go_on;
    });
    CHECK(end.status == 0);
    CHECK(cached_before == 256);
    CHECK(cached_after == 0);
}
