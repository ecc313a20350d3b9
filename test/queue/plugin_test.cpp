// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Plugins that are unloaded after they have used a queue.

#include "child.hpp"
#include "descriptors.hpp"
#include "devices/fuse_server.hpp"
#include "skip.hpp"
#include "threads.hpp"

#include <cstring>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

template <typename Function>
Function* find(void* plugin, const char* name) {
    void* const address = ::dlsym(plugin, name);
    Function* function = nullptr;
    std::memcpy(&function, &address, sizeof(function));
    return function;
}

bool is_loaded(const char* plugin) {
    void* const found = ::dlopen(plugin, RTLD_NOW | RTLD_NOLOAD);
    return found != nullptr && ::dlclose(found) == 0;
}

/// Loads, uses and unloads `plugin`; 0 when all went well.
int use_often(const char* plugin, int file, int keep) {
    for (int round = 0; round < 100; ++round) {
        void* const loaded = ::dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
        if (loaded == nullptr) {
            return 1;
        }
        if (find<int(int, int)>(loaded, "use_queue")(file, keep) != 0) {
            return 2;
        }
        ::dlclose(loaded);
        if (is_loaded(plugin)) {
            return 3;
        }
    }
    return 0;
}

} // namespace

TEST_CASE("a plugin on the shared library is used and unloaded a hundred times") {
    SKIP_UNDER_TSAN("a plugin that is unloaded");
    const TemporaryFile file{std::string(std::size_t{1} << 20U, 'x')};
    for (const int keep : {0, 1}) {
        const ChildEnd end = run_in_child([&] { return use_often(PLUGIN_ON_SHARED, file, keep); });
        CHECK(end.signal == 0);
        CHECK(end.status == 0);
    }
}

TEST_CASE("a plugin with the library inside is used and unloaded a hundred times") {
    SKIP_UNDER_TSAN("a plugin that is unloaded");
    const TemporaryFile file{std::string(std::size_t{1} << 20U, 'x')};
    for (const int keep : {0, 1}) {
        const ChildEnd end = run_in_child([&] { return use_often(PLUGIN_ON_STATIC, file, keep); });
        CHECK(end.signal == 0);
        CHECK(end.status == 0);
    }
}

TEST_CASE("a plugin with the library inside stays while storage that hangs holds its memory") {
    SKIP_UNDER_TSAN("a plugin that is unloaded");
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    server->close_gate();
    const Descriptor file{::open(server->file("gate").c_str(), O_RDONLY | O_DIRECT)};
    static FuseServer* of_file = nullptr;
    of_file = &*server;
    const ChildEnd end = run_in_child([&] {
        void* const loaded = ::dlopen(PLUGIN_ON_STATIC, RTLD_NOW | RTLD_LOCAL);
        const auto await_read = [] { of_file->await_waiting(1); };
        if (loaded == nullptr ||
            find<int(int, void (*)())>(loaded, "abandon_read")(file, await_read) != 0) {
            return 1;
        }
        ::dlclose(loaded);
        if (!is_loaded(PLUGIN_ON_STATIC)) {
            return 2;
        }
        server->open_gate();
        while (count_threads() > 1) {
            ::sched_yield(); // ended by an alarm if it hangs
        }
        return 0;
    });
    server->open_gate();
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

} // namespace aioxx::test
