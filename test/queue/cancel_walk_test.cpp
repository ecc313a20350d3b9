// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What a cancel of many looks at: no record that is not concerned. The others lie in memory that
// may not be touched.

#include "child.hpp"
#include "engine/private_members.hpp"
#include "queue/files.hpp"
#include "queue/implementation.hpp"
#include "skip.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace aioxx::test {

struct InsideQueue {
    friend constexpr auto member_of(InsideQueue);
};
template struct Reveal<InsideQueue, &Queue::implementation_>;

namespace {

using namespace std::chrono_literals;

/// Keeps the pages away that are full of records which are not concerned.
class ForbiddenRecords {
public:
    ForbiddenRecords(Queue& queue, const std::vector<OperationId>& known) {
        for (const OperationId id : known) {
            places_[address_of(queue, id)] = true;
        }
    }
    void spare(Queue& queue, OperationId id) { places_[address_of(queue, id)] = false; }

    /// How many pages those are.
    std::size_t set_access(int access) {
        constexpr std::uintptr_t page = 4096;
        std::size_t pages = 0;
        std::uintptr_t from = 0; // of the records that follow each other and are known
        std::uintptr_t to = 0;
        const auto protect = [&] {
            const std::uintptr_t first = (from + page - 1) / page * page;
            const std::uintptr_t end = to / page * page;
            if (first < end) {
                ::mprotect(reinterpret_cast<void*>(first), end - first, access);
                pages += (end - first) / page;
            }
        };
        for (const auto& [address, forbidden] : places_) {
            if (address != to || !forbidden) {
                protect();
                from = address;
            }
            to = forbidden ? address + sizeof(queue::Record) : address;
        }
        protect();
        return pages;
    }

private:
    static std::uintptr_t address_of(Queue& queue, OperationId id) {
        auto* const inside = queue.*member_of(InsideQueue{});
        return reinterpret_cast<std::uintptr_t>(inside->pool.find(id));
    }

    std::map<std::uintptr_t, bool> places_;
};

constexpr std::size_t many = 10'000;
constexpr std::size_t enough_pages = 500;

std::vector<OperationId> sleep_often(Queue& queue) {
    std::vector<OperationId> ids;
    for (std::size_t i = 0; i < many; ++i) {
        ids.push_back(queue.sleep_for(1h).start([](auto&) {}));
    }
    return ids;
}

TEST_CASE("a cancel of all on one file looks at no operation on others") {
    SKIP_UNDER_VALGRIND("it touches memory that the program may not");
    const ChildEnd end = run_in_child([] {
        Queue queue;
        const Ends one = make_pipe();
        const Ends other = make_pipe();
        std::array<std::byte, 1> byte{};
        std::vector<OperationId> before;
        int ended = 0;
        const auto count = [&ended](const Completion& done) {
            ended += done.result() == -ECANCELED ? 1 : 0;
        };
        // What is concerned lies at both ends, and in between is what is not.
        queue.read(one.reader, byte, 0).start(count);
        const std::vector<OperationId> sleeps = sleep_often(queue);
        for (std::size_t i = 0; i < many; ++i) {
            before.push_back(queue.poll(other.reader, POLLIN).start([](auto&) {}));
        }
        queue.poll(one.reader, POLLIN).start(count);
        queue.read(one.reader, byte, 0).start(count);
        queue.run_ready();
        ForbiddenRecords sleepers{queue, sleeps};
        ForbiddenRecords polls{queue, before};
        sleepers.spare(queue, sleeps.front()); // the two stand beside those that are concerned
        polls.spare(queue, before.back());
        if (sleepers.set_access(PROT_NONE) < enough_pages ||
            polls.set_access(PROT_NONE) < enough_pages) {
            return 1;
        }
        const std::size_t cancelled = queue.cancel(one.reader);
        sleepers.set_access(PROT_READ | PROT_WRITE);
        polls.set_access(PROT_READ | PROT_WRITE);
        while (ended < 3) {
            queue.run_once();
        }
        return cancelled == 3 && queue.outstanding() == 2 * many ? 0 : 2;
    });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

TEST_CASE("a cancel of all looks at no record that is not in use") {
    SKIP_UNDER_VALGRIND("it touches memory that the program may not");
    const ChildEnd end = run_in_child([] {
        Queue queue;
        const Ends pipe = make_pipe();
        ForbiddenRecords records{queue, sleep_often(queue)};
        if (queue.cancel_all() != many) {
            return 1;
        }
        queue.run();
        int ended = 0;
        const auto count = [&ended](const Completion& done) {
            ended += done.result() == -ECANCELED ? 1 : 0;
        };
        records.spare(queue, queue.sleep_for(1h).start(count));
        records.spare(queue, queue.poll(pipe.reader, POLLIN).start(count));
        if (records.set_access(PROT_NONE) < enough_pages) {
            return 2;
        }
        const std::size_t cancelled = queue.cancel_all();
        records.set_access(PROT_READ | PROT_WRITE);
        queue.run();
        return cancelled == 2 && ended == 2 ? 0 : 3;
    });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

TEST_CASE("a cancel by file finds those of the file among those of others") {
    Queue queue;
    const Ends one = make_pipe();
    const Ends other = make_pipe();
    std::vector<int> order;
    for (int i = 0; i < 100; ++i) {
        const File& file = i % 3 == 0 ? one.reader : other.reader;
        queue.poll(file, POLLIN).start([&order, i](const Completion&) { order.push_back(i); });
        queue.sleep_for(1h).start([&order, i](const Completion&) { order.push_back(1000 + i); });
    }
    CHECK(queue.cancel(one.reader) == 34);
    while (queue.outstanding() > 166) {
        queue.run_once();
    }
    CHECK(order.size() == 34);
    CHECK(std::ranges::all_of(order, [](int i) { return i % 3 == 0; }));
    CHECK(queue.cancel_all() == 166);
    queue.run();
    CHECK(order.size() == 200);
}

TEST_CASE("a File that is closed leaves what has completed on it to be delivered") {
    Queue queue;
    std::optional<File> file = disk_file(O_RDWR, std::string(4096, 'x'));
    std::array<std::byte, 512> bytes{};
    int ended = 0;
    const auto count = [&ended](const Completion& done) { ended += done.result() == 512 ? 1 : 0; };
    for (int i = 0; i < 3; ++i) {
        queue.read(*file, bytes, 0).start(count);
    }
    file.reset(); // done, and not delivered: the queue retires the file before
    const File next = disk_file(O_RDWR, std::string(4096, 'x'));
    queue.read(next, bytes, 0).start(count);
    queue.run();
    CHECK(ended == 4);
}

} // namespace
} // namespace aioxx::test
