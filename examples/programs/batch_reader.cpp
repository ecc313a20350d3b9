// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Vector search in a graph on a disk. Its nodes are points with neighbours, a block of 4 KiB each;
// a search goes from node to node towards its target, and reads a beam of the nearest at a time:
//
//   batch_reader make FILE NODES
//   batch_reader search FILE THREADS BEAM SEARCHES

#include "batch_reader.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace {

constexpr unsigned deepest = 128;

struct Node {
    std::uint64_t number;
    std::uint64_t neighbours[30];
    std::uint64_t checksum; // of all before
    std::byte unused[BatchReader::block_size - 32 * sizeof(std::uint64_t)];

    [[nodiscard]] std::uint64_t sum() const {
        std::uint64_t sum = 0x9e3779b97f4a7c15 ^ number;
        for (const std::uint64_t each : neighbours) {
            sum = (sum ^ each) * 0xff51afd7ed558ccd;
        }
        return sum;
    }
};
static_assert(sizeof(Node) == BatchReader::block_size);

/// Points of a circle, each beside some that are near and some that are far.
void make(const char* path, std::size_t nodes) {
    std::vector<Node> graph(nodes);
    for (std::size_t i = 0; i < nodes; ++i) {
        graph[i].number = i;
        for (std::size_t k = 0; k < std::size(graph[i].neighbours); ++k) {
            const std::size_t step = (std::size_t{1} << (k / 2)) % nodes;
            graph[i].neighbours[k] = (i + (k % 2 == 0 ? step : nodes - step)) % nodes;
        }
        graph[i].checksum = graph[i].sum();
    }
    const aioxx::File file = aioxx::File::open(path, O_WRONLY | O_CREAT | O_TRUNC);
    aioxx::Queue queue;
    aioxx::run(queue,
               [](aioxx::Queue& on, const aioxx::File& to,
                  const std::vector<Node>& from) -> aioxx::Task<> {
                   co_await on.write_all(to, from, 0);
                   co_await on.fdatasync(to);
               }(queue, file, graph));
}

/// What all threads have seen.
struct Tally {
    std::atomic<std::uint64_t> begun{0};
    std::atomic<std::uint64_t> found{0};
    std::atomic<std::uint64_t> reads{0};
    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> failures{0};
    std::mutex log;
};

class Searcher {
public:
    Searcher(const aioxx::File& file, std::size_t beam, unsigned depth, Tally& tally)
        : nodes_(static_cast<std::uint64_t>(file.size()) / sizeof(Node)), beam_(beam),
          reader_(file, beam, depth), tally_(tally) {}

    /// Whether there is a way from one to the other.
    bool search(std::uint64_t from, std::uint64_t target) {
        std::set<std::pair<std::uint64_t, std::uint64_t>> nearest{{distance(from, target), from}};
        std::set<std::uint64_t> seen{from};
        bool found = false;
        while (!nearest.empty() && !found) {
            std::vector<std::uint64_t> beam;
            while (beam.size() < beam_ && !nearest.empty()) {
                beam.push_back(nearest.extract(nearest.begin()).value().second);
            }
            ++tally_.batches;
            tally_.reads += beam.size();
            reader_.read(beam, [&](std::uint64_t number, std::error_code error,
                                   std::span<const std::byte> block) {
                Node node{};
                std::memcpy(&node, block.data(), block.size());
                if (error || node.number != number || node.checksum != node.sum()) {
                    tell(number, error ? error.message() : "it is damaged");
                    return; // the search goes on without it
                }
                found = found || number == target;
                for (const std::uint64_t each : node.neighbours) {
                    if (seen.insert(each).second) {
                        nearest.emplace(distance(each, target), each);
                    }
                }
            });
        }
        return found;
    }

private:
    [[nodiscard]] std::uint64_t distance(std::uint64_t one, std::uint64_t other) const {
        const std::uint64_t way = one < other ? other - one : one - other;
        return std::min(way, nodes_ - way);
    }
    void tell(std::uint64_t number, const std::string& what) {
        const std::scoped_lock lock{tally_.log};
        std::cerr << "node " + std::to_string(number) + ": " + what + '\n';
        ++tally_.failures;
    }

    std::uint64_t nodes_;
    std::size_t beam_;
    BatchReader reader_;
    Tally& tally_;
};

int search(const char* path, unsigned threads, std::size_t beam, std::uint64_t searches) {
    aioxx::File file = aioxx::File::open(path, O_RDONLY);
    file.try_direct();
    const std::uint64_t nodes = static_cast<std::uint64_t>(file.size()) / sizeof(Node);
    const unsigned depth = BatchReader::depth_of_each(threads, deepest);
    Tally tally;
    {
        std::vector<std::jthread> all;
        for (unsigned i = 0; i < threads; ++i) {
            all.emplace_back([&, i]() noexcept { // without memory there is nothing to go on with
                Searcher searcher{file, beam, depth, tally};
                std::mt19937_64 random{i};
                while (tally.begun++ < searches) {
                    tally.found += searcher.search(random() % nodes, random() % nodes) ? 1U : 0U;
                }
            });
        }
    }
    std::cout << tally.found << " of " << searches << " found, " << tally.reads << " reads in "
              << tally.batches << " batches, " << tally.failures << " failed\n";
    return tally.failures == 0 && tally.found == searches ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    const std::string command = argc > 1 ? argv[1] : "";
    const auto number = [argv](int at) { return std::strtoul(argv[at], nullptr, 10); };
    try {
        if (argc == 4 && command == "make") {
            make(argv[2], std::max(number(3), 1UL));
            return 0;
        }
        if (argc == 6 && command == "search") {
            return search(argv[2], static_cast<unsigned>(std::clamp(number(3), 1UL, 1000UL)),
                          std::clamp(number(4), 1UL, 1000UL), number(5));
        }
        std::cerr << "usage: batch_reader make FILE NODES | search FILE THREADS BEAM SEARCHES\n";
        return 2;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
