// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Kernels before 6.5, whose sockets do not know RWF_NOWAIT.
#include "queue/files.hpp"
#include "scripted_kernel/scripted_kernel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>
#include <sys/socket.h>

namespace aioxx::test {
namespace {

/// A queue gives its context back in the background, and the script has to be there until then.
struct Script {
    Script() = default;
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;
    ~Script() {
        queue.reset();
        kernel.wait_until_closed();
    }
    /// Answers the next `calls` by saying so.
    void refuse_nowait(std::size_t calls) {
        for (std::size_t i = 0; i < calls; ++i) {
            kernel.answer(Call::transfer, {Answer::error(EOPNOTSUPP)});
        }
    }

    ScriptedKernel kernel{ScriptedKernel::Below::real};
    std::optional<Queue> queue{std::in_place};
};

TEST_CASE("a socket is read when it is ready, by no worker, where it does not know NOWAIT") {
    Script script;
    Queue& queue = *script.queue;
    const Ends ends = make_sockets();
    std::array<std::byte, 16> buffer{};
    script.refuse_nowait(2);
    std::int64_t result = 1;
    queue.read(ends.reader, buffer, 0).start([&result](const Completion& done) {
        result = done.result();
    });
    queue.run_ready();
    CHECK(result == 1);
    ends.fill("content");
    queue.run();
    CHECK(result == 7);
    CHECK(text_of(std::span{buffer}.first(7)) == "content");
    CHECK(queue.statistics().offloaded == 0);
    CHECK(queue.statistics().polled == 1);
}

TEST_CASE("what does not fit into such a socket is written when there is room") {
    Script script;
    Queue& queue = *script.queue;
    const Ends ends = make_sockets();
    const std::string text(1 << 20, 'w');
    script.refuse_nowait(10'000);
    std::int64_t result = 1;
    queue.write_all(ends.writer, bytes_of(text), 0).start([&result](const Completion& done) {
        result = done.result();
    });
    std::string received;
    std::string part(1 << 16, 0);
    while (received.size() < text.size()) {
        queue.run_ready();
        const ssize_t length = ::recv(ends.reader.fd(), part.data(), part.size(), MSG_DONTWAIT);
        received.append(part, 0, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    }
    queue.run();
    CHECK(result == static_cast<std::int64_t>(text.size()));
    CHECK(received == text);
    CHECK(queue.statistics().offloaded == 0);
}

TEST_CASE("its end, its want of a peer, and no bytes at all are told as elsewhere") {
    Script script;
    Queue& queue = *script.queue;
    Ends ends = make_sockets();
    std::array<std::byte, 16> buffer{};
    const auto result_of = [&](auto&& operation) {
        std::int64_t result = 1;
        script.refuse_nowait(1);
        operation.start([&result](const Completion& done) { result = done.result(); });
        queue.run();
        return result;
    };
    CHECK(result_of(queue.read(ends.reader, std::span{buffer}.first(0), 0)) == 0);
    CHECK(result_of(queue.write(ends.writer, std::span{buffer}.first(0), 0)) == 0);
    ends.writer.close();
    CHECK(result_of(queue.read(ends.reader, buffer, 0)) == 0);
    CHECK(result_of(queue.write(ends.reader, buffer, 0)) == -EPIPE);
    CHECK(queue.statistics().offloaded == 0);
}

} // namespace
} // namespace aioxx::test
