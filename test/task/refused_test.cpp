// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What a task awaits and the queue refuses.
#include <aioxx/aioxx.hpp>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>
#include <fcntl.h>

using namespace std::chrono_literals;

namespace {

/// Full as long as one operation is outstanding.
aioxx::Queue::Options narrow() {
    aioxx::Queue::Options options;
    options.limit = 1;
    return options;
}

aioxx::File zeros() {
    return aioxx::File::open("/dev/zero", O_RDONLY);
}

} // namespace

TEST_CASE("a refused completion() hands the buffer back") {
    aioxx::Queue queue{narrow()};
    const aioxx::File file = zeros();
    queue.sleep_for(1h).start([](const aioxx::Completion&) {});
    const auto reads = [](aioxx::Queue& on, const aioxx::File& from) -> aioxx::Task<bool> {
        aioxx::AlignedBuffer buffer{4096, 512};
        const std::byte* const data = buffer.data();
        const aioxx::Completion refused = co_await on.read(from, std::move(buffer), 0).completion();
        co_return refused.error() ==
            std::errc::resource_unavailable_try_again&& refused.buffer().data() ==
            data&& refused.buffer().size() == 4096;
    };
    CHECK(aioxx::run(queue, reads(queue, file)));
}

TEST_CASE(
    "an operation that is awaited and refused keeps its buffer, and begins when awaited again") {
    aioxx::Queue queue{narrow()};
    const aioxx::File file = zeros();
    const aioxx::OperationId only = queue.sleep_for(1h).start([](const aioxx::Completion&) {});
    const auto reads = [](aioxx::Queue& on, const aioxx::File& from,
                          aioxx::OperationId filling) -> aioxx::Task<std::size_t> {
        auto operation = on.read(from, aioxx::AlignedBuffer{4096, 512}, 0);
        bool refused = false;
        try {
            static_cast<void>(co_await std::move(operation));
        } catch (const std::system_error& error) {
            refused = error.code() == std::errc::resource_unavailable_try_again;
        }
        on.cancel(filling);
        co_await on.wait_for_capacity();
        const aioxx::Transfer done = co_await std::move(operation);
        co_return refused ? done.buffer.size() : 0;
    };
    CHECK(aioxx::run(queue, reads(queue, file, only)) == 4096);
}

TEST_CASE("an operation that is awaited twice is a logic_error, and EINVAL as data") {
    aioxx::Queue queue;
    const aioxx::File file = zeros();
    const auto reads = [](aioxx::Queue& on, const aioxx::File& from) -> aioxx::Task<int> {
        auto operation = on.read(from, aioxx::AlignedBuffer{4096, 512}, 0);
        static_cast<void>(co_await std::move(operation));
        int seen = 0;
        try {
            static_cast<void>(co_await std::move(operation)); // NOLINT: what is looked at
        } catch (const std::logic_error&) {
            ++seen;
        }
        try {
            static_cast<void>(co_await std::move(operation).stopped_by({})); // NOLINT
        } catch (const std::logic_error&) {
            ++seen;
        }
        const aioxx::Completion data = co_await std::move(operation).completion(); // NOLINT
        co_return seen + (data.error() == std::errc::invalid_argument ? 1 : 0);
    };
    CHECK(aioxx::run(queue, reads(queue, file)) == 3);
}

TEST_CASE("an operation with a stop token takes modifiers as others do") {
    aioxx::Queue queue;
    const auto sleeps = [](aioxx::Queue& on) -> aioxx::Task<bool> {
        std::stop_source source;
        auto operation = on.sleep_for(1h).stopped_by(source.get_token());
        operation.within(1ms);
        const aioxx::Completion done = co_await std::move(operation).completion().within(1h);
        co_return done.timed_out();
    };
    CHECK(aioxx::run(queue, sleeps(queue)));
}

TEST_CASE("an operation is awaited in the midst of an expression") {
    aioxx::Queue queue;
    const aioxx::File file = zeros();
    const auto reads = [](aioxx::Queue& on, const aioxx::File& from,
                          bool wanted) -> aioxx::Task<std::size_t> {
        std::array<std::byte, 16> memory{};
        const std::size_t bytes = wanted ? co_await on.read(from, memory, 0) : std::size_t{1};
        if (wanted && (co_await on.read(from, aioxx::AlignedBuffer{512, 512}, 0)).bytes == 512) {
            co_return bytes + co_await on.read(from, memory, 0).within(1h) +
                (co_await on.read(from, aioxx::AlignedBuffer{4, 4}, 0)).buffer.size();
        }
        co_return bytes;
    };
    CHECK(aioxx::run(queue, reads(queue, file, true)) == 36);
    CHECK(aioxx::run(queue, reads(queue, file, false)) == 1);
}
