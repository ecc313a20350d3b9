// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What probe says of each file system, against what is known of it.

#include "devices/block_devices.hpp"
#include "devices/fuse_server.hpp"
#include "devices/mounts.hpp"
#include "probe_json.hpp"
#include "skip.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include <sys/utsname.h>

namespace aioxx::test {
namespace {

using Words = std::set<std::string>;

// An operation that is on its way may be complete when submit returns; and a lock may be held by
// another thread for a while. What sleeps in half of the submits is neither.
const Words asynchronous{"asynchronous", "mostly asynchronous", "completes at once"};
const Words blocks{"blocks"};
const Words at_once{"completes at once"};
const Words plain{"plain", "moved-at-times"};
const Words moved{"moved-to-workers"};

/// An emulated processor is slower than the devices: what submits measure there, the verdicts, says
/// nothing.
bool is_emulated() {
    return is_set("AIOXX_EMULATED");
}

/// A loop device over a file on the disk, slow enough that a thread that waits for it sleeps.
class DiskLoop {
public:
    DiskLoop()
        : made_("truncate -s 400M " + directory_.file("disk") +
                    " && losetup --find --show --direct-io=on " + directory_.file("disk"),
                "losetup -d \"$made\"") {}

    [[nodiscard]] const std::string& path() const noexcept { return made_.output(); }

private:
    TemporaryDirectory directory_;
    HostChange made_;
};

std::set<std::string> names_in(const std::string& directory) {
    std::set<std::string> names;
    for (const auto& each : std::filesystem::directory_iterator{directory}) {
        names.insert(each.path().filename().string());
    }
    return names;
}

/// Probes a directory, which stays as it was.
Json probe_directory(const std::string& path) {
    const std::set<std::string> before = names_in(path);
    Json report = probe_of(path);
    CHECK(names_in(path) == before);
    CHECK(report["kind"] == "directory");
    CHECK(report["writes_not_tried"].is_null());
    return report;
}

void expect(const Json& report, bool direct, const char* name, const Words& verdicts,
            const Words& routes) {
    const Json access = access_of(report, name, direct);
    INFO((direct ? "direct " : "buffered ") << std::string{name} << ": " << access.dump());
    REQUIRE(!access.empty());
    REQUIRE(access["error"].is_null());
    const auto route = access["queue"].get<std::string>();
    if (is_emulated()) {
        // Which of these it is follows from the verdict.
        const auto is_measured = [](const std::string& word) {
            return plain.count(word) + moved.count(word) == 1;
        };
        CHECK((routes.count(route) == 1 ||
               (is_measured(route) && std::ranges::any_of(routes, is_measured))));
        return;
    }
    CHECK(verdicts.count(access["verdict"].get<std::string>()) == 1);
    CHECK(routes.count(route) == 1);
}

bool takes_nowait(const Json& report, bool direct, const char* name) {
    return access_of(report, name, direct)["nowait"]["taken"].get<bool>();
}

unsigned refusals(const Json& report, bool direct, const char* name) {
    return access_of(report, name, direct)["nowait"]["refusals_per_1000"].get<unsigned>();
}

bool is_before_linux(int major, int minor) {
    utsname names{};
    int here[2] = {};
    REQUIRE(::uname(&names) == 0);
    REQUIRE(std::sscanf(names.release, "%d.%d", &here[0], &here[1]) == 2);
    return here[0] != major ? here[0] < major : here[1] < minor;
}

/// How a queue makes buffered writes on a file system that takes NOWAIT for them since that kernel.
Words route_of_buffered_writes(const Json& report, int major, int minor) {
    const bool taken = takes_nowait(report, false, "overwrite");
    CHECK(taken != is_before_linux(major, minor));
    CHECK(taken == report["flags"]["buffered"]["write"]["nowait"].is_null());
    return {taken ? "nowait-first" : "worker"};
}

/// What is the same on all that have a page cache and a device below.
void expect_of_a_disk(const Json& report, const Words& buffered_reads,
                      const Words& buffered_writes) {
    expect(report, true, "read", asynchronous, plain);
    expect(report, true, "fsync", asynchronous, {"worker"});
    expect(report, false, "fsync", asynchronous, {"worker"});
    expect(report, false, "read", blocks, buffered_reads);
    expect(report, false, "cached read", at_once, buffered_reads);
    for (const char* const name : {"overwrite", "append", "fill of a hole"}) {
        expect(report, false, name, at_once, buffered_writes);
    }
}

/// Probes a new file system; an empty object where there is none to be had.
Json probe_file_system(const char* type) {
    auto device = attempt<DiskLoop>();
    if (!device) {
        skip(device.reason(), false);
        return Json::object();
    }
    auto mounted = attempt<FileSystem>(type, device->path());
    if (!mounted) {
        skip(mounted.reason(), false);
        return Json::object();
    }
    Json report = probe_directory(mounted->path());
    CHECK(report["file_system"]["type"] == type);
    CHECK(report["file_system"]["source"] == device->path());
    CHECK(report["file_system"]["mount_point"] == mounted->path());
    return report;
}

TEST_CASE("ext4: direct I/O is asynchronous but for appends, no NOWAIT for buffered writes") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Json report = probe_file_system("ext4");
    if (report.empty()) {
        return;
    }
    expect_of_a_disk(report, {"nowait-first"}, {"worker"});
    expect(report, true, "overwrite", asynchronous, plain);
    expect(report, true, "append", blocks, moved);
    expect(report, true, "fill of a hole", asynchronous, plain);
    // None, or since some kernel between 6.18 and 7.3 all, as on XFS.
    const unsigned refused = refusals(report, true, "overwrite");
    CHECK((refused < 100 || (refused > 900 && !is_before_linux(6, 19))));
    CHECK(refusals(report, true, "append") > 900);
    CHECK(refusals(report, false, "read") > 900);
    CHECK(!takes_nowait(report, false, "overwrite"));
    CHECK(report["flags"]["direct"]["write"]["nowait"].is_null());
    CHECK(report["flags"]["buffered"]["write"]["nowait"] == "EOPNOTSUPP");
}

TEST_CASE("XFS: appends wait for the one before, NOWAIT for buffered writes since Linux 6.0") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Json report = probe_file_system("xfs");
    if (report.empty()) {
        return;
    }
    expect_of_a_disk(report, {"nowait-first"}, route_of_buffered_writes(report, 6, 0));
    expect(report, true, "overwrite", asynchronous, plain);
    // Each waits until none is in flight; the first of those finds nothing to wait for.
    expect(report, true, "append", {"blocks", "mostly asynchronous"},
           {"moved-to-workers", "moved-at-times"});
    expect(report, true, "fill of a hole", asynchronous, plain);
    CHECK(refusals(report, true, "append") > 900);
}

TEST_CASE("btrfs: direct writes block where they are buffered, and NOWAIT refuses them all") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Json report = probe_file_system("btrfs");
    if (report.empty()) {
        return;
    }
    expect_of_a_disk(report, {"nowait-first"}, route_of_buffered_writes(report, 6, 1));
    // So that its checksums stay right: since Linux 6.14 and in Debian's 6.12, not in 6.1, and not
    // in 7.3 any more.
    const bool buffers = access_of(report, "overwrite", true)["verdict"] == "blocks";
    CHECK((is_emulated() || buffers || is_before_linux(6, 14) || !is_before_linux(6, 19)));
    CHECK((is_emulated() || !buffers || !is_before_linux(6, 2)));
    for (const char* const name : {"overwrite", "fill of a hole"}) {
        expect(report, true, name, buffers ? blocks : asynchronous, buffers ? moved : plain);
        CHECK(refusals(report, true, name) > 900);
    }
    // Of those that are not buffered some wait for the one before.
    Words verdicts = blocks;
    Words routes = moved;
    if (!buffers) {
        verdicts.insert(asynchronous.begin(), asynchronous.end());
        routes.insert(plain.begin(), plain.end());
    }
    expect(report, true, "append", verdicts, routes);
    CHECK(refusals(report, true, "append") > 900);
}

TEST_CASE("tmpfs: everything completes at once, and is called plainly") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    auto memory = attempt<Tmpfs>(64 * mebibyte);
    if (!memory) {
        SKIP_CASE(memory.reason());
    }
    const Json report = probe_directory(memory->path());
    CHECK(report["file_system"]["type"] == "tmpfs");
    for (const Json& access : report["accesses"]) {
        const auto name = access["access"].get<std::string>();
        expect(report, access["direct"].get<bool>(), name.c_str(),
               name == "fsync" ? asynchronous : at_once, {name == "fsync" ? "worker" : "call"});
        CHECK((name == "fsync" || access["nowait"]["taken"] == false));
    }
    CHECK(has_access(report, "read", false));
}

TEST_CASE("overlayfs: direct I/O is asynchronous although NOWAIT is not taken") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    auto device = attempt<DiskLoop>(); // on a fast disk a read may be over before it sleeps
    if (!device) {
        SKIP_CASE(device.reason());
    }
    auto below = attempt<FileSystem>("ext4", device->path());
    if (!below) {
        SKIP_CASE(below.reason());
    }
    auto overlay = attempt<Overlay>(below->path());
    if (!overlay) {
        SKIP_CASE(overlay.reason());
    }
    const Json report = probe_directory(overlay->path());
    CHECK(report["file_system"]["type"] == "overlay");
    expect_of_a_disk(report, {"worker"}, {"worker"});
    expect(report, true, "overwrite", asynchronous, plain);
    CHECK(!takes_nowait(report, true, "read"));
    CHECK(!takes_nowait(report, true, "overwrite"));
}

TEST_CASE("FUSE: direct I/O is asynchronous but for appends, what is buffered blocks, and workers "
          "make all") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const Json report = probe_of(server->path()); // it cannot list its names
    CHECK(report["file_system"]["type"] == "fuse");
    CHECK(report["direct_io"]["learnt_from"] == "assumed");
    expect(report, true, "read", asynchronous, {"worker"});
    expect(report, true, "overwrite", asynchronous, {"worker"});
    expect(report, true, "append", blocks, {"worker"});
    expect(report, true, "fsync", asynchronous, {"worker"});
    expect(report, false, "read", blocks, {"worker"});
    expect(report, false, "cached read", at_once, {"worker"});
    expect(report, false, "overwrite", blocks, {"worker"});
    CHECK(!takes_nowait(report, true, "read"));
    const Json& fuse = report["fuse"];
    CHECK(fuse["queue"] == "worker");
    if (is_emulated()) {
        return;
    }
    for (const std::string label : {"direct append", "buffered read, uncached"}) {
        CAPTURE(label);
        const auto& labels = fuse["submits_block"];
        CHECK(std::find(labels.begin(), labels.end(), label) != labels.end());
    }
    const Outcome text = Tool{{"probe", server->path()}}.run();
    CHECK(text.out.find("submits block: ") != std::string::npos);
    CHECK(text.out.find("a queue has workers make all transfers there") != std::string::npos);
}

void expect_of_a_block_device(const Json& report) {
    CHECK(report["kind"] == "block device");
    CHECK(report["file_system"]["type"].is_null());
    CHECK(report["writes_not_tried"].is_string());
    CHECK(report["accesses"].size() == 3);
    CHECK(!report["opcodes"].contains("write"));
    CHECK(!report["flags"]["direct"].contains("write"));
    CHECK(report["direct_io"]["learnt_from"] != "assumed");
}

TEST_CASE("a loop device: direct reads are asynchronous, and it is only read") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    auto device = attempt<DiskLoop>();
    if (!device) {
        SKIP_CASE(device.reason());
    }
    const Json report = probe_of(device->path());
    expect_of_a_block_device(report);
    CHECK(report["size"] == 400 * mebibyte);
    expect(report, true, "read", asynchronous, plain);
    expect(report, false, "read", blocks, {"nowait-first"});
    expect(report, false, "cached read", at_once, {"nowait-first"});
}

TEST_CASE("zram completes at once") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    auto zram = attempt<Zram>(16 * mebibyte);
    if (!zram) {
        SKIP_CASE(zram.reason());
    }
    const Json report = probe_of(zram->path());
    expect_of_a_block_device(report);
    CHECK(report["direct_io"]["offset_alignment"] == 4096);
    expect(report, true, "read", at_once, {"plain"});
}

} // namespace
} // namespace aioxx::test
