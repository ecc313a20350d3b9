// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/block_devices.hpp"
#include "devices/transfers.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace aioxx::test;

namespace {

std::string text_of(const std::string& path) {
    std::ifstream file{path};
    std::string text;
    std::getline(file, text);
    return text;
}

bool has_direct_io(const std::string& path) {
    std::error_code error;
    return aioxx::File::open(path.c_str(), O_RDONLY | O_DIRECT, 0, error).is_open();
}

std::string cgroups() {
    std::ifstream file{"/proc/self/cgroup"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

TEST_CASE("a loop device has the size and the sectors that were asked for, and goes") {
    std::string sysfs;
    std::uint64_t id = 0;
    for (const int sector : {512, 4096}) {
        auto disk = attempt<LoopDevice>(8 * mebibyte, sector);
        if (!disk) {
            SKIP_CASE(disk.reason());
        }
        sysfs = disk->sysfs();
        id = sysfs_id(sysfs);
        CHECK(id != 0);
        const aioxx::File file = aioxx::File::open(disk->path().c_str(), O_RDONLY);
        int found = 0;
        CHECK(::ioctl(file.fd(), BLKSSZGET, &found) == 0);
        CHECK(found == sector);
        CHECK(file.size() == 8 * mebibyte);
        const std::string direct = text_of(sysfs + "/dio");
        CHECK(direct == (has_direct_io(disk->backing_file()) ? "1" : "0"));
    }
    CHECK(sysfs_id(sysfs) != id);
}

TEST_CASE("a loop device fails where its file has been shortened") {
    auto disk = attempt<LoopDevice>(8 * mebibyte);
    if (!disk) {
        SKIP_CASE(disk.reason());
    }
    if (!has_direct_io(disk->backing_file())) {
        SKIP_CASE("tmpfs without direct I/O: a loop device reads zeros behind its file's end");
    }
    std::filesystem::resize_file(disk->backing_file(), mebibyte);
    const aioxx::File file = aioxx::File::open(disk->path().c_str(), O_RDONLY | O_DIRECT);
    CHECK(transfer(file, Direction::read, 0) == 4096);
    CHECK(transfer(file, Direction::read, 4 * mebibyte) == -EIO);
}

TEST_CASE("a zram device is of its own, and is gone afterwards") {
    std::string sysfs;
    std::uint64_t id = 0;
    {
        auto disk = attempt<Zram>(16 * mebibyte);
        if (!disk) {
            SKIP_CASE(disk.reason());
        }
        sysfs = "/sys/block/" + disk->path().substr(5);
        id = sysfs_id(sysfs);
        CHECK(id != 0);
        const aioxx::File file = aioxx::File::open(disk->path().c_str(), O_RDWR | O_DIRECT);
        CHECK(file.size() == 16 * mebibyte);
        CHECK(transfer(file, Direction::write, 4096) == 4096);
        CHECK(transfer(file, Direction::read, 4096) == 4096);
    }
    CHECK(sysfs_id(sysfs) != id);
}

TEST_CASE("a zram device fails above its memory limit") {
    auto disk = attempt<Zram>(64 * mebibyte);
    if (!disk) {
        SKIP_CASE(disk.reason());
    }
    disk->limit_memory(mebibyte);
    const aioxx::File file = aioxx::File::open(disk->path().c_str(), O_RDWR | O_DIRECT);
    aioxx::AlignedBuffer noise{4 * static_cast<std::size_t>(mebibyte), 4096};
    std::minstd_rand random;
    for (std::byte& byte : noise) {
        byte = static_cast<std::byte>(random());
    }
    CHECK(::pwrite(file.fd(), noise.data(), noise.size(), 0) <= mebibyte);
    CHECK(::pwrite(file.fd(), noise.data(), 4096, 8 * mebibyte) == -1);
    CHECK(errno == EIO);
}

TEST_CASE("nothing completes while a gate is closed, and everything once it is open") {
    for (const bool in_memory : {false, true}) {
        CAPTURE(in_memory);
        auto loop = attempt<LoopDevice>(8 * mebibyte);
        auto zram = attempt<Zram>(8 * mebibyte);
        if (!loop || !zram) {
            SKIP_CASE(loop ? zram.reason() : loop.reason());
        }
        const std::string& path = in_memory ? zram->path() : loop->path();
        const aioxx::File file = aioxx::File::open(path.c_str(), O_RDWR | O_DIRECT);
        Batch batch;
        auto gate = attempt<Gate>(path);
        if (!gate) {
            SKIP_CASE(gate.reason());
        }
        for (const Direction direction : {Direction::read, Direction::write}) {
            gate->close();
            batch.submit(file, direction);
            REQUIRE(batch.completed_within(std::chrono::milliseconds{1500}) == 0);
            gate->open();
            CHECK(batch.wait_for_all() == Batch::size);
        }
    }
}

TEST_CASE("a gate holds back one device, and leaves the process where it was") {
    const std::string before = cgroups();
    {
        auto held = attempt<LoopDevice>(8 * mebibyte);
        auto other = attempt<LoopDevice>(8 * mebibyte);
        if (!held || !other) {
            SKIP_CASE(held ? other.reason() : held.reason());
        }
        const aioxx::File file = aioxx::File::open(other->path().c_str(), O_RDWR | O_DIRECT);
        auto gate = attempt<Gate>(held->path());
        if (!gate) {
            SKIP_CASE(gate.reason());
        }
        gate->close();
        CHECK(transfer(file, Direction::read, 0) == 4096);
    }
    CHECK(cgroups() == before);
    CHECK(HostChange::failures() == 0);
}
