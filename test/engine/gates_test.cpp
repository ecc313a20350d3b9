// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Storage that does not answer holds up what is on it, and not the thread that asks.

#include "devices/block_devices.hpp"
#include "devices/fuse_server.hpp"
#include "devices/mounts.hpp"
#include "devices/new_file_system.hpp"
#include "matrix.hpp"
#include "page_cache.hpp"
#include "skip.hpp"
#include "watchdog.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

constexpr std::size_t count = 40; // more than there are workers

struct Blocks {
    Blocks() {
        for (AlignedBuffer& buffer : buffers) {
            buffer = AlignedBuffer{block_size, block_size};
        }
    }
    /// As the gated files hold them.
    void fill(std::byte value) {
        for (AlignedBuffer& buffer : buffers) {
            std::ranges::fill(std::span<std::byte>{buffer}, value);
        }
    }
    [[nodiscard]] bool all(std::byte value) const {
        return std::ranges::all_of(buffers, [value](const AlignedBuffer& buffer) {
            return std::ranges::all_of(std::span<const std::byte>{buffer},
                                       [value](std::byte byte) { return byte == value; });
        });
    }

    std::array<AlignedBuffer, count> buffers;
};

/// Operations on storage that does not answer, and on a pipe, which does.
class Behind {
public:
    explicit Behind(const Queue::Options& options = {}) : queue_(options) {}

    auto ending() {
        return [this](const Completion& done) { whole_ += done.bytes() == block_size ? 1U : 0U; };
    }

    void read(const File& file, Blocks& blocks) {
        for (std::size_t i = 0; i < count; ++i) {
            queue_.read(file, std::span<std::byte>{blocks.buffers[i]}, offset(i)).start(ending());
        }
    }
    void write(const File& file, const Blocks& blocks, std::size_t first = 0) {
        for (std::size_t i = 0; i < count; ++i) {
            queue_.write(file, std::span<const std::byte>{blocks.buffers[i]}, offset(first + i))
                .start(ending());
        }
    }
    void append(const File& file, const Blocks& blocks) {
        for (std::size_t i = 0; i < count; ++i) {
            queue_.write(file, std::span<const std::byte>{blocks.buffers[i]}, 0)
                .with(RwFlags::append)
                .start(ending());
        }
    }
    /// What does not wait for the storage goes on: a byte goes through a pipe.
    void use_pipe() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        const File reader = File::adopt(ends[0]);
        const File writer = File::adopt(ends[1]);
        std::array<std::byte, 1> in{};
        const std::array<std::byte, 1> out{std::byte{7}};
        bool done = false;
        queue_.read(reader, in, 0).start([&done](const Completion&) { done = true; });
        queue_.write(writer, out, 0).start([](const Completion&) {});
        while (!done) {
            queue_.run_once();
        }
        CHECK(in == out);
    }
    [[nodiscard]] std::size_t whole() const { return whole_; }
    Queue& queue() { return queue_; }

private:
    static std::int64_t offset(std::size_t index) {
        return static_cast<std::int64_t>(index * block_size);
    }

    std::size_t whole_ = 0;
    Queue queue_;
};

/// Runs `begin` while the gate is closed, and the rest when it is open again.
template <typename Begin>
void check_gated(Behind& behind, std::size_t operations, std::function<void()> open_gate,
                 Begin&& begin) {
    Watchdog watchdog{std::move(open_gate)};
    begin();
    behind.use_pipe();
    CHECK(behind.whole() == 0); // the gate was closed indeed
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    behind.queue().run();
    CHECK(behind.whole() == operations);
}

TEST_CASE("a FUSE server that is stopped holds up reads of its files, and not the thread") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const File buffered = File::open(server->file("buffered").c_str(), O_RDONLY);
    const File direct = File::open(server->file("direct").c_str(), O_RDONLY | O_DIRECT);
    Blocks one;
    Blocks other;
    Behind behind;
    server->stop();
    check_gated(
        behind, 2 * count, [&] { server->resume(); },
        [&] {
            behind.read(buffered, one);
            behind.read(direct, other);
        });
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(std::ranges::equal(std::span<const std::byte>{one.buffers[i]},
                                 std::span<const std::byte>{other.buffers[i]}));
    }
    CHECK(one.buffers[1].data()[0] == std::byte{block_size / 512});
}

TEST_CASE("a FUSE server that is stopped holds up writes, and not the thread") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const File buffered = File::open(server->file("buffered").c_str(), O_RDWR);
    const File direct = File::open(server->file("direct").c_str(), O_RDWR | O_DIRECT);
    Blocks blocks;
    blocks.fill(std::byte{0x5a});
    Behind behind;
    server->stop();
    check_gated(
        behind, 2 * count, [&] { server->resume(); },
        [&] {
            behind.write(buffered, blocks);
            behind.write(direct, blocks);
        });
    Blocks back;
    Behind after;
    after.read(direct, back);
    after.queue().run();
    CHECK(back.all(std::byte{0x5a}));
}

TEST_CASE(
    "a FUSE server that is stopped, and asked for attributes first, does not hold the thread") {
    for (const bool nowait_always : {false, true}) {
        CAPTURE(nowait_always);
        auto server = attempt<FuseServer>(1024U, false, true);
        if (!server) {
            SKIP_CASE(server.reason());
        }
        const File buffered = File::open(server->file("buffered").c_str(), O_RDWR);
        const File direct = File::open(server->file("direct").c_str(), O_RDWR | O_DIRECT);
        Blocks one;
        Blocks other;
        Behind behind{{.nowait_always = nowait_always}};
        server->stop();
        check_gated(
            behind, 4 * count, [&] { server->resume(); },
            [&] {
                behind.read(direct, one);
                behind.read(buffered, other);
                behind.write(direct, one, count);
                behind.write(buffered, other, count);
                behind.queue().fsync(direct).start([](const Completion&) {});
            });
    }
}

TEST_CASE("reads that a FUSE server has no room for wait, and not the thread") {
    auto server = attempt<FuseServer>(12U);
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const File direct = File::open(server->file("direct").c_str(), O_RDONLY | O_DIRECT);
    Blocks blocks;
    Behind behind;
    server->stop();
    check_gated(
        behind, count, [&] { server->resume(); }, [&] { behind.read(direct, blocks); });
}

TEST_CASE("where a FUSE server cuts a read short it is not asked whether the file ends there") {
    auto server = attempt<FuseServer>(1024U, false, true);
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const File direct = File::open(server->file("gate.short-2048").c_str(), O_RDONLY | O_DIRECT);
    AlignedBuffer buffer{block_size, block_size};
    Queue queue{{.use_event_fd = true}};
    std::size_t bytes = 0;
    server->close_gate();
    queue.read_full(direct, std::span<std::byte>{buffer}, 0).start([&](const Completion& done) {
        bytes = done.bytes();
    });
    server->await_waiting(1);
    server->release_oldest(); // half of it
    pollfd completed{queue.event_fd(), POLLIN, 0};
    REQUIRE(::poll(&completed, 1, 30'000) == 1);
    server->stop();
    Watchdog watchdog{[&] { server->resume(); }};
    queue.run_ready();
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    server->open_gate();
    queue.run();
    CHECK(bytes == block_size);
}

TEST_CASE("while another file's server is stopped, workers come and do their work") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const File hung = File::open(server->file("hung").c_str(), O_RDWR);
    const TemporaryDirectory directory;
    const File file = File::open(directory.file("file").c_str(), O_RDWR | O_CREAT);
    Blocks blocks;
    blocks.fill(std::byte{0x33});
    Behind behind;
    server->stop();
    Watchdog watchdog{[&] { server->resume(); }};
    behind.append(file, blocks); // the first worker of this queue begins here
    behind.queue().run();
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    CHECK(behind.whole() == count);
    Blocks back;
    Behind after;
    after.read(file, back);
    after.queue().run();
    CHECK(back.all(std::byte{0x33}));
}

void check_gated_device(const char* type) {
    auto mounted = attempt<NewFileSystem<>>(type);
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    // One for each: btrfs reads buffered, and waits, where there are pages of another file.
    std::array<File, 2> files;
    Blocks blocks;
    blocks.fill(std::byte{0x77});
    for (const int flags : {0, O_DIRECT}) {
        const std::string path = mounted->file(flags == 0 ? "buffered" : "direct");
        const File written = File::open(path.c_str(), O_RDWR | O_CREAT);
        Behind before;
        before.write(written, blocks);
        before.queue().run();
        REQUIRE(forget_cached(written.fd()));
        files[flags == 0 ? 0 : 1] = File::open(path.c_str(), O_RDONLY | flags);
    }
    const File& buffered = files[0];
    const File& direct = files[1];
    Blocks one;
    Blocks other;
    other.fill(std::byte{0}); // btrfs also reads buffered into memory that was never touched
    // What says where the blocks are is in memory then.
    REQUIRE(::pread(direct.fd(), one.buffers[0].data(), block_size, 0) ==
            static_cast<ssize_t>(block_size));
    Behind behind;
    auto gate = attempt<Gate>(mounted->device());
    if (!gate) {
        SKIP_CASE(gate.reason());
    }
    gate->close();
    check_gated(
        behind, 2 * count, [&] { gate->open(); },
        [&] {
            behind.read(buffered, one);
            behind.read(direct, other);
        });
    CHECK(one.all(std::byte{0x77}));
    CHECK(other.all(std::byte{0x77}));
}

TEST_CASE("a device that does not answer holds up reads on ext4, and not the thread") {
    check_gated_device("ext4");
}

TEST_CASE("a device that does not answer holds up reads on XFS, and not the thread") {
    check_gated_device("xfs");
}

TEST_CASE("a device that does not answer holds up reads on btrfs, and not the thread") {
    check_gated_device("btrfs");
}

TEST_CASE("a device that falls silent with all slots does not hold up reads of another disk") {
    auto mounted = attempt<NewFileSystem<>>("ext4");
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    const std::string path = mounted->file("silent");
    const File silent = File::open(path.c_str(), O_RDWR | O_CREAT | O_DIRECT);
    const TemporaryDirectory directory;
    const File disk = File::open(directory.file("file").c_str(), O_RDWR | O_CREAT | O_DIRECT);
    Blocks blocks;
    blocks.fill(std::byte{0x11});
    for (const File* const file : {&silent, &disk}) {
        Behind before;
        before.write(*file, blocks);
        before.queue().run();
        REQUIRE(before.whole() == count);
    }
    Behind behind{{.depth = 4}};
    auto gate = attempt<Gate>(mounted->device());
    if (!gate) {
        SKIP_CASE(gate.reason());
    }
    gate->close();
    Watchdog watchdog{[&] { gate->open(); }};
    Blocks never;
    behind.read(silent, never);
    Blocks back;
    std::size_t read = 0;
    for (std::size_t i = 0; i < count; ++i) {
        behind.queue()
            .read(disk, std::span<std::byte>{back.buffers[i]},
                  static_cast<std::int64_t>(i * block_size))
            .start(
                [&read](const Completion& done) { read += done.bytes() == block_size ? 1U : 0U; });
    }
    while (read < count) {
        behind.queue().run_once();
    }
    CHECK(behind.whole() == 0);
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    behind.queue().run();
    CHECK(behind.whole() == count);
    CHECK(back.all(std::byte{0x11}));
    CHECK(never.all(std::byte{0x11}));
}

/// Frozen, as for a snapshot; thawed in any case.
class Frozen {
public:
    explicit Frozen(const std::string& path) : fd_(File::open(path.c_str(), O_RDONLY)) {
        REQUIRE(::ioctl(fd_.fd(), FIFREEZE, 0) == 0);
    }
    ~Frozen() { thaw(); }
    Frozen(const Frozen&) = delete;
    Frozen& operator=(const Frozen&) = delete;

    void thaw() {
        if (frozen_.exchange(false)) {
            ::ioctl(fd_.fd(), FITHAW, 0);
        }
    }

private:
    File fd_;
    std::atomic<bool> frozen_{true};
};

void check_frozen(const char* type) {
    auto mounted = attempt<NewFileSystem<>>(type);
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    const File file = File::open(mounted->file("file").c_str(), O_RDWR | O_CREAT);
    Blocks blocks;
    blocks.fill(std::byte{0x11});
    Behind behind;
    Frozen frozen{mounted->path()};
    check_gated(
        behind, count, [&] { frozen.thaw(); }, [&] { behind.append(file, blocks); });
    Blocks back;
    Behind after;
    after.read(file, back);
    after.queue().run();
    CHECK(back.all(std::byte{0x11}));
}

TEST_CASE("a frozen file system holds up appends on ext4, and not the thread") {
    check_frozen("ext4");
}

TEST_CASE("a frozen file system holds up appends on XFS, and not the thread") {
    check_frozen("xfs");
}

TEST_CASE("a frozen file system holds up appends on btrfs, and not the thread") {
    check_frozen("btrfs");
}

/// Until `done`, in the queue's own loop or in one that polls its descriptor.
void run_until(Queue& queue, bool polls, const bool& done) {
    while (!done) {
        if (polls) {
            pollfd readable{queue.event_fd(), POLLIN, 0};
            ::poll(&readable, 1, -1);
            queue.run_ready();
        } else {
            queue.run_once();
        }
    }
}

/// All workers are in calls on a file system that answers no more before others ask for one.
void check_silent(const Queue::Options& options) {
    auto mounted = attempt<NewFileSystem<>>("ext4");
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    constexpr std::size_t files = 20; // more than there are workers
    std::array<File, files> frozen_files;
    for (std::size_t i = 0; i < files; ++i) {
        frozen_files[i] =
            File::open(mounted->file(std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_APPEND);
    }
    const TemporaryDirectory directory;
    const File file = File::open(directory.file("file").c_str(), O_WRONLY | O_CREAT | O_APPEND);
    const std::array<std::byte, 6> text{};
    std::size_t written = 0;
    bool done = false;
    Queue queue{options};
    Frozen frozen{mounted->path()};
    Watchdog watchdog{[&] { frozen.thaw(); }};
    for (const File& each : frozen_files) {
        queue.write(each, std::span{text}, 0).start([&](const Completion& end) {
            written += end.bytes();
        });
    }
    queue.write(file, std::span{text}, 0).start([&](const Completion&) { done = true; });
    run_until(queue, options.use_event_fd, done);
    CHECK(written == 0);
    CHECK(queue.statistics().in_flight == 0);
    watchdog.came_back();
    CHECK_FALSE(watchdog.opened_by_force());
    queue.run();
    CHECK(written == files * text.size());
}

TEST_CASE("a file system that hangs holds all workers for little more than a second") {
    check_silent({});
}

TEST_CASE("the same in an event loop") {
    check_silent({.use_event_fd = true});
}

TEST_CASE("the same where the only worker of a queue is held") {
    check_silent({.workers = 1});
    check_silent({.workers = 1, .use_event_fd = true});
}

} // namespace
} // namespace aioxx::test
