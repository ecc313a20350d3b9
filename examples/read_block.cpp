// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Reads the first block of a file: read_block FILE

#include <aioxx/aioxx.hpp>

#include <exception>
#include <iostream>

#include <fcntl.h>

namespace {

constexpr std::size_t block_size = 4096;

/// Past the page cache where the file system allows it: then the read does not block in submit.
aioxx::File open_for_reading(const char* path) {
    std::error_code error;
    aioxx::File file = aioxx::File::open(path, O_RDONLY | O_DIRECT, 0, error);
    return error ? aioxx::File::open(path, O_RDONLY) : std::move(file);
}

int run(const char* path) {
    const aioxx::File file = open_for_reading(path);

    aioxx::AlignedBuffer block{block_size, block_size};
    aioxx::Iocb read;
    read.prepare_read(file.fd(), block, 0);

    aioxx::Context context{1}; // declared last, so it goes first
    context.submit(read);

    aioxx::EventBatch events{1};
    context.wait(events, 1); // throws EINTR after a signal; flush_log.cpp waits on
    const aioxx::Event& done = events[0];
    if (done.error()) { // what the operation itself met; what the calls met is thrown
        std::cerr << path << ": " << done.error().message() << '\n';
        return 1;
    }
    // Fewer than were asked for at the end of a file, 0 in an empty one.
    std::cout << "read " << done.result() << " bytes of " << path << '\n';
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: read_block FILE\n";
        return 2;
    }
    try {
        return run(argv[1]);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
