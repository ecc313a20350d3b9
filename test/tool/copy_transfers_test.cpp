// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"
#include "submitted.hpp"

// The command stands still before io_submit, and the test changes what it is about to submit.

using namespace aioxx::test;
using aioxx::Opcode;

namespace {

/// Runs `tool`, and `change` on each iocb that it submits.
Outcome with_changed_iocbs(const Tool& tool, const std::function<void(IocbLayout&)>& change) {
    return tool.trace([&](const Stop& stop) {
        for (const auto& [address, submitted] : iocbs_of(stop)) {
            IocbLayout iocb = submitted;
            change(iocb);
            poke(stop.pid, address, iocb);
        }
        return Then::go_on;
    });
}

/// Makes the transfers in one direction that begin here shorter; how many.
unsigned cut_short(const Stop& stop, Opcode opcode, std::uint64_t length) {
    unsigned cut = 0;
    for (auto [address, iocb] : iocbs_of(stop)) {
        if (static_cast<Opcode>(iocb.opcode) == opcode && iocb.length > length) {
            iocb.length = length;
            poke(stop.pid, address, iocb);
            ++cut;
        }
    }
    auto call = plain_transfer_of(stop);
    if (call && call->write == (opcode == Opcode::write) && call->part.iov_len > length) {
        call->part.iov_len = static_cast<std::size_t>(length);
        poke(stop.pid, call->address, call->part);
        ++cut;
    }
    return cut;
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
            Tool tool{{"copy", "--verify", way.direct, "--block-size=16K", "--depth=4", source,
                       here / "target"}};
            tool.before_exec = refuse_threads; // all is submitted where the test looks on
            const Outcome end = tool.trace([&](const Stop& stop) {
                cut += cut_short(stop, opcode, way.length);
                return Then::go_on;
            });
            CAPTURE(end.errors);
            CHECK(end.status == 0);
            CHECK(cut > 100);
            CHECK(content_of(here / "target") == content_of(source));
        }
    }
}

TEST_CASE("a file that takes O_DIRECT and refuses a transfer is copied through the page cache") {
    SKIP_WITHOUT_KERNEL_AIO("io_submit is what refuses");
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
            // Two reads are submitted before the answer to the first is there.
            const unsigned count = opcode == Opcode::read ? 2 : 1;
            const Outcome end = with_changed_iocbs(tool, [&](IocbLayout& iocb) {
                if (static_cast<Opcode>(iocb.opcode) == opcode && refused < count) {
                    iocb.offset += 1; // not aligned: EINVAL
                    ++refused;
                }
            });
            CAPTURE(end.errors);
            CHECK(refused == count);
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
