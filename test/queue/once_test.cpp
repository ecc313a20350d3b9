// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// An Operation begins once, and one that was refused is as it was before.
#include "queue/files.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <poll.h>

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

aioxx::AlignedBuffer filled(char letter) {
    aioxx::AlignedBuffer buffer{4096, 4096};
    std::fill(buffer.begin(), buffer.end(), static_cast<std::byte>(letter));
    return buffer;
}

/// A callable whose copies cannot be made.
struct Throws {
    Throws() = default;
    Throws(const Throws& /*other*/) { throw std::runtime_error{"no copy"}; }
    void operator()(const aioxx::Completion& /*done*/) const {}
};

} // namespace

TEST_CASE("an operation that is begun twice is a logic_error, and EINVAL where errors are data") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR);
    Outcomes outcomes{2};
    auto operation = queue.write(file, filled('x'), 0);
    operation.start(outcomes.at(0));
    CHECK_THROWS_AS(operation.start(outcomes.at(1)), std::logic_error);
    std::error_code error;
    CHECK(operation.start(outcomes.at(1), error) == aioxx::OperationId{});
    CHECK(error == std::errc::invalid_argument);
    queue.run();
    CHECK_THROWS_AS(std::move(operation).start(outcomes.at(1)), std::logic_error);
    queue.run();
    CHECK(outcomes.all() == 1);
    CHECK(outcomes[0] == 4096);
}

TEST_CASE("an operation that was moved from is a logic_error, and the other one begins") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR);
    Outcomes outcomes{1};
    auto first = queue.write(file, filled('x'), 0);
    auto second = std::move(first);
    CHECK_THROWS_AS(first.start(outcomes.at(0)), std::logic_error); // NOLINT: what is looked at
    auto as_data = std::move(second).completion();
    CHECK_THROWS_AS(second.start(outcomes.at(0)), std::logic_error); // NOLINT
    as_data.start(outcomes.at(0));
    queue.run();
    CHECK(outcomes[0] == 4096);
    CHECK(content_of(file) == std::string(4096, 'x'));
}

TEST_CASE("an operation that is assigned begins as the other one, also when it has begun before") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR);
    Outcomes outcomes{2};
    auto operation = queue.write(file, filled('x'), 0);
    operation.start(outcomes.at(0));
    operation = queue.write(file, filled('y'), 4096);
    operation = std::move(operation).within(std::chrono::hours{1});
    operation.start(outcomes.at(1));
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(content_of(file) == std::string(4096, 'x') + std::string(4096, 'y'));
}

TEST_CASE("an operation that a full queue has refused keeps its buffer, and begins later") {
    aioxx::Queue::Options options;
    options.limit = 1;
    aioxx::Queue queue{options};
    const Ends pipe = make_pipe();
    const aioxx::File file = disk_file(O_RDWR);
    Outcomes outcomes{2};
    queue.poll(pipe.reader, POLLIN).start(outcomes.at(0));
    auto operation = queue.write_all(file, filled('x'), 0);
    std::error_code error;
    operation.start(outcomes.at(1), error);
    CHECK(error == std::errc::resource_unavailable_try_again);
    CHECK_THROWS_AS(operation.start(outcomes.at(1)), std::system_error);
    pipe.fill("x");
    queue.run();
    operation.start(outcomes.at(1), error);
    CHECK(!error);
    queue.run();
    CHECK(outcomes.once_each());
    CHECK(content_of(file) == std::string(4096, 'x'));
}

TEST_CASE(
    "an operation whose callback cannot be copied keeps its buffer, and begins with another") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR);
    auto operation = queue.write(file, filled('x'), 0).within(std::chrono::hours{1});
    const Throws callback;
    CHECK_THROWS_AS(operation.start(callback), std::runtime_error);
    CHECK(queue.outstanding() == 0);
    std::size_t given_back = 0;
    operation.start([&](const aioxx::Completion& done) { given_back = done.buffer().size(); });
    queue.run();
    CHECK(given_back == 4096);
    CHECK(content_of(file) == std::string(4096, 'x'));
}

TEST_CASE(
    "an operation whose callback cannot be copied gives its copy back, and begins with another") {
    aioxx::Queue queue;
    const aioxx::File file = disk_file(O_RDWR, std::string(4096, 'x'));
    std::array<std::byte, 4096> memory{};
    auto operation = queue.read(file, memory, 0).within(std::chrono::hours{1});
    const Throws callback;
    CHECK_THROWS_AS(operation.start(callback), std::runtime_error);
    CHECK(queue.statistics().copied == 0);
    std::size_t given_back = 1;
    operation.start([&](const aioxx::Completion& done) { given_back = done.buffer().size(); });
    CHECK(queue.statistics().copied == 4096);
    queue.run();
    CHECK(queue.statistics().copied == 0);
    CHECK(given_back == 0); // the memory is borrowed
    CHECK(text_of(memory) == std::string(4096, 'x'));
}
