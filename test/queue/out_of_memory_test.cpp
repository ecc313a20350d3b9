// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Every allocation fails, once or from there on: an exception or an error code, and nothing is
// lost.

#include "child.hpp"
#include "eventually.hpp"
#include "file/shared_descriptor.hpp"
#include "queue/files.hpp"
#include "skip.hpp"
#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <optional>
#include <stop_token>

#include <poll.h>

#include <doctest/doctest.h>

namespace {

std::atomic<long> until_failure{0}; // the number of the next that fails, from 1; 0: none
std::atomic<bool> goes_on{false};   // those after it fail as well
std::atomic<long> live{0};
std::atomic<long> allocations{0};

bool fails() {
    long left = until_failure.load();
    while (left > 1 && !until_failure.compare_exchange_weak(left, left - 1)) {
    }
    return left == 1 && (goes_on || until_failure.exchange(0) == 1);
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
    if (fails()) {
        return nullptr;
    }
    void* memory = nullptr;
    if (::posix_memalign(&memory, std::max(alignment, sizeof(void*)), size + 1) != 0) {
        return nullptr;
    }
    ++live;
    ++allocations;
    return memory;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
    void* const memory = allocate(size, alignment);
    if (memory == nullptr) {
        throw std::bad_alloc{};
    }
    return memory;
}

void release(void* memory) noexcept {
    if (memory != nullptr) {
        --live;
        std::free(memory);
    }
}

constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

} // namespace

void* operator new(std::size_t size) {
    return allocate_or_throw(size, usual);
}
void* operator new[](std::size_t size) {
    return allocate_or_throw(size, usual);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
    return allocate(size, usual);
}
void* operator new[](std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
    return allocate(size, usual);
}
void operator delete(void* memory) noexcept {
    release(memory);
}
void operator delete[](void* memory) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    release(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
    release(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
    release(memory);
}
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
    release(memory);
}
void operator delete[](void* memory, std::size_t /*size*/,
                       std::align_val_t /*alignment*/) noexcept {
    release(memory);
}

namespace aioxx::test {
namespace {

using namespace std::chrono_literals;

/// How many operations began, and how many ended.
struct Account {
    int begun = 0;
    int ended = 0;
};

/// What throws, throws for want of memory.
template <typename Step>
bool attempt_step(Step step) {
    try {
        step();
        return true;
    } catch (const std::bad_alloc&) {
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::not_enough_memory &&
            error.code() != std::errc::operation_canceled) {
            throw;
        }
    }
    return false;
}

Task<> read_into(Queue& queue, const File& file, std::span<std::byte> bytes, std::int64_t at) {
    co_await queue.read(file, bytes, at);
}

Task<> read_twice(Queue& queue, const File& file, Account& account) {
    struct End {
        Account& account;
        ~End() { ++account.ended; }
    };
    ++account.begun;
    const End end{account};
    std::array<std::byte, 512> first{};
    std::array<std::byte, 512> second{};
    co_await when_all(read_into(queue, file, first, 0), read_into(queue, file, second, 512));
    co_await queue.sleep_for(0ns);
}

Task<> stop_a_sleep(Queue& queue, Account& account) {
    std::stop_source source;
    source.request_stop();
    ++account.begun;
    struct End {
        Account& account;
        ~End() { ++account.ended; }
    };
    const End end{account};
    const Completion done =
        co_await queue.sleep_for(1h).stopped_by(source.get_token()).completion();
    co_await queue.sleep_for(done.cancelled() ? 0ns : 1h);
}

void start_all(Queue& queue, const File& file, const File& direct, const Ends& pipe,
               std::span<AlignedBuffer> buffers, Account& account) {
    const auto start = [&account](auto&& operation) {
        attempt_step([&] {
            std::move(operation).start([&account](auto&) { ++account.ended; });
            ++account.begun;
        });
    };
    const std::array<iovec, 2> parts{iovec{buffers[0].data(), 512}, iovec{buffers[1].data(), 512}};
    start(queue.read(file, buffers[2], 0));
    start(queue.read(direct, buffers[3], 0));
    start(queue.readv(file, parts, 0));
    start(queue.write(direct, buffers[4], 0));
    start(queue.fsync(direct).after_writes());
    start(queue.poll(pipe.reader, POLLIN).within(1ms));
    start(queue.read(pipe.reader, buffers[5].first(1), 0).within(1ms));
    start(queue.sleep_for(1ms));
    start(queue.wait_for_capacity());
    attempt_step([&] { start(queue.write(direct, AlignedBuffer{4096, 4096}, 4096)); });
    for (int i = 0; i < 40; ++i) { // more than there are slots
        start(queue.read(direct, buffers[3], 0));
    }
    attempt_step([&] {
        ++account.begun;
        try {
            queue.post([&account] { ++account.ended; });
        } catch (...) {
            --account.begun;
            throw;
        }
    });
}

/// From beginning to end; whether nothing was refused.
void use_queue(const File& file, const File& direct, const Ends& pipe,
               std::span<AlignedBuffer> buffers, Account& account) {
    Queue::Options options;
    options.depth = 4;
    options.use_event_fd = true;
    std::optional<Queue> queue;
    if (!attempt_step([&] { queue.emplace(options); })) {
        return;
    }
    attempt_step([&] {
        const std::string path = "/proc/self/fd/" + std::to_string(file.fd());
        const File own = File::open(path.c_str(), O_RDWR);
        start_all(*queue, own, direct, pipe, buffers, account);
        while (queue->outstanding() > 0) {
            if (!attempt_step([&] { queue->run(); })) {
                continue; // what has left a callback
            }
        }
    });
    attempt_step([&] { run(*queue, read_twice(*queue, file, account)); });
    attempt_step([&] { run(*queue, stop_a_sleep(*queue, account)); });
    attempt_step([&] { spawn(*queue, read_twice(*queue, file, account)); });
    attempt_step([&] { static_cast<void>(queue->close(std::chrono::steady_clock::now() + 1min)); });
    queue.reset();
}

/// 0, or what is wrong; in a child, so that std::terminate() tells nothing worse than that.
int fail_each(bool from_there_on) {
    const File file = disk_file(O_RDWR, std::string(65536, 'x'));
    const File direct = disk_file(O_RDWR | O_DIRECT, std::string(65536, 'x'));
    const Ends pipe = make_pipe();
    std::vector<AlignedBuffer> buffers;
    for (int i = 0; i < 6; ++i) {
        buffers.emplace_back(4096, 4096);
    }
    goes_on = from_there_on;
    long kept = 0;
    for (long number = 0;; ++number) { // the first makes what is kept for ever
        Account account;
        until_failure = number == 0 ? 1'000'000'000 : number;
        use_queue(file, direct, pipe, buffers, account);
        const long left = until_failure.exchange(0);
        if (number == 0) {
            eventually([] { return count_threads() == 1; });
            kept = live;
        }
        if (account.begun != account.ended) {
            std::fprintf(stderr, "%ld: %d begun, %d ended\n", number, account.begun, account.ended);
            return 1;
        }
        if (!eventually([kept] { return live == kept; })) {
            std::fprintf(stderr, "%ld: %ld leaked\n", number, live - kept);
            return 2;
        }
        if (number > 0 && left > 1) { // it has not come to that
            return number > 25 ? 0 : 3;
        }
    }
}

} // namespace

TEST_CASE("where one allocation fails nothing is lost, whichever it is") {
    const ChildEnd end = run_in_child([] { return fail_each(false); });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

TEST_CASE("where all allocations fail from one on nothing is lost, whichever it is") {
    const ChildEnd end = run_in_child([] { return fail_each(true); });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

TEST_CASE("a File keeps nothing of the queues that have used it and ended") {
    SKIP_UNDER_TSAN("its own thread, and its own memory, are counted");
    const File file = disk_file(O_RDWR, std::string(65536, 'x'));
    std::array<std::byte, 512> bytes{};
    const auto use = [&] {
        Queue queue;
        queue.read(file, bytes, 0).start([](auto&) {});
        queue.run();
    };
    use();
    CHECK(eventually([] { return count_threads() == 1; }));
    const long before = live;
    for (int i = 0; i < 100; ++i) {
        use();
    }
    CHECK(eventually([before] { return live == before; }));
    CHECK(detail::SharedDescriptor::find(file)->places() == 1);
}

TEST_CASE("the memory of operations grows in steps, and few of them") {
    constexpr std::size_t count = 50'000;
    Queue queue;
    const long before = allocations;
    for (std::size_t i = 0; i < count; ++i) {
        queue.sleep_for(1h).start([](auto&) {});
    }
    CHECK(allocations - before < 64);
    CHECK(queue.cancel_all() == count);
    queue.run();
    for (std::size_t i = 0; i < count; ++i) {
        queue.sleep_for(1h).start([](auto&) {});
    }
    CHECK(allocations - before < 64);
    queue.cancel_all();
    queue.run();
}

TEST_CASE("a stop token cancels where there is no memory") {
    const ChildEnd end = run_in_child([] {
        Queue queue;
        std::stop_source source;
        int cancelled = 0;
        for (int i = 0; i < 20; ++i) {
            spawn(queue, [](Queue& on, std::stop_token token, int& count) -> Task<> {
                const Completion done =
                    co_await on.sleep_for(1h).stopped_by(std::move(token)).completion();
                count += done.result() == -ECANCELED ? 1 : 0;
            }(queue, source.get_token(), cancelled));
        }
        goes_on = true;
        until_failure = 1;
        source.request_stop();
        queue.run();
        until_failure = 0;
        return cancelled == 20 ? 0 : 1;
    });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

TEST_CASE("asking for a cancel takes no memory, however often and for how many") {
    const ChildEnd end = run_in_child([] {
        Queue queue;
        constexpr std::size_t count = 1000;
        std::vector<OperationId> ids;
        std::size_t cancelled = 0;
        for (std::size_t i = 0; i < count; ++i) {
            ids.push_back(queue.sleep_for(1h).start(
                [&cancelled](auto& done) { cancelled += done.cancelled() ? 1U : 0U; }));
        }
        goes_on = true;
        until_failure = 1;
        for (int again = 0; again < 3; ++again) {
            for (const OperationId id : ids) {
                queue.request_cancel(id); // an exception in a stop callback would be the end
            }
        }
        until_failure = 0;
        queue.run();
        return cancelled == count ? 0 : 1;
    });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
}

TEST_CASE("a readv that is refused for want of memory leaves no record behind") {
    Queue queue;
    const File file = disk_file(O_RDWR, std::string(65536, 'x'));
    std::array<std::byte, 512> bytes{};
    const std::array<iovec, 1> parts{iovec{bytes.data(), bytes.size()}};
    queue.read(file, bytes, 0).start([](auto&) {}); // what a first use allocates
    queue.run();
    goes_on = true;
    for (int i = 0; i < 10; ++i) {
        until_failure = 1;
        CHECK_THROWS_AS(queue.readv(file, parts, 0).start([](auto&) {}), std::bad_alloc);
        until_failure = 0;
    }
    const OperationId next = queue.read(file, bytes, 0).start([](auto&) {});
    CHECK((next.value & 0xffffffffU) == 1); // the one record that there is
    queue.run();
}

} // namespace aioxx::test
