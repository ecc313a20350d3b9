// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A batch of direct reads of which one meets a fault, at each position.
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

constexpr std::size_t batch_size = 32; // reads
constexpr std::size_t block = 4096;

/// Open for direct I/O, and each of its blocks full of its number. The last ends in its middle.
File numbered_blocks() {
    File file = File::open("/var/tmp", O_TMPFILE | O_RDWR, 0600);
    std::vector<std::byte> bytes((batch_size + 1) * block);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        bytes[at] = static_cast<std::byte>(at / block);
    }
    const std::size_t size = bytes.size() - block / 2;
    REQUIRE(::pwrite(file.fd(), bytes.data(), size, 0) == static_cast<ssize_t>(size));
    REQUIRE(::fdatasync(file.fd()) == 0);
    file.try_direct();
    return file;
}

struct BatchOfReads {
    File file = numbered_blocks();
    AlignedBuffer memory{batch_size * block, block};

    [[nodiscard]] std::span<std::byte> piece(std::size_t number) {
        return memory.first(memory.size()).subspan(number * block, block);
    }
    /// Until the first submits, which are watched one by one, are over.
    void learn(Queue& queue) {
        for (int i = 0; i < 100; ++i) {
            queue.read(file, piece(0), 0).start([](const Completion&) {});
            queue.run();
        }
    }
    void add_all(Batch& batch, Queue& queue) {
        std::fill(memory.begin(), memory.end(), std::byte{0xff});
        for (std::size_t i = 0; i < batch_size; ++i) {
            batch.add(queue.read(file, piece(i), static_cast<std::int64_t>(i * block)));
        }
    }
    /// All but `bad` have their bytes, and that has `result`.
    void check(Batch& batch, std::size_t bad, std::int64_t result) {
        for (std::size_t i = 0; i < batch_size; ++i) {
            CAPTURE(i);
            const std::span<const std::byte> got = piece(i);
            const auto is_own = [i](std::byte each) { return each == static_cast<std::byte>(i); };
            if (i == bad) {
                CHECK(batch.results()[i].result() == result);
            } else {
                CHECK(batch.results()[i].result() == static_cast<std::int64_t>(block));
                CHECK(std::ranges::all_of(got, is_own));
            }
        }
    }
};

/// Batches whose io_submit takes so many, at each position, and has `then` for the next. `result`:
/// of the one at that position; 0: it has its bytes as all have.
void meet_at_each_position(Answer then, std::int64_t result) {
    BatchOfReads all;
    ScriptedKernel scripted{ScriptedKernel::Below::real};
    {
        Queue queue;
        REQUIRE(queue.uses_kernel_aio());
        all.learn(queue);
        for (std::size_t position = 0; position < batch_size; ++position) {
            CAPTURE(position);
            Batch batch{queue};
            all.add_all(batch, queue);
            const std::size_t before = scripted.calls(Call::submit);
            if (position == 0) {
                scripted.answer(Call::submit, {then});
            } else {
                scripted.answer(Call::submit, {Answer::at_most(static_cast<long>(position)), then});
            }
            batch.wait();
            all.check(batch, result == 0 ? batch_size : position, result);
            const std::size_t after_no_room = result == 0 && position > 0 ? 1 : 0;
            CHECK(scripted.calls(Call::submit) - before >= 2 + after_no_room);
        }
    }
    scripted.wait_until_closed();
}

TEST_CASE("where io_submit refuses one of a batch, that alone fails, at each position") {
    meet_at_each_position(Answer::error(EINVAL), -EINVAL);
}

TEST_CASE("where io_submit has no room behind any position of a batch, all of it is read") {
    meet_at_each_position(Answer::error(EAGAIN), 0);
}

TEST_CASE("one of a batch that fails, or comes short, is told alone, at each position") {
    SKIP_UNDER_VALGRIND("bad pointers are errors there");
    BatchOfReads all;
    ScriptedKernel scripted{ScriptedKernel::Below::real};
    std::optional<Queue> queue_of_all{std::in_place};
    Queue& queue = *queue_of_all;
    all.learn(queue);
    for (std::size_t bad = 0; bad < batch_size; ++bad) {
        CAPTURE(bad);
        for (const bool fails : {true, false}) {
            Batch batch{queue};
            std::fill(all.memory.begin(), all.memory.end(), std::byte{0xff});
            for (std::size_t i = 0; i < batch_size; ++i) {
                const bool here = i == bad;
                const std::size_t number = here && !fails ? batch_size : i;
                const std::span<std::byte> memory =
                    here && fails ? std::span{reinterpret_cast<std::byte*>(block), block}
                                  : all.piece(i);
                batch.add(queue.read(all.file, memory, static_cast<std::int64_t>(number * block)));
            }
            batch.wait();
            all.check(batch, bad, fails ? -EFAULT : static_cast<std::int64_t>(block / 2));
        }
    }
    queue_of_all.reset();
    scripted.wait_until_closed(); // the tests behind this one count descriptors
}

} // namespace
} // namespace aioxx::test
