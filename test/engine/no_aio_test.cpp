// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Files that kernel AIO does not know: a worker reads them by a call.

#include "descriptors.hpp"
#include "running_engine.hpp"

#include <array>
#include <chrono>

#include <sys/inotify.h>
#include <sys/stat.h>

namespace aioxx::test {
namespace {

TEST_CASE("what was read by a call is not lost to a cancel that comes after it") {
    RunningEngine engine;
    const File file = File::open("/proc/self/stat", O_RDONLY);
    Transfer read;
    engine.begin(read, Kind::read, file); // the first one finds out how it is to be done
    CHECK(engine.result_of(read) > 0);
    REQUIRE(eventually([&] { return engine.completed_now() == nullptr && !engine->has_events(); }));
    engine.begin(read, Kind::read, file);
    REQUIRE(eventually([&] { return engine->has_events(); }));
    CHECK(engine->cancel(read) != Cancellation::cancelled);
    CHECK(engine.next().result > 0);
    CHECK(read.text().starts_with(std::to_string(::getpid()) + " ("));
}

TEST_CASE("what a submit is refused goes to workers that run, in a pass that starts none as well") {
    RunningEngine engine{{.workers = {.idle = std::chrono::hours{1}}}};
    const File file = File::open("/proc/self/stat", O_RDONLY);
    std::array<Transfer, 2> reads;
    engine.start(reads[0], Kind::read, file);
    engine->flush_without_threads();
    CHECK(reads[0].state() == State::to_run); // refused, and there is no worker
    std::error_code error;
    engine->workers().start(error);
    REQUIRE(!error);
    const File other = File::open("/proc/self/stat", O_RDONLY);
    engine.start(reads[1], Kind::read, other);
    engine->flush_without_threads();
    for (const Transfer& read : reads) {
        CHECK(read.state() == State::worker);
    }
    CHECK(engine.next().result > 0);
    CHECK(engine.next().result > 0);
}

TEST_CASE("a read of inotify waits without a worker, and is really cancelled") {
    RunningEngine engine;
    const File file = File::adopt(::inotify_init1(IN_CLOEXEC));
    const ScratchDirectory directory;
    REQUIRE(::inotify_add_watch(file.fd(), directory.path().c_str(), IN_CREATE) >= 0);
    Transfer read;
    engine.begin(read, Kind::read, file);
    CHECK(engine.completed_now() == nullptr);
    CHECK(engine->statistics().offloaded == 0);
    CHECK(engine->cancel(read) == Cancellation::cancelled);
    CHECK(engine.result_of(read) == -ECANCELED);

    engine.begin(read, Kind::read, file);
    const Descriptor made{::open(directory.path("file").c_str(), O_CREAT | O_CLOEXEC, 0600)};
    CHECK(engine.result_of(read) >= static_cast<std::int64_t>(sizeof(inotify_event)));
}

TEST_CASE("a read at the end of a file without AIO, and one behind it, are no errors") {
    RunningEngine engine;
    const File file = File::open("/proc/self/stat", O_RDONLY);
    Transfer read;
    engine.begin(read, Kind::read, file, 1 << 20);
    CHECK(engine.result_of(read) == 0);
    CHECK(read.end_of_file);
    engine.begin(read, Kind::write, file);
    CHECK(engine.result_of(read) == -EBADF);
    engine.begin(read, Kind::read, file, -1);
    CHECK(engine.next().result == -EINVAL);
}

} // namespace
} // namespace aioxx::test
