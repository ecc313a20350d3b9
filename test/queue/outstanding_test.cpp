// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"
#include "engine/monotonic.hpp"
#include "queue/files.hpp"
#include "queue/outstanding.hpp"
#include "skip.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <optional>
#include <vector>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::OperationPlace;
using aioxx::OutstandingOperation;
using aioxx::engine::Kind;
using aioxx::engine::monotonic_tick;
using aioxx::engine::State;
namespace mark = aioxx::queue::mark;

namespace {

constexpr auto ignore = [](const aioxx::Completion&) {};

std::vector<OutstandingOperation> list(const aioxx::Queue& queue) {
    std::vector<OutstandingOperation> all(1000);
    all.resize(queue.list_outstanding(all));
    return all;
}

std::optional<OutstandingOperation> find(const aioxx::Queue& queue, aioxx::OperationId id) {
    for (const OutstandingOperation& one : list(queue)) {
        if (one.id == id) {
            return one;
        }
    }
    return std::nullopt;
}

std::optional<OperationPlace> place_of(const aioxx::Queue& queue, aioxx::OperationId id) {
    const std::optional<OutstandingOperation> found = find(queue, id);
    return found ? std::optional{found->place} : std::nullopt;
}

std::size_t count_at(const aioxx::Queue& queue, OperationPlace place) {
    const std::vector<OutstandingOperation> all = list(queue);
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [place](const auto& one) { return one.place == place; }));
}

} // namespace

TEST_CASE("where an operation is follows from its state, its kind and its marks") {
    struct Row {
        State state;
        Kind kind;
        std::uint8_t marks;
        std::optional<OperationPlace> place;
    };
    constexpr std::uint8_t none = 0;
    constexpr std::array rows{
        Row{State::idle, Kind::read, none, std::nullopt},
        Row{State::ordered, Kind::read, none, OperationPlace::order},
        Row{State::backlog, Kind::write, none, OperationPlace::backlog},
        Row{State::to_call, Kind::read, none, OperationPlace::next_pass},
        Row{State::to_submit, Kind::read, none, OperationPlace::next_pass},
        Row{State::to_probe, Kind::read, none, OperationPlace::next_pass},
        Row{State::kernel, Kind::readv, none, OperationPlace::kernel},
        Row{State::to_run, Kind::fsync, none, OperationPlace::worker},
        Row{State::worker, Kind::fsync, none, OperationPlace::worker},
        Row{State::to_watch, Kind::read, none, OperationPlace::readiness},
        Row{State::watched, Kind::poll, none, OperationPlace::readiness},
        Row{State::completed, Kind::read, none, OperationPlace::completed},
        Row{State::ordered, Kind::sleep, none, OperationPlace::timer},
        Row{State::ordered, Kind::capacity, none, OperationPlace::queue},
        Row{State::ordered, Kind::quarantine, none, OperationPlace::queue},
        Row{State::completed, Kind::sleep, none, OperationPlace::completed},
        Row{State::idle, Kind::sleep, none, std::nullopt},
        Row{State::kernel, Kind::read, mark::copied, OperationPlace::kernel},
        Row{State::kernel, Kind::poll, mark::own, std::nullopt},
        Row{State::kernel, Kind::read, mark::given_up, OperationPlace::quarantine},
        Row{State::worker, Kind::write, mark::given_up | mark::told, OperationPlace::quarantine},
        Row{State::worker, Kind::write, mark::given_up | mark::telling, OperationPlace::quarantine},
        Row{State::idle, Kind::read, mark::given_up | mark::ended, OperationPlace::completed},
        Row{State::idle, Kind::read, mark::given_up | mark::ended | mark::told, std::nullopt},
        Row{State::idle, Kind::read, mark::given_up | mark::ended | mark::telling, std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(static_cast<int>(row.state));
        CAPTURE(static_cast<int>(row.kind));
        CAPTURE(static_cast<int>(row.marks));
        CHECK(aioxx::queue::place_of(row.state, row.kind, row.marks) == row.place);
    }
}

TEST_CASE("what waits is listed with its kind, descriptor, offset, bytes and place") {
    aioxx::Queue::Options options;
    options.limit = 6;
    aioxx::Queue queue{options};
    const Ends pipe = make_pipe();
    const Ends other = make_pipe();
    std::array<std::byte, 10> bytes{};
    std::array<iovec, 2> parts{iovec{bytes.data(), 4}, iovec{bytes.data() + 4, 5}};
    CHECK(list(queue).empty());
    const auto first = queue.read(pipe.reader, bytes, 0).start(ignore);
    const auto second = queue.readv(pipe.reader, parts, 0).start(ignore);
    const auto third = queue.readv(pipe.reader, parts, 0).within(1h).start(ignore);
    const auto poll = queue.poll(other.reader, POLLIN).start(ignore);
    const auto sleep = queue.sleep_for(1h).start(ignore);
    const auto last = queue.sleep_for(1h).start(ignore);
    const auto room = queue.wait_for_capacity().start(ignore);
    REQUIRE(list(queue).size() == 7);
    const OutstandingOperation read = find(queue, first).value();
    CHECK(read.kind == Kind::read);
    CHECK(read.kind_name() == std::string{"read"});
    CHECK(read.place == OperationPlace::readiness);
    CHECK(read.place_name() == std::string{"readiness"});
    CHECK(read.descriptor == pipe.reader.fd());
    CHECK(read.bytes == 10);
    CHECK(read.done == 0);
    for (const auto id : {second, third}) {
        const OutstandingOperation readv = find(queue, id).value();
        CHECK(readv.kind == Kind::readv);
        CHECK(readv.place == OperationPlace::order);
        CHECK(readv.bytes == 9);
    }
    const OutstandingOperation polled = find(queue, poll).value();
    CHECK(polled.descriptor == other.reader.fd());
    CHECK(polled.place ==
          (queue.uses_kernel_aio() ? OperationPlace::kernel : OperationPlace::readiness));
    const OutstandingOperation slept = find(queue, sleep).value();
    CHECK(slept.place == OperationPlace::timer);
    CHECK(slept.descriptor == -1);
    CHECK(slept.bytes == 0);
    CHECK(place_of(queue, room) == OperationPlace::queue);
    queue.cancel(last);
    CHECK(place_of(queue, last) == OperationPlace::completed);
    queue.run_ready();
    CHECK_FALSE(place_of(queue, last).has_value());
}

TEST_CASE("direct transfers are listed by their offsets, in the backlog or in the kernel") {
    aioxx::Queue::Options options;
    options.depth = 2;
    aioxx::Queue queue{options};
    const aioxx::File file = disk_file(O_RDWR | O_DIRECT, std::string(16 * 4096, 'x'));
    aioxx::AlignedBuffer buffer{4096, 4096};
    for (std::size_t i = 0; i < 16; ++i) {
        queue.read(file, buffer, static_cast<std::int64_t>(i) * 4096).start(ignore);
    }
    const std::vector<OutstandingOperation> all = list(queue);
    REQUIRE(all.size() == 16);
    for (std::size_t i = 0; i < 16; ++i) {
        CHECK(all[i].offset == static_cast<std::int64_t>(i) * 4096); // the oldest first
        CHECK(all[i].bytes == 4096);
    }
    CHECK(count_at(queue, OperationPlace::backlog) == queue.statistics().backlog);
    CHECK((count_at(queue, OperationPlace::backlog) > 0 || !queue.uses_kernel_aio()));
    queue.run();
    CHECK(list(queue).empty());
}

TEST_CASE("what storage that hangs holds is listed as a worker's, behind it, and in quarantine") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = aioxx::File::open(server->file("gate").c_str(), O_RDWR);
    const aioxx::File other =
        aioxx::File::open(server->file("gate.other").c_str(), O_RDWR | O_DIRECT);
    const std::array<std::byte, 512> text{};
    aioxx::Queue queue;
    server->close_gate();
    const auto write = queue.write(file, text, 0).start(ignore);
    const auto flush = queue.fsync(file).after_writes().start(ignore);
    const auto read =
        queue.read(other, aioxx::AlignedBuffer{4096, 4096}, 0).within(1h).start(ignore);
    server->await_waiting(2);
    CHECK(place_of(queue, write) == OperationPlace::worker);
    CHECK(place_of(queue, flush) == OperationPlace::order);
    CHECK(place_of(queue, read) == OperationPlace::worker);
    queue.cancel(read);
    CHECK(place_of(queue, read) == OperationPlace::quarantine);
    const auto waits = queue.wait_for_quarantine().start(ignore);
    queue.run_ready();
    CHECK(place_of(queue, read) == OperationPlace::quarantine);
    CHECK(place_of(queue, waits) == OperationPlace::queue);
    CHECK(list(queue).size() == queue.outstanding() + queue.quarantined());
    server->open_gate();
    CHECK(queue.close_for(1h).outstanding == 0);
    CHECK(list(queue).empty());
}

TEST_CASE("a callback finds all listed but what it tells of, also as the queue is destroyed") {
    const Ends pipe = make_pipe();
    std::array<std::byte, 1> bytes{};
    std::size_t wrong = 0;
    std::size_t told = 0;
    {
        aioxx::Queue queue;
        const auto look = [&](const aioxx::Completion&) {
            ++told;
            wrong += list(queue).size() == queue.outstanding() + queue.quarantined() ? 0U : 1U;
        };
        queue.sleep_for(0ns).start(look);
        queue.wait_for_capacity().start(look);
        queue.poll(pipe.reader, POLLIN).within(1ms).start(look);
        queue.run();
        CHECK(told == 3);
        queue.read(pipe.reader, bytes, 0).start(look);
        queue.read(pipe.reader, bytes, 0).start(look);
        queue.sleep_for(1h).start(look);
    }
    CHECK(told == 6);
    CHECK(wrong == 0);
}

TEST_CASE("callbacks of a queue that is destroyed find what hangs listed") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = aioxx::File::open(server->file("gate").c_str(), O_RDWR | O_DIRECT);
    std::array<aioxx::AlignedBuffer, 2> borrowed{aioxx::AlignedBuffer{4096, 4096},
                                                 aioxx::AlignedBuffer{4096, 4096}};
    std::vector<std::size_t> listed;
    server->close_gate();
    {
        aioxx::Queue queue;
        const auto look = [&](const aioxx::Completion&) { listed.push_back(list(queue).size()); };
        queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).start(look);
        server->await_waiting(1);
        queue.read(file, borrowed[0], 0).start(look);
        server->await_waiting(2);
        queue.read(file, borrowed[1], 0).start([&](const aioxx::Completion& done) {
            look(done);
            server->release_newest();
        });
        server->await_waiting(3);
        server->release_newest();
    }
    CHECK(listed == std::vector<std::size_t>{2, 1, 1});
    server->open_gate();
}

TEST_CASE("a list that does not fit is filled as far as it goes, and says how many there are") {
    aioxx::Queue queue;
    for (int i = 0; i < 5; ++i) {
        queue.sleep_for(1h).start(ignore);
    }
    std::array<OutstandingOperation, 4> some{};
    CHECK(queue.list_outstanding(std::span{some}.first(3)) == 5);
    CHECK(some[2].kind == Kind::sleep);
    CHECK(some[3].kind == Kind::none);
    CHECK(queue.list_outstanding({}) == 5);
}

TEST_CASE("what is outstanding has the age of the pass in which it was started") {
    // By the clock of the passes, which stands still between two ticks, for however long.
    timespec tick{};
    ::clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    const std::chrono::nanoseconds resolution{tick.tv_nsec};
    aioxx::Queue queue;
    const auto before_outside = monotonic_tick();
    const auto outside = queue.sleep_for(1h).start(ignore);
    const auto after_outside = monotonic_tick();
    queue.sleep_for(5 * resolution).start(ignore);
    queue.run_once();
    aioxx::OperationId inside;
    queue.post([&] { inside = queue.sleep_for(1h).start(ignore); });
    const auto before_inside = monotonic_tick();
    queue.run_ready();
    const auto after_inside = monotonic_tick();
    queue.sleep_for(5 * resolution).start(ignore);
    queue.run_once();
    const auto now = monotonic_tick();
    const OutstandingOperation older = find(queue, outside).value();
    const OutstandingOperation younger = find(queue, inside).value();
    const auto later = monotonic_tick();
    CHECK(older.age >= now - after_outside);
    CHECK(older.age <= later - before_outside);
    CHECK(younger.age >= now - after_inside);
    CHECK(younger.age <= later - before_inside);
    aioxx::Batch batch{queue};
    batch.add(queue.sleep_for(1h));
    const auto before_batch = monotonic_tick();
    batch.start();
    const std::chrono::nanoseconds youngest = list(queue).back().age;
    CHECK(youngest <= monotonic_tick() - before_batch);
    queue.cancel_all();
    batch.wait();
}
