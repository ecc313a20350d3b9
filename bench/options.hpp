// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

enum class Operation { read, write, mix, write_sync };
enum class Order { random, sequential };
enum class Access { direct, buffered, cold };

struct Options {
    std::vector<std::string> engines{"context", "context-ring"};
    std::vector<std::string> targets{"zero", "zram"};
    std::vector<unsigned> depths{1, 8, 32};
    std::size_t block_size = 4096;
    Operation operation = Operation::read;
    Order order = Order::random;
    Access access = Access::direct;
    unsigned rounds = 200;
    double seconds = 0;    // for each target and depth; 0: as long as the rounds take
    unsigned restarts = 5; // how often the engines are made anew within the rounds
    double slice_ms = 2;   // what the C loop runs for in one turn
    std::uint64_t once = 0;
    bool latency = false;
    std::string directory = "/var/tmp"; // where the file of the target `disk` is
    std::size_t size_mib = 256;
    std::string json;
};

/// Ends the program where the arguments ask for help or are wrong.
Options parse(int argc, char** argv);

} // namespace bench
