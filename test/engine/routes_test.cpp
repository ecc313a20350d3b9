// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// By which route operations go: workers where a submit blocks, and nowhere else.

#include "devices/block_devices.hpp"
#include "devices/mounts.hpp"
#include "devices/new_file_system.hpp"
#include "matrix.hpp"
#include "page_cache.hpp"
#include "skip.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

using Before = Matrix::Before;

Measured checked(Matrix& matrix, const char* what, const Measured& measured) {
    matrix.check(what, measured);
    return measured;
}

TEST_CASE("workers are not used on zram, where everything completes inside a submit") {
    auto zram = attempt<Zram>(16 * mebibyte);
    if (!zram) {
        SKIP_CASE(zram.reason());
    }
    Matrix matrix = Matrix::on_device("zram", zram->path());
    CHECK(
        checked(matrix, "direct read", matrix.read(O_DIRECT, Before::cold)).statistics.offloaded ==
        0);
    CHECK(checked(matrix, "direct overwrite", matrix.write(O_DIRECT, Before::cold))
              .statistics.offloaded == 0);
}

TEST_CASE("overlayfs refuses RWF_NOWAIT: workers are used where it is always asked for, only") {
    auto overlay = attempt<Overlay>();
    if (!overlay) {
        SKIP_CASE(overlay.reason());
    }
    Matrix matrix{"overlayfs", overlay->path()};
    for (const bool strict : {false, true}) {
        matrix.options.nowait_always = strict;
        const char* const suffix = strict ? ", strict" : "";
        const std::string reading = std::string{"direct read"} + suffix;
        const std::string writing = std::string{"direct overwrite"} + suffix;
        const Measured read = checked(matrix, reading.c_str(), matrix.read(O_DIRECT, Before::cold));
        const Measured written =
            checked(matrix, writing.c_str(), matrix.write(O_DIRECT, Before::cold));
        CHECK((read.statistics.offloaded > 0) == strict);
        CHECK((written.statistics.offloaded > 0) == strict);
        CHECK((read.statistics.nowait_refused > 0) == strict);
    }
}

void check_strict(const char* type) {
    auto mounted = attempt<NewFileSystem<>>(type);
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    Matrix matrix{type, mounted->path()};
    matrix.options.nowait_always = true;
    const auto tries = [&](const char* what, const Measured& measured) {
        return checked(matrix, what, measured).statistics.nowait_tries;
    };
    CHECK(tries("direct read, strict", matrix.read(O_DIRECT, Before::cold)) > 0);
    CHECK(tries("direct overwrite, strict", matrix.write(O_DIRECT, Before::cold)) > 0);
    CHECK(tries("direct extend, strict", matrix.write(O_DIRECT, Before::nothing)) > 0);
    CHECK(tries("direct hole, strict", matrix.write(O_DIRECT, Before::hole)) > 0);
}

TEST_CASE("strict mode tries everything with RWF_NOWAIT, and blocks nowhere on ext4") {
    check_strict("ext4");
}

TEST_CASE("strict mode tries everything with RWF_NOWAIT, and blocks nowhere on XFS") {
    check_strict("xfs");
}

TEST_CASE("strict mode tries everything with RWF_NOWAIT, and blocks nowhere on btrfs") {
    check_strict("btrfs");
}

/// The first block of `file` is in the page cache, and the next fifteen are not.
void cache_first_block(const File& file) {
    std::vector<std::byte> bytes(16 * block_size);
    REQUIRE(::pwrite(file.fd(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
    REQUIRE(forget_cached(file.fd()));
    REQUIRE(::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_RANDOM) == 0);
    REQUIRE(::pread(file.fd(), bytes.data(), block_size, 0) == static_cast<ssize_t>(block_size));
}

void check_not_cut_short(const File& file) {
    cache_first_block(file);
    std::vector<std::byte> bytes(16 * block_size);
    std::int64_t result = 0;
    Queue queue;
    queue.read(file, bytes, 0).start([&](const Completion& done) { result = done.result(); });
    queue.run();
    CHECK(result == static_cast<std::int64_t>(bytes.size()));
    CHECK(queue.statistics().nowait_tries >= 1);
}

TEST_CASE("a read does not end where the page cache does: a file, a block device") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("file");
    check_not_cut_short(File::open(path.c_str(), O_RDWR | O_CREAT));

    auto device = attempt<LoopDevice>(4 * mebibyte);
    if (!device) {
        SKIP_CASE(device.reason());
    }
    check_not_cut_short(File::open(device->path().c_str(), O_RDWR));
}

TEST_CASE("what kernel AIO does not know, files of /proc for one, is read by workers with a call") {
    const File file = File::open("/proc/self/stat", O_RDONLY);
    const std::string start = std::to_string(::getpid()) + " (";
    std::vector<std::array<std::byte, block_size>> buffers(in_flight_at_a_time);
    std::size_t right = 0;
    Load load{{}};
    load.run(block_count, [&](std::size_t, unsigned slot) {
        std::span<std::byte> buffer{buffers[slot]};
        load.counted([&] {
            load.queue().read(file, buffer, 0).start([&, slot, buffer](const Completion& done) {
                const std::string_view text{reinterpret_cast<const char*>(buffer.data()),
                                            done.bytes()};
                right += text.starts_with(start) ? 1U : 0U;
                load.free(slot);
            });
        });
    });
    Measured measured = load.measured();
    measured.data_right = right == block_count;
    Matrix{"/proc", {}}.check("read", measured);
    CHECK(measured.statistics.offloaded >= block_count); // some twice: io_submit knows it not
}

} // namespace
} // namespace aioxx::test
