// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/block_devices.hpp"

#include <fstream>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

void write_text(const std::string& path, const std::string& text) {
    std::ofstream file{path};
    file << text << std::flush;
    if (!file) {
        throw std::runtime_error("cannot write '" + text + "' to " + path);
    }
}

std::string number_of(const std::string& device) {
    struct stat status {};
    if (::stat(device.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) {
        throw Missing(device + " is no block device");
    }
    return std::to_string(major(status.st_rdev)) + ':' + std::to_string(minor(status.st_rdev));
}

} // namespace

std::uint64_t sysfs_id(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// A tmpfs of Linux 6.1 knows no direct I/O: there the device copies its file's pages, in threads of
// its own and so asynchronously as well.
LoopDevice::LoopDevice(long bytes, unsigned sector_bytes)
    : memory_(bytes + mebibyte),
      made_("truncate -s " + std::to_string(bytes) + ' ' + backing_file() +
                " && what='--sector-size " + std::to_string(sector_bytes) + ' ' + backing_file() +
                "' && { losetup --find --show --direct-io=on $what 2>/dev/null ||"
                " losetup --find --show $what; }",
            "losetup -d \"$made\"") {}

// It is busy for a moment after its last user has gone.
Zram::Zram(long bytes)
    : made_("control=/sys/class/zram-control;"
            " [ -w $control/hot_add ] || { echo 'no zram, or not root'; exit 1; };"
            " number=$(cat $control/hot_add) && { echo " +
                std::to_string(bytes) +
                " > /sys/block/zram$number/disksize ||"
                " { echo $number > $control/hot_remove; exit 1; }; } && echo /dev/zram$number",
            "number=${made#/dev/zram}; for attempt in {1..50}; do"
            " if echo 1 > /sys/block/zram$number/reset &&"
            " echo $number > /sys/class/zram-control/hot_remove;"
            " then exit 0; fi 2>/dev/null; sleep 0.1; done; echo busy; exit 1") {}

void Zram::limit_memory(long bytes) {
    write_text("/sys/block/" + path().substr(5) + "/mem_limit", std::to_string(bytes));
}

Gate::Gate(const std::string& device)
    : device_number_(number_of(device)),
      cgroup_("root=/sys/fs/cgroup/blkio$(sed -n 's/^[0-9]*:blkio://p' /proc/$program/cgroup);"
              " root=${root%/};"
              " [ -w $root/blkio.throttle.read_bps_device ] ||"
              " { echo 'no cgroup v1 blkio throttling, or not root'; exit 1; };"
              " group=$(mktemp -d $root/aioxx-XXXXXX) || exit 1; echo $program > "
              "$group/cgroup.procs || { rmdir $group; exit 1; }; echo $group",
              "for limit in $made/blkio.throttle.{read,write}_{bps,iops}_device;"
              " do echo '" +
                  device_number_ +
                  " 0' > $limit; done; while read -r process; do"
                  " echo $process > ${made%/*}/cgroup.procs; done < $made/cgroup.procs;"
                  " rmdir $made") {}

void Gate::close() {
    set_limit(1);
}

void Gate::open() {
    set_limit(0);
}

// One byte a second holds a sector for more than an hour; one operation a second holds what has no
// bytes.
void Gate::set_limit(int limit) {
    for (const char* const direction : {"read", "write"}) {
        for (const char* const unit : {"bps", "iops"}) {
            write_text(cgroup_.output() + "/blkio.throttle." + direction + '_' + unit + "_device",
                       device_number_ + ' ' + std::to_string(limit));
        }
    }
}

} // namespace aioxx::test
