// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Files that kernel AIO does not know: a helper reads them by a call.

#include "descriptors.hpp"
#include "running_engine.hpp"

#include <filesystem>
#include <fstream>

#include <sys/inotify.h>
#include <sys/stat.h>

namespace aioxx::test {
namespace {

/// Whether a helper has reported something that the engine has not looked at.
bool is_anything_reported() {
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fdinfo"}) {
        std::ifstream file{entry.path()};
        std::string word;
        while (file >> word) {
            if (word == "eventfd-count:" && file >> word && word != "0") {
                return true;
            }
        }
    }
    return false;
}

TEST_CASE("what was read by a call is not lost to a cancel that comes after it") {
    RunningEngine engine;
    const File file = File::open("/proc/self/stat", O_RDONLY);
    Transfer read;
    engine.begin(read, Kind::read, file); // the first one finds out how it is to be done
    CHECK(engine.result_of(read) > 0);
    REQUIRE(
        eventually([&] { return engine.completed_now() == nullptr && !is_anything_reported(); }));
    engine.begin(read, Kind::read, file);
    REQUIRE(eventually(is_anything_reported));
    CHECK(engine->cancel(read) != engine::Cancelled::yes);
    CHECK(engine.next().result > 0);
    CHECK(read.text().starts_with(std::to_string(::getpid()) + " ("));
}

TEST_CASE("a read of inotify waits without a helper, and is really cancelled") {
    RunningEngine engine;
    const File file = File::adopt(::inotify_init1(IN_CLOEXEC));
    const ScratchDirectory directory;
    REQUIRE(::inotify_add_watch(file.fd(), directory.path().c_str(), IN_CREATE) >= 0);
    Transfer read;
    engine.begin(read, Kind::read, file);
    CHECK(engine.completed_now() == nullptr);
    CHECK(engine->statistics().offloaded == 0);
    CHECK(engine->cancel(read) == engine::Cancelled::yes);
    CHECK(engine.result_of(read) == -ECANCELED);

    engine.begin(read, Kind::read, file);
    const Descriptor made{::open(directory.path("file").c_str(), O_CREAT | O_CLOEXEC, 0600)};
    CHECK(engine.result_of(read) >= static_cast<std::int64_t>(sizeof(inotify_event)));
}

TEST_CASE("a call at the end of the file, and one behind it, are told apart from an error") {
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
