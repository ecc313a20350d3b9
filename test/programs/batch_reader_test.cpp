// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/mounts.hpp"
#include "programs/program.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace aioxx::test;

namespace {

constexpr std::streamoff node_size = 4096;

struct Found {
    unsigned long found = 0;
    unsigned long searches = 0;
    unsigned long reads = 0;
    unsigned long batches = 0;
    unsigned long failed = 0;
    int status = -1;
};

std::string graph_of(const TemporaryDirectory& here, unsigned nodes) {
    std::string graph = here.file("graph");
    Program program{{"make", graph, std::to_string(nodes)}};
    CHECK(program.wait().status == 0);
    CHECK(std::filesystem::file_size(graph) == nodes * std::size_t{node_size});
    return graph;
}

Found search(const std::string& graph, unsigned threads, unsigned beam, unsigned searches) {
    Program program{
        {"search", graph, std::to_string(threads), std::to_string(beam), std::to_string(searches)}};
    Found found;
    for (const std::string& line : program.read_lines()) {
        std::sscanf(line.c_str(), "%lu of %lu found, %lu reads in %lu batches, %lu failed",
                    &found.found, &found.searches, &found.reads, &found.batches, &found.failed);
    }
    found.status = program.wait().status;
    return found;
}

} // namespace

TEST_CASE("each search of each thread ends at its target") {
    const TemporaryDirectory here;
    const std::string graph = graph_of(here, 4096);
    for (const unsigned beam : {1U, 8U, 64U}) {
        CAPTURE(beam);
        const Found found = search(graph, 4, beam, 100);
        CHECK(found.status == 0);
        CHECK(found.found == 100);
        CHECK(found.failed == 0);
        CHECK(found.reads >= found.batches);
        CHECK(found.reads <= found.batches * beam);
        CHECK((beam == 1 || found.reads > 3 * found.batches)); // they are read together
    }
}

TEST_CASE("a node that is damaged is told alone, and searches go around it") {
    const TemporaryDirectory here;
    const std::string graph = graph_of(here, 64);
    std::fstream file{graph, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(17 * node_size + 100); // a neighbour of that node
    file << "something else" << std::flush;
    const Found found = search(graph, 1, 64, 50); // its searches are the same each time
    CHECK(found.status == 1);
    CHECK(found.failed > 0);
    CHECK(found.failed <= 50); // at most once a search
    CHECK(found.found < 50);   // those to the node itself
    CHECK(found.found > 40);
}

TEST_CASE("a node that the file has only in part is told alone") {
    const TemporaryDirectory here;
    const std::string graph = graph_of(here, 64);
    std::filesystem::resize_file(graph, 63 * node_size + 512);
    const Found found = search(graph, 1, 64, 50);
    CHECK(found.status == 1);
    CHECK(found.failed > 0);
    CHECK(found.found == 50); // 63 nodes are left, which are the targets
}
