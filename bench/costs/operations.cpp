// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/costs/costs.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace bench::costs {
namespace {

using namespace std::chrono_literals;
using aioxx::File;
using aioxx::OperationId;
using aioxx::Queue;

File file_on_disk(int flags) {
    std::string path = "/var/tmp/aioxx-costs-XXXXXX";
    const File first = File::adopt(checked(::mkostemp(path.data(), O_CLOEXEC), "mkostemp"));
    checked(::ftruncate(first.fd(), 1 << 20), "ftruncate");
    File file = File::open(path.c_str(), O_RDWR | flags);
    ::unlink(path.c_str());
    return file;
}

struct Ends {
    File reader;
    File writer;
};

Ends make_pipe() {
    std::array<int, 2> ends{};
    checked(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    return {File::adopt(ends[0]), File::adopt(ends[1])};
}

/// Twice: the first time the queue's memory grows.
template <typename Round>
Costs when_grown(Round round) {
    round();
    return round();
}

Costs sleeps(std::size_t count) {
    Queue queue{boundless()};
    std::vector<OperationId> ids(count);
    return when_grown([&] {
        std::size_t next = 0;
        const double start =
            start_many(count, [&] { ids[next++] = queue.sleep_for(1h).start(ignore); });
        const double cancel = end_all(queue, [&] {
            for (const OperationId id : ids) {
                queue.cancel(id);
            }
        });
        const auto soon = std::chrono::steady_clock::now();
        start_many(count, [&] { queue.sleep_until(soon + next * 1ns).start(ignore), --next; });
        return Costs{start, cancel, end_all(queue, [] {})};
    });
}

Costs polls(std::size_t count) {
    Queue queue{boundless()};
    const Ends pipe = make_pipe();
    return when_grown([&] {
        const double start =
            start_many(count, [&] { queue.poll(pipe.reader, POLLIN).start(ignore); });
        std::array<char, 1> byte{};
        const double told = end_all(queue, [&] {
            [[maybe_unused]] const ssize_t out = ::write(pipe.writer.fd(), byte.data(), 1);
        });
        [[maybe_unused]] const ssize_t in = ::read(pipe.reader.fd(), byte.data(), 1);
        return Costs{start, told};
    });
}

Costs reads_of_a_pipe(std::size_t count) {
    Queue queue{boundless()};
    const Ends pipe = make_pipe();
    std::array<std::byte, 1> byte{};
    return when_grown([&] {
        const double start =
            start_many(count, [&] { queue.read(pipe.reader, byte, 0).start(ignore); });
        return Costs{start, end_all(queue, [&] { queue.cancel(pipe.reader); })};
    });
}

Costs direct_reads(std::size_t count) {
    Queue queue{boundless()};
    const File file = file_on_disk(O_DIRECT);
    aioxx::AlignedBuffer buffer{4096, 4096};
    return when_grown([&] {
        const double start = start_many(count, [&] { queue.read(file, buffer, 0).start(ignore); });
        return Costs{start, end_all(queue, [&] { queue.cancel(file); })};
    });
}

Costs writes_by_a_worker(std::size_t count) {
    Queue queue{boundless()};
    const File file = file_on_disk(0);
    const std::array<std::byte, 16> bytes{};
    return when_grown([&] {
        const double start = start_many(count, [&] { queue.write(file, bytes, 0).start(ignore); });
        return Costs{start, end_all(queue, [] {})};
    });
}

Costs flushes_after_writes(std::size_t count) {
    Queue queue{boundless()};
    const File file = file_on_disk(0);
    const std::array<std::byte, 16> bytes{};
    return when_grown([&] {
        queue.write(file, bytes, 0).start(ignore);
        const double start =
            start_many(count, [&] { queue.fsync(file).after_writes().start(ignore); });
        return Costs{start, end_all(queue, [&] { queue.cancel(file); })};
    });
}

Costs posted_calls(std::size_t count) {
    Queue queue{boundless()};
    const double start = start_many(count, [&] { queue.post([] {}); });
    const Stopwatch watch;
    queue.run();
    return {start, watch.each(count)};
}

Costs among_operations(std::size_t count) {
    Queue queue{boundless()};
    const Ends pipe = make_pipe();
    for (std::size_t i = 0; i < count; ++i) {
        queue.sleep_for(1h).start(ignore);
    }
    const double by_id = start_many(sample, [&] {
        queue.cancel(queue.poll(pipe.reader, POLLIN).start(ignore));
        queue.run_once();
    });
    const double by_file = start_many(sample, [&] {
        queue.poll(pipe.reader, POLLIN).start(ignore);
        queue.cancel(pipe.reader);
        queue.run_once();
    });
    const double end = end_all(queue, [&] { queue.cancel_all(); });
    return {by_id, by_file, end};
}

} // namespace

std::vector<Subject> of_operations() {
    const std::vector<std::size_t> sizes{100, 10'000, 100'000, 1'000'000};
    return {
        {{"sleeps: start", "sleeps: cancel(id), oldest first", "sleeps: expire"}, sizes, sleeps},
        {{"polls of one pipe: start", "polls of one pipe: ready"}, sizes, polls},
        {{"reads of one pipe: start", "reads of one pipe: cancel(file), each"},
         sizes,
         reads_of_a_pipe},
        {{"direct reads, backlog: start", "direct reads, backlog: cancel(file), each"},
         sizes,
         direct_reads},
        {{"buffered writes, worker: start", "buffered writes, worker: delivered"},
         sizes,
         writes_by_a_worker},
        {{"fsyncs after writes: start", "fsyncs after writes: cancel(file), each"},
         sizes,
         flushes_after_writes},
        {{"posted calls: post()", "posted calls: made"}, sizes, posted_calls},
        {{"sleeps beside it: a poll and cancel(id)", "sleeps beside it: a poll and cancel(file)",
          "sleeps beside it: cancel_all(), each"},
         sizes,
         among_operations},
    };
}

} // namespace bench::costs
