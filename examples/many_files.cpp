// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Adds up the bytes of many files, all of them read at once: many_files FILE...

#include <aioxx/aioxx.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <vector>

#include <fcntl.h>

namespace {

struct Sum {
    std::uint64_t bytes = 0;
    std::uint64_t total = 0;
};

/// A file that cannot be read counts as empty, and is named: the others go on.
aioxx::Task<Sum> sum_of(aioxx::Queue& queue, const char* path) {
    Sum sum;
    try {
        const aioxx::File file = aioxx::File::open(path, O_RDONLY);
        aioxx::AlignedBuffer buffer{std::size_t{64} * 1024, 4096};
        for (;;) {
            const auto at = static_cast<std::int64_t>(sum.bytes);
            const std::size_t bytes = co_await queue.read(file, buffer, at);
            if (bytes == 0) {
                break;
            }
            for (const std::byte byte : buffer.first(bytes)) {
                sum.total += std::to_integer<std::uint64_t>(byte);
            }
            sum.bytes += bytes;
        }
    } catch (const std::system_error& error) {
        std::cerr << path << ": " << error.what() << '\n';
    }
    co_return sum;
}

} // namespace

int main(int argc, char** argv) {
    try {
        aioxx::Queue queue;
        std::vector<aioxx::Task<Sum>> sums;
        for (int i = 1; i < argc; ++i) {
            sums.push_back(sum_of(queue, argv[i]));
        }
        std::uint64_t bytes = 0;
        for (const Sum& sum : aioxx::run(queue, aioxx::when_all(std::move(sums)))) {
            bytes += sum.bytes;
            std::cout << sum.total << '\n';
        }
        std::cout << bytes << " bytes in all\n";
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
