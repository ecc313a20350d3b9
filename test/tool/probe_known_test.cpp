// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What probe says of each file system, against what is known of it.

#include "devices/block_devices.hpp"
#include "devices/fuse_server.hpp"
#include "devices/mounts.hpp"
#include "probe_json.hpp"
#include "skip.hpp"

#include <filesystem>
#include <set>

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
    CHECK(verdicts.count(access["verdict"].get<std::string>()) == 1);
    CHECK(routes.count(access["queue"].get<std::string>()) == 1);
}

bool takes_nowait(const Json& report, bool direct, const char* name) {
    return access_of(report, name, direct)["nowait"]["taken"].get<bool>();
}

unsigned refusals(const Json& report, bool direct, const char* name) {
    return access_of(report, name, direct)["nowait"]["refusals_per_1000"].get<unsigned>();
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
    CHECK(refusals(report, true, "overwrite") < 100);
    CHECK(refusals(report, true, "append") > 900);
    CHECK(refusals(report, false, "read") > 900);
    CHECK(!takes_nowait(report, false, "overwrite"));
    CHECK(report["flags"]["direct"]["write"]["nowait"].is_null());
    CHECK(report["flags"]["buffered"]["write"]["nowait"] == "EOPNOTSUPP");
}

TEST_CASE("XFS: appends wait for the one before, NOWAIT for buffered writes") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Json report = probe_file_system("xfs");
    if (report.empty()) {
        return;
    }
    expect_of_a_disk(report, {"nowait-first"}, {"nowait-first"});
    expect(report, true, "overwrite", asynchronous, plain);
    // Each waits until none is in flight; the first of those finds nothing to wait for.
    expect(report, true, "append", {"blocks", "mostly asynchronous"},
           {"moved-to-workers", "moved-at-times"});
    expect(report, true, "fill of a hole", asynchronous, plain);
    CHECK(refusals(report, true, "append") > 900);
    CHECK(takes_nowait(report, false, "overwrite"));
}

TEST_CASE("btrfs: direct writes block, and NOWAIT refuses them all") {
    SKIP_WITHOUT_KERNEL_AIO("probe measures nothing else");
    const Json report = probe_file_system("btrfs");
    if (report.empty()) {
        return;
    }
    expect_of_a_disk(report, {"nowait-first"}, {"nowait-first"});
    for (const char* const name : {"overwrite", "append", "fill of a hole"}) {
        expect(report, true, name, blocks, moved);
        CHECK(refusals(report, true, name) > 900);
    }
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
