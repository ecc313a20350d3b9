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

/// For a process that holds one engine for another one. See worker.hpp.
struct WorkerOptions {
    std::string engine; // empty: this is not such a process
    unsigned depth = 1;
    std::uint64_t size = 0; // bytes of the target
    bool counts = false;    // system calls
};

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
    double slice_ms = 2;   // what an engine runs for in one turn
    std::uint64_t once = 0;
    bool latency = false;
    std::string directory = "/var/tmp"; // where the file of the target `disk` is
    std::string file;                   // or this one, as it is; empty: one of our own
    std::size_t size_mib = 256;
    std::string posix_library; // what the engine `posix` preloads; empty: there is none
    std::string json;
    WorkerOptions worker;
    std::vector<std::string> arguments; // what all this was made from
};

/// Ends the program where the arguments ask for help or are wrong.
Options parse(int argc, char** argv);

} // namespace bench
