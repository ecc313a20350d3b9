// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Appends to a write-ahead log by many writers, and prints each record when it is on the disk:
//
//   write_ahead_log append FILE WRITERS RECORDS     of each writer
//   write_ahead_log read FILE                       what is in it

#include "write_ahead_log.hpp"

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr std::size_t capacity = std::size_t{1} << 20;

aioxx::Task<> write_records(WriteAheadLog& log, std::string writer, unsigned long records) {
    for (unsigned long i = 1; i <= records; ++i) {
        const std::string record = "writer " + writer + ", record " + std::to_string(i);
        const std::uint64_t number = co_await log.append(record);
        // One write(2) each: what is printed is promised, also when this process is killed now.
        std::cout << std::to_string(number) + ": " + record + '\n' << std::flush;
    }
}

void append(const char* path, unsigned long writers, unsigned long records) {
    aioxx::Queue queue;
    WriteAheadLog log{queue, path, capacity, [](std::uint64_t, std::string_view) {}};
    std::vector<aioxx::Task<>> tasks;
    for (unsigned long i = 1; i <= writers; ++i) {
        tasks.push_back(write_records(log, std::to_string(i), records));
    }
    aioxx::run(queue, aioxx::when_all(std::move(tasks)));
    std::cerr << writers * records << " records, " << log.groups() << " writes\n";
}

void read(const char* path) {
    aioxx::Queue queue;
    const WriteAheadLog log{queue, path, 0, [](std::uint64_t number, std::string_view record) {
                                std::cout << number << ": " << record << '\n';
                            }};
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view command = argc > 1 ? argv[1] : "";
    try {
        if (argc == 5 && command == "append") {
            append(argv[2], std::strtoul(argv[3], nullptr, 10), std::strtoul(argv[4], nullptr, 10));
        } else if (argc == 3 && command == "read") {
            read(argv[2]);
        } else {
            std::cerr << "usage: write_ahead_log append FILE WRITERS RECORDS | read FILE\n";
            return 2;
        }
        return std::cout.flush() ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
