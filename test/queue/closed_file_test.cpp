// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "descriptors.hpp"
#include "devices/fuse_server.hpp"
#include "page_cache.hpp"
#include "queue/files.hpp"
#include "record_lock.hpp"
#include "skip.hpp"

#include <memory>

#include <poll.h>
#include <sys/file.h>

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

/// Whether `fd` is a number in use.
bool is_taken(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

} // namespace

TEST_CASE("a number stays taken until the last read that waits for a slot has ended") {
    aioxx::Queue::Options options;
    options.depth = 1;
    aioxx::Queue queue{options};
    aioxx::File mine = disk_file(O_RDWR | O_DIRECT, std::string(64 * 4096, 'm'));
    const int number = mine.fd();
    std::vector<aioxx::AlignedBuffer> buffers;
    Outcomes outcomes{64};
    for (std::size_t i = 0; i < 64; ++i) {
        buffers.emplace_back(4096, 4096);
        queue.read(mine, buffers[i], static_cast<std::int64_t>(i) * 4096).start(outcomes.at(i));
    }
    CHECK((queue.statistics().backlog > 0 || !queue.uses_kernel_aio()));
    mine.close();
    CHECK(is_taken(number));
    queue.run();
    CHECK_FALSE(is_taken(number));
    CHECK(outcomes.once_each());
    for (std::size_t i = 0; i < 64; ++i) {
        CHECK(outcomes[i] == 4096);
        CHECK(text_of(buffers[i]) == std::string(4096, 'm'));
    }
}

TEST_CASE("a read that would block in its submit gets its own file") {
    aioxx::Queue queue;
    std::uint64_t offloaded = 0;
    for (unsigned round = 0; round < 50; ++round) {
        aioxx::File mine = disk_file(O_RDWR, std::string(4096, 'm'));
        REQUIRE(forget_cached(mine.fd()));
        const int number = mine.fd();
        aioxx::AlignedBuffer buffer{4096, 4096};
        Outcomes outcome{1};
        queue.read(mine, buffer, 0).start(outcome.at(0));
        const bool with_worker = queue.statistics().offloaded > offloaded; // else it was cached
        offloaded = queue.statistics().offloaded;
        mine.close(); // a worker has it, or its result is not yet seen
        CHECK(is_taken(number) == with_worker);
        queue.run();
        CHECK_FALSE(is_taken(number));
        REQUIRE(outcome[0] == 4096);
        REQUIRE(text_of(buffer) == std::string(4096, 'm'));
    }
    CHECK(offloaded > 0);
}

TEST_CASE("an exact read that is cut short carries on in its own file") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::Queue queue;
    aioxx::File mine =
        aioxx::File::open(server->file("gate.short-1024").c_str(), O_RDWR | O_DIRECT);
    const int number = mine.fd();
    server->close_gate();
    aioxx::AlignedBuffer buffer{4096, 4096};
    Outcomes outcome{1};
    queue.read_full(mine, buffer, 0).start(outcome.at(0));
    server->await_waiting(1);
    mine.close();
    CHECK(is_taken(number));
    server->open_gate();
    queue.run();
    CHECK_FALSE(is_taken(number));
    CHECK(outcome[0] == 4096);
    CHECK(buffer.data()[4095] == std::byte{7}); // the server's, told by its offset
}

TEST_CASE("a read that waits for its stream keeps it, and its number, until it has ended") {
    aioxx::Queue queue;
    Ends mine = make_pipe();
    const int number = mine.reader.fd();
    aioxx::AlignedBuffer buffer{64, 64};
    std::string got;
    queue.read(mine.reader, buffer, 0).start([&](const aioxx::Completion& done) {
        got = text_of(buffer.first(done.bytes()));
    });
    queue.run_ready();
    mine.reader.close();
    CHECK(is_taken(number));
    mine.fill("mine");
    queue.run();
    CHECK_FALSE(is_taken(number));
    CHECK(got == "mine");
}

TEST_CASE("a poll that waits with many others keeps its file, and can be cancelled") {
    aioxx::Queue::Options options;
    options.depth = 1;
    aioxx::Queue queue{options};
    Ends mine = make_pipe();
    Outcomes outcomes{20};
    std::vector<aioxx::OperationId> ids;
    for (std::size_t i = 0; i < 20; ++i) {
        ids.push_back(queue.poll(mine.reader, POLLIN).start(outcomes.at(i)));
    }
    queue.run_ready();
    mine.reader.close();
    queue.run_ready();
    mine.fill("x");
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(outcomes[19] == POLLIN);
}

TEST_CASE("closing a file costs the process none of its record locks, and no low descriptor") {
    aioxx::Queue queue;
    const aioxx::File locked = disk_file(O_RDWR, std::string(64 * 4096, 'x'));
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    REQUIRE(::fcntl(locked.fd(), F_SETLK, &lock) == 0);
    REQUIRE(is_locked(locked.fd()));
    REQUIRE(forget_cached(locked.fd()));
    const int lowest = lowest_free_descriptor();
    std::vector<aioxx::AlignedBuffer> buffers;
    Outcomes outcomes{65};
    queue.fsync(locked).start(outcomes.at(64)); // by a worker, whatever is cached
    for (std::size_t i = 0; i < 64; ++i) {
        buffers.emplace_back(4096, 4096);
        queue.read(locked, buffers[i], static_cast<std::int64_t>(63 - i) * 4096)
            .start(outcomes.at(i));
    }
    CHECK(lowest_free_descriptor() <= lowest); // queues of before give theirs back meanwhile
    queue.run();
    CHECK(lowest_free_descriptor() <= lowest); // queues of before give theirs back meanwhile
    CHECK(outcomes.once_each());
    CHECK(queue.statistics().offloaded > 0);
    CHECK(is_locked(locked.fd()));
}

TEST_CASE("the reader of a pipe sees its end when the writer was closed and has written") {
    aioxx::Queue queue;
    Ends pipe = make_pipe();
    const std::string text(200'000, 'x'); // more than a pipe holds
    queue.write_all(pipe.writer, bytes_of(text), 0).start([](const aioxx::Completion& done) {
        CHECK(done.result() == 200'000);
    });
    queue.run_ready();
    pipe.writer.close();
    std::string got;
    std::vector<std::byte> buffer(65536);
    bool end = false;
    struct Reader {
        aioxx::Queue* queue;
        const aioxx::File* reader;
        std::vector<std::byte>* buffer;
        std::string* got;
        bool* end;
        void operator()(const aioxx::Completion& done) const {
            got->append(text_of({buffer->data(), done.bytes()}));
            *end = done.end_of_file();
            if (!*end) {
                queue->read(*reader, *buffer, 0).start(*this);
            }
        }
    };
    queue.read(pipe.reader, buffer, 0).start(Reader{&queue, &pipe.reader, &buffer, &got, &end});
    queue.run();
    CHECK(end);
    CHECK(got == text);
}

TEST_CASE("a file is closed after its queue, and before the queue's end") {
    const aioxx::File kept = disk_file(O_RDWR, "content");
    for (unsigned i = 0; i < 20; ++i) {
        aioxx::File file = disk_file(O_RDWR, "content");
        aioxx::AlignedBuffer buffer{4096, 4096};
        {
            aioxx::Queue queue;
            queue.read(file, buffer, 0).start([](auto&) {});
            queue.read(kept, buffer, 0).start([](auto&) {});
        } // the rest of it ends in the background, while the file is closed
        file.close();
    }
    CHECK(kept.is_open());
}
