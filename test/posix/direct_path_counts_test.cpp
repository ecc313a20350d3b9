// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Which requests go by the DirectPath, seen from inside.

#include "engine/route_policy.hpp"

#include "descriptors.hpp"
#include "devices/block_devices.hpp"
#include "posix/calls.hpp"
#include "posix/process.hpp"
#include "skip.hpp"

#include <cerrno>
#include <memory>
#include <new>
#include <string>

#include <aio.h>
#include <doctest/doctest.h>
#include <fcntl.h>

namespace aioxx::test {
namespace {

using posix::ControlBlock;
using posix::Opcode;

constexpr std::size_t whole = 4096;
/// And the one that finds that all of them have passed.
constexpr int until_trusted = engine::RoutePolicy::watched_at_first + 1;

/// Whole transfers of a page, on a device that completes in submit and so never sleeps there.
class Transfers {
public:
    explicit Transfers(int fd)
        : memory_(static_cast<char*>(::operator new (whole, std::align_val_t{whole}))) {
        block.fd = fd;
        block.buffer = memory_;
        block.length = whole;
        block.notification.sigev_notify = SIGEV_NONE;
    }
    ~Transfers() { ::operator delete (memory_, std::align_val_t{whole}); }
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;

    static posix::DirectPath& path() { return posix::process::layer_if_any()->direct_path(); }
    /// How many of `requests` went by the DirectPath.
    std::uint64_t by_direct_path(int requests, Opcode opcode, bool returns) {
        const std::uint64_t before = count();
        for (int i = 0; i < requests; ++i) {
            REQUIRE(posix::transfer(block, opcode, 0) == 0);
            while (posix::error_of(block) == EINPROGRESS) {
            }
            REQUIRE(posix::error_of(block) == 0);
            CHECK((!returns || posix::return_of(block) == static_cast<ssize_t>(whole)));
        }
        return count() - before;
    }

    ControlBlock block{};

private:
    static std::uint64_t count() {
        posix::Layer* const layer = posix::process::layer_if_any();
        return layer != nullptr ? layer->direct_path().count() : 0;
    }

    char* memory_;
};

TEST_CASE("the first requests in a direction are watched, and the rest need no engine") {
    SKIP_WITHOUT_KERNEL_AIO("there is no direct path");
    auto zram = attempt<Zram>(1L << 20U);
    if (!zram) {
        SKIP_CASE(zram.reason());
    }
    const Descriptor device{::open(zram->path().c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    Transfers transfers{device};
    CHECK(transfers.by_direct_path(until_trusted, Opcode::read, true) == 0);
    CHECK(transfers.by_direct_path(500, Opcode::read, true) == 500);
    CHECK(transfers.by_direct_path(until_trusted, Opcode::write, true) == 0);
    CHECK(transfers.by_direct_path(500, Opcode::write, true) == 500);
    // More than there are records: the next use of the block drops the result of the last.
    CHECK(transfers.by_direct_path(2000, Opcode::read, false) == 2000);
    transfers.block.priority_decrease = 1;
    CHECK(transfers.by_direct_path(10, Opcode::read, true) == 0);
    transfers.block.priority_decrease = 0;
    CHECK(transfers.by_direct_path(10, Opcode::read, true) == 10);
    Transfers::path().begin_flush(device);
    CHECK(transfers.by_direct_path(10, Opcode::read, true) == 0);
    Transfers::path().end_flush(device);
    CHECK(transfers.by_direct_path(10, Opcode::read, true) == 10);
    REQUIRE(::fcntl(device, F_SETFL, O_DIRECT | O_NOATIME) == 0);
    CHECK(transfers.by_direct_path(until_trusted, Opcode::read, true) == 0);
    CHECK(transfers.by_direct_path(10, Opcode::read, true) == 10);
}

TEST_CASE(
    "what the engine sees to be another file is watched anew, though its flags are the same") {
    SKIP_WITHOUT_KERNEL_AIO("there is no direct path");
    auto zram = attempt<Zram>(1L << 20U);
    auto other = attempt<Zram>(1L << 20U);
    if (!zram || !other) {
        SKIP_CASE(zram ? other.reason() : zram.reason());
    }
    const Descriptor device{::open(zram->path().c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    const Descriptor second{::open(other->path().c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
    Transfers transfers{device};
    CHECK(transfers.by_direct_path(until_trusted, Opcode::read, true) == 0);
    REQUIRE(::dup2(second, device) >= 0);
    transfers.block.priority_decrease = 1; // goes by the engine
    CHECK(transfers.by_direct_path(1, Opcode::read, true) == 0);
    transfers.block.priority_decrease = 0;
    CHECK(transfers.by_direct_path(10, Opcode::read, true) == 0);
}

} // namespace
} // namespace aioxx::test
