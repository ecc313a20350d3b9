// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"

#include <aioxx/core/flags.hpp>
#include <aioxx/kernel/layout.hpp>

#include <set>

#include <sys/syscall.h>
#include <sys/uio.h>

// The command stands still before io_submit, and the test changes what it is about to submit.

using namespace aioxx::test;
using aioxx::Opcode;
using aioxx::kernel::IocbLayout;

namespace {

template <typename T>
T peek(pid_t pid, std::uintptr_t address) {
    T value{};
    const iovec here{&value, sizeof(T)};
    const iovec there{reinterpret_cast<void*>(address), sizeof(T)};
    REQUIRE(::process_vm_readv(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(sizeof(T)));
    return value;
}

template <typename T>
void poke(pid_t pid, std::uintptr_t address, T value) {
    const iovec here{&value, sizeof(T)};
    const iovec there{reinterpret_cast<void*>(address), sizeof(T)};
    REQUIRE(::process_vm_writev(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(sizeof(T)));
}

/// Runs `tool`, and `change` on each iocb of each batch, with its place in the batch.
Outcome with_changed_iocbs(const Tool& tool,
                           const std::function<void(IocbLayout&, std::size_t)>& change) {
    return tool.trace([&](const Stop& stop) {
        if (stop.number == SYS_io_submit) {
            for (std::size_t i = 0; i < stop.arguments[1]; ++i) {
                const auto array = static_cast<std::uintptr_t>(stop.arguments[2]);
                const auto address = peek<std::uintptr_t>(stop.pid, array + i * sizeof(void*));
                auto iocb = peek<IocbLayout>(stop.pid, address);
                change(iocb, i);
                poke(stop.pid, address, iocb);
            }
        }
        return Then::go_on;
    });
}

} // namespace

TEST_CASE("short reads and writes are carried on") {
    const Workspace here;
    const std::string source = here.file("source", 1'000'001);
    struct Way {
        const char* direct;
        std::uint64_t length; // of a transfer, when it has been cut short
    };
    for (const Way way : {Way{"--direct=auto", 4096}, Way{"--direct=never", 1237}}) {
        for (const Opcode opcode : {Opcode::read, Opcode::write}) {
            CAPTURE(way.direct);
            CAPTURE(static_cast<int>(opcode));
            unsigned cut = 0;
            const Tool tool{{"copy", "--verify", way.direct, "--block-size=16K", "--depth=4",
                             source, here / "target"}};
            const Outcome end = with_changed_iocbs(tool, [&](IocbLayout& iocb, std::size_t) {
                if (static_cast<Opcode>(iocb.opcode) == opcode && iocb.length > way.length) {
                    iocb.length = way.length;
                    ++cut;
                }
            });
            CAPTURE(end.errors);
            CHECK(end.status == 0);
            CHECK(cut > 100);
            CHECK(content_of(here / "target") == content_of(source));
        }
    }
}

TEST_CASE("a file that takes O_DIRECT and refuses a transfer is copied through the page cache") {
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    if (!takes_direct_io(source)) {
        SKIP_CASE("/var/tmp is on a file system without direct I/O");
    }
    for (const Opcode opcode : {Opcode::read, Opcode::write}) {
        for (const std::string direct : {"auto", "always"}) {
            CAPTURE(static_cast<int>(opcode));
            CAPTURE(direct);
            unsigned refused = 0;
            const Tool tool{{"copy", "--verify", "--direct=" + direct, "--block-size=4K",
                             "--depth=4", source, here / "target"}};
            const Outcome end = with_changed_iocbs(tool, [&](IocbLayout& iocb, std::size_t place) {
                if (static_cast<Opcode>(iocb.opcode) == opcode && refused == place && place < 2) {
                    iocb.offset += 1; // not aligned: EINVAL
                    ++refused;
                }
            });
            CAPTURE(end.errors);
            CHECK(refused > 0);
            if (direct == "auto") {
                CHECK(end.status == 0);
                CHECK(content_of(here / "target") == content_of(source));
                ::unlink((here / "target").c_str());
            } else {
                CHECK(end.status == 1);
                CHECK(end.is_one_line_with({"Invalid argument"}));
                CHECK(here.names() == std::vector<std::string>{"source"});
            }
        }
    }
}

TEST_CASE("a batch that is taken in part is submitted to its end") {
    const Workspace here;
    const std::string source = here.file("source", 100'000);
    const Tool tool{{"copy", "--block-size=4K", "--depth=8", source, here / "target"}};
    std::uintptr_t place = 0;
    std::uintptr_t iocb = 0;
    bool again = false;
    const Outcome end = tool.trace([&](const Stop& stop) {
        if (stop.number != SYS_io_submit) {
            return Then::go_on;
        }
        if (place == 0) { // the third is nowhere: two are taken
            place = static_cast<std::uintptr_t>(stop.arguments[2]) + 2 * sizeof(void*);
            iocb = peek<std::uintptr_t>(stop.pid, place);
            poke(stop.pid, place, std::uintptr_t{8});
            return Then::go_on;
        }
        again = stop.arguments[2] == place && stop.arguments[1] == 6;
        poke(stop.pid, place, iocb);
        return Then::let_go;
    });
    CHECK(again);
    CHECK(end.status == 0);
    CHECK(content_of(here / "target") == content_of(source));
}
