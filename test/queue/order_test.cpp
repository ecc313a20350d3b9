// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

aioxx::File open_direct(const FuseServer& server, const char* name) {
    return aioxx::File::open(server.file(name).c_str(), O_RDWR | O_DIRECT);
}

} // namespace

TEST_CASE("a flush after_writes() begins when every write before it has ended") {
    SKIP_WITHOUT_KERNEL_AIO("writes of workers reach a server one by one");
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::AlignedBuffer buffer{4096, 4096};
    std::vector<std::string> order;
    const auto note = [&order](const char* what) {
        return [&order, what](const aioxx::Completion& done) {
            CHECK(done.result() >= 0);
            order.emplace_back(what);
        };
    };
    aioxx::Queue queue;
    const aioxx::File gated = open_direct(*server, "gate");
    server->close_gate();
    queue.write(gated, buffer, 0).start(note("first"));
    server->await_waiting(1); // workers are in no order
    queue.write(gated, buffer, 4096).start(note("second"));
    server->await_waiting(2);
    queue.fdatasync(gated).after_writes().start(note("flush"));
    queue.write(gated, buffer, 8192).start(note("third"));
    server->await_waiting(3); // the writes, and not the flush
    server->release_oldest();
    server->release_newest(); // the third, which the flush does not wait for
    while (order.size() < 2) {
        queue.run_once();
    }
    queue.run_ready();
    CHECK(order == std::vector<std::string>{"first", "third"});
    server->open_gate();
    queue.run();
    CHECK(order == std::vector<std::string>{"first", "third", "second", "flush"});
}

TEST_CASE("a flush that is not asked to wait passes by, and so does that of another file") {
    SKIP_WITHOUT_KERNEL_AIO("writes of workers reach a server one by one");
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{3};
    aioxx::Queue queue;
    const aioxx::File gated = open_direct(*server, "gate");
    const aioxx::File other = disk_file(O_RDWR);
    server->close_gate();
    queue.write(gated, buffer, 0).start(outcomes.at(0));
    queue.fdatasync(other).after_writes().start(outcomes.at(1));
    while (outcomes.all() < 1) {
        queue.run_once();
    }
    CHECK(outcomes[1] == 0);
    server->await_waiting(1); // a worker makes the call; a flush keeps later writes out
    queue.fdatasync(gated).start(outcomes.at(2));
    server->await_waiting(2); // the flush is there beside the write
    server->open_gate();
    queue.run();
    CHECK(outcomes.once_each());
}

TEST_CASE("a flush waits for the writes that wait themselves, and is cancelled like them") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{5};
    aioxx::Queue::Options options;
    options.depth = 1;
    aioxx::Queue queue{options};
    const aioxx::File gated = open_direct(*server, "gate");
    server->close_gate();
    queue.write(gated, buffer, 0).start(outcomes.at(0));
    queue.write(gated, buffer, 4096).start(outcomes.at(1)); // in the backlog
    queue.fsync(gated).after_writes().start(outcomes.at(2));
    const aioxx::OperationId cancelled = queue.fsync(gated).after_writes().start(outcomes.at(3));
    queue.fsync(gated).after_writes().start(outcomes.at(4));
    CHECK(queue.cancel(cancelled) == aioxx::Cancellation::cancelled);
    server->open_gate();
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[2] == 0);
    CHECK(outcomes[3] == -ECANCELED);
    CHECK(outcomes[4] == 0);
}

TEST_CASE("each of many flushes has its own result, an error as well") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{40};
    aioxx::Queue queue;
    const aioxx::File failing = open_direct(*server, "fsync-error-5");
    const aioxx::File good = open_direct(*server, "plain");
    for (std::size_t i = 0; i < 20; ++i) {
        queue.write(failing, buffer, 0).start([](auto&) {});
        queue.fsync(failing).after_writes().start(outcomes.at(i));
        queue.fdatasync(good).start(outcomes.at(20 + i));
    }
    queue.run();
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < 20; ++i) {
        CHECK(outcomes[i] == -EIO);
        CHECK(outcomes[20 + i] == 0);
    }
}

TEST_CASE("a flush after a write that fails begins all the same") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcomes{2};
    aioxx::Queue queue;
    const aioxx::File full = open_direct(*server, "write-error-28");
    queue.write(full, buffer, 0).start(outcomes.at(0));
    queue.fsync(full).after_writes().start(outcomes.at(1));
    queue.run();
    CHECK(outcomes[0] == -ENOSPC);
    CHECK(outcomes[1] == 0);
}

TEST_CASE("appends land in the order in which they were started") {
    const auto append_all = [](const aioxx::File& file, aioxx::RwFlags flags) {
        aioxx::Queue::Options options;
        options.depth = 8;
        aioxx::Queue queue{options};
        std::vector<std::string> lines;
        std::string all;
        for (unsigned i = 0; i < 500; ++i) {
            lines.push_back("line " + std::to_string(i) + std::string(i % 13, '.') + '\n');
            all += lines.back();
        }
        Outcomes outcomes{lines.size()};
        for (std::size_t i = 0; i < lines.size(); ++i) {
            queue.write_all(file, bytes_of(lines[i]), 0).with(flags).start(outcomes.at(i));
        }
        queue.run();
        CHECK(outcomes.once_each());
        CHECK(content_of(file) == all);
    };
    append_all(disk_file(O_RDWR | O_APPEND), aioxx::RwFlags::none);
    append_all(disk_file(O_RDWR), aioxx::RwFlags::append);
    append_all(disk_file(O_RDWR | O_APPEND, {}, "/dev/shm"), aioxx::RwFlags::none);
}

TEST_CASE("an append that is cancelled leaves the others in order") {
    const aioxx::File file = disk_file(O_RDWR | O_APPEND);
    Outcomes outcomes{6};
    aioxx::Queue queue;
    const std::string letters = "abcdef";
    queue.post([&] { // what is started in here is handed to workers afterwards
        std::vector<aioxx::OperationId> ids;
        for (std::size_t i = 0; i < 6; ++i) {
            ids.push_back(
                queue.write_all(file, bytes_of(letters).subspan(i, 1), 0).start(outcomes.at(i)));
        }
        CHECK(queue.cancel(ids[3]) == aioxx::Cancellation::cancelled);
    });
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[3] == -ECANCELED);
    CHECK(content_of(file) == "abcef");
}

TEST_CASE("what is written to a stream arrives in order") {
    for (const bool socket : {false, true}) {
        const Ends ends = socket ? make_sockets() : make_pipe();
        std::string all;
        std::vector<std::string> parts;
        for (unsigned i = 0; i < 200; ++i) {
            parts.emplace_back(1500, static_cast<char>('a' + i % 26));
            all += parts.back();
        }
        std::string got;
        std::vector<std::byte> buffer(all.size());
        aioxx::Queue queue;
        for (const std::string& part : parts) {
            queue.write_all(ends.writer, bytes_of(part), 0).start([](const auto& done) {
                CHECK(done.result() == 1500);
            });
        }
        queue.read_full(ends.reader, buffer, 0).start([&](const aioxx::Completion& done) {
            CHECK(done.result() == static_cast<std::int64_t>(all.size()));
        });
        queue.run();
        CHECK(text_of(buffer) == all);
    }
}
