// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/costs/costs.hpp"

#include <array>
#include <memory>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

namespace bench::costs {
namespace {

using aioxx::File;
using aioxx::Queue;

File file_in_memory() {
    const int fd = checked(::memfd_create("aioxx-costs", MFD_CLOEXEC), "memfd_create");
    checked(::ftruncate(fd, 4096), "ftruncate");
    return File::adopt(fd);
}

void read_once(Queue& queue, const File& file) {
    std::array<std::byte, 16> bytes{};
    queue.read(file, bytes, 0).start(ignore);
    queue.run();
}

Costs after_queues(std::size_t count) {
    const File file = file_in_memory();
    const double life = start_many(count, [&] {
        Queue queue;
        read_once(queue, file);
    });
    Queue queue;
    read_once(queue, file);
    return {life, start_many(sample, [&] { read_once(queue, file); })};
}

Costs among_files(std::size_t count) {
    const File original = file_in_memory();
    // Files to the queue; descriptors are limited to fewer.
    const auto copy = [&original] { return File::borrow(original.fd()); };
    std::vector<File> files;
    auto queue = std::make_unique<Queue>(boundless());
    for (std::size_t i = 0; i < count; ++i) {
        files.push_back(copy());
        read_once(*queue, files.back());
    }
    std::vector<File> more;
    for (std::size_t i = 0; i < sample; ++i) {
        more.push_back(copy());
    }
    std::size_t next = 0;
    const double first_read = start_many(sample, [&] { read_once(*queue, more[next++]); });
    const double later_read = start_many(sample, [&] { read_once(*queue, files.front()); });
    const Stopwatch closing;
    more.clear();
    const File last = copy();
    read_once(*queue, last); // a new file: those that were closed are forgotten first
    const double close = closing.each(sample);
    const Stopwatch ending;
    queue.reset();
    return {first_read, later_read, close, ending.each(count)};
}

Costs among_files_that_wait(std::size_t count) {
    std::vector<File> files;
    Queue queue{boundless()};
    const File one = File::adopt(checked(::eventfd(0, EFD_CLOEXEC), "eventfd"));
    for (std::size_t i = 0; i < count; ++i) {
        files.push_back(File::adopt(checked(::eventfd(0, EFD_CLOEXEC), "eventfd")));
        queue.poll(files.back(), POLLIN).start(ignore);
    }
    queue.run_ready();
    std::size_t told = 0;
    const double each = start_many(sample, [&] {
        queue.poll(one, POLLIN).start([&told](auto&) { ++told; });
        std::uint64_t number = 1;
        [[maybe_unused]] const ssize_t out = ::write(one.fd(), &number, sizeof(number));
        while (told == 0) {
            queue.run_once();
        }
        told = 0;
        [[maybe_unused]] const ssize_t in = ::read(one.fd(), &number, sizeof(number));
    });
    return {each, end_all(queue, [&] { queue.cancel_all(); })};
}

} // namespace

std::vector<Subject> of_queues_and_files() {
    // Descriptors: as many as are allowed to most processes.
    const std::vector<std::size_t> queues{10, 100, 1000, 10'000};
    const std::vector<std::size_t> files{10, 1000, 10'000, 100'000};
    return {
        {{"queues, one after the other on one File: made, one read, destroyed",
          "queues, one after the other on one File: a read by the next"},
         queues,
         after_queues},
        {{"open files: the first read of one more", "open files: a read of one of them",
          "open files: one is closed", "open files: the queue ends, each"},
         files,
         among_files},
        {{"files with a poll each: one is polled, ready and told",
          "files with a poll each: cancel_all(), each"},
         queues,
         among_files_that_wait},
    };
}

} // namespace bench::costs
