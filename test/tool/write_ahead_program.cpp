// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The log of the example: ten commits at once, one after them, and how many returned.

#define main main_of_the_example
#include "../../examples/write_ahead_log.cpp"
#undef main

namespace {

/// Adds to `durable` if it is said to be on disk.
aioxx::Task<> commit(Log& log, int& durable) {
    try {
        co_await log.commit("record\n");
        ++durable;
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
    }
}

} // namespace

int main(int argc, char** argv) {
    aioxx::Queue queue;
    Log log{queue, argc > 1 ? argv[1] : nullptr};
    int durable = 0;
    std::vector<aioxx::Task<>> commits;
    for (int i = 0; i < 10; ++i) {
        commits.push_back(commit(log, durable));
    }
    aioxx::run(queue, aioxx::when_all(std::move(commits)));
    std::cout << durable << " durable";
    aioxx::run(queue, commit(log, durable));
    std::cout << ", then " << durable << '\n';
}
