// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A queue under everything that a kernel may do, drawn from a seed.
#include "devices/block_devices.hpp"
#include "devices/new_file_system.hpp"
#include "model/closed_twice.hpp"
#include "model/driver.hpp"
#include "model/seeds.hpp"
#include "skip.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

using namespace aioxx::test;
using aioxx::Completion;
using aioxx::File;
using aioxx::Queue;
using aioxx::RwFlags;

namespace {

std::vector<std::string> run_on_model(std::uint64_t seed, bool threads) {
    Random random{seed * 2 + (threads ? 1 : 0)};
    Behaviour behaviour = Behaviour::drawn_from(random);
    behaviour.threads = threads;
    SimulatedKernel model{seed, behaviour};
    ScriptedKernel scripted{model};
    std::vector<std::string> failures;
    const unsigned closed_before = closed_twice();
    {
        Driver driver{seed, &model, behaviour, "."};
        driver.run();
        failures = driver.failures();
    }
    scripted.wait_until_closed();
    if (scripted.misuses() != 0) {
        failures.emplace_back("a call on a context that was not open");
    }
    if (closed_twice() != closed_before) {
        failures.emplace_back("a descriptor was closed twice");
    }
    return failures;
}

TEST_CASE("a queue keeps its contracts on a kernel that does anything") {
    for_seeds(500, [](std::uint64_t seed) { return run_on_model(seed, false); });
}

TEST_CASE("and with workers that enter it at the same time") {
    for_seeds(100, [](std::uint64_t seed) { return run_on_model(seed, true); });
}

TEST_CASE("what is posted while a queue waits ends its wait") {
    for (const unsigned again : {0U, 50U}) {
        Behaviour behaviour;
        behaviour.again = again;
        behaviour.interrupted = 0;
        SimulatedKernel model{1, behaviour};
        ScriptedKernel scripted{model};
        bool called = false;
        {
            Queue queue;
            // Or the script is not seen, and no simulated time passes.
            REQUIRE(queue.uses_kernel_aio());
            model.on_stuck([&] {
                return !called && (queue.post([&] { called = queue.cancel_all() == 1; }), true);
            });
            queue.sleep_for(std::chrono::hours{1}).start([](const Completion&) {});
            queue.run();
        }
        scripted.wait_until_closed();
        CHECK(called);
    }
}

/// What has to be submitted ends with EAGAIN, each once; what does not goes well.
void check_without_room(unsigned workers) {
    Behaviour behaviour;
    behaviour.again = 100;
    behaviour.failed = 0;
    behaviour.forgotten = 0; // there is no word from a call that does not return
    behaviour.threads = workers > 0;
    SimulatedKernel model{1, behaviour};
    ScriptedKernel scripted{model};
    const File file = File::open(".", O_TMPFILE | O_RDWR | O_DIRECT, 0600);
    model.add(file.fd(), {});
    alignas(4096) std::array<std::byte, 4096> bytes{};
    unsigned started = 0;
    unsigned ended = 0;
    const auto expecting = [&](const char* what, int error) {
        ++started;
        return [&ended, what, error](const Completion& done) {
            CAPTURE(what);
            CHECK(done.error().value() == error);
            ++ended;
        };
    };
    {
        Queue::Options options;
        options.workers = workers;
        Queue queue{options};
        // Or the script is not seen, and no simulated time passes.
        REQUIRE(queue.uses_kernel_aio());
        for (int i = 0; i < 5; ++i) {
            queue.read(file, bytes, 0).start(expecting("read", EAGAIN));
            // A worker makes plain calls; without one this thread submits.
            queue.write(file, bytes, 0)
                .with(RwFlags::append)
                .start(expecting("append", workers > 0 ? 0 : EAGAIN));
            queue.fsync(file).start(expecting("fsync", workers > 0 ? 0 : EAGAIN));
        }
        queue.sleep_for(std::chrono::milliseconds{1}).start(expecting("sleep", 0));
        queue.run();
        CHECK(ended == started);
        CHECK(queue.outstanding() == 0);
        CHECK(queue.statistics().in_flight == 0);
    }
    scripted.wait_until_closed();
}

TEST_CASE("where submit says EAGAIN without end, what needs it ends with that, and run() returns") {
    check_without_room(0);
    check_without_room(2);
}

void check_on_real_kernel(std::uint64_t seeds, const std::string& directory) {
    CAPTURE(directory);
    ::signal(SIGPIPE, SIG_IGN);
    for_seeds(seeds, [&directory](std::uint64_t seed) {
        Behaviour behaviour;
        behaviour.threads = true;
        behaviour.failed = 0;
        Driver driver{seed, nullptr, behaviour, directory};
        driver.run();
        return driver.failures();
    });
}

template <typename Device>
void check_on_device(long bytes, const char* type) {
    auto mounted = attempt<NewFileSystem<Device>>(type, bytes);
    if (!mounted) {
        SKIP_CASE(mounted.reason());
    }
    check_on_real_kernel(30, mounted->path());
}

TEST_CASE("and on the real kernel") {
    check_on_real_kernel(60, ".");
}

TEST_CASE("and on ext4, asynchronous and as fast as memory") {
    check_on_device<LoopDevice>(64 * mebibyte, "ext4");
}

TEST_CASE("and on XFS") {
    check_on_device<LoopDevice>(400 * mebibyte, "xfs");
}

TEST_CASE("and on btrfs") {
    check_on_device<LoopDevice>(200 * mebibyte, "btrfs");
}

TEST_CASE("and on a device that completes inside of submit, with sectors of 4096 bytes") {
    check_on_device<Zram>(64 * mebibyte, "ext4");
}

} // namespace
