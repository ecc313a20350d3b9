// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// A plugin that uses a queue, and has ended it when use_queue() returns.

#include <aioxx/aioxx.hpp>

#include <array>
#include <cstddef>

#include <fcntl.h>

namespace {

/// Lives as long as the plugin, and ends with it.
struct Kept {
    aioxx::Queue queue;
};

std::size_t read_by_workers(aioxx::Queue& queue, const aioxx::File& file) {
    std::array<std::array<std::byte, 512>, 8> buffers{};
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        queue.read(file, buffers[i], static_cast<std::int64_t>(i * 65536))
            .start([&bytes](auto& done) { bytes += done.bytes(); });
    }
    queue.run();
    return bytes;
}

} // namespace

/// 0 where all has been read. `keep`: a queue besides that ends when the plugin is unloaded.
extern "C" __attribute__((visibility("default"))) int use_queue(int fd, int keep) {
    const aioxx::File file = aioxx::File::borrow(fd);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); // read by workers, side by side
    aioxx::Queue queue;
    if (read_by_workers(queue, file) != 8 * 512) {
        return 1;
    }
    if (keep != 0) {
        static Kept kept;
        return read_by_workers(kept.queue, file) == 8 * 512 ? 0 : 2;
    }
    return 0;
}

/// Ends a queue with a read under way that owns its memory and does not end by itself.
/// `await_read` returns when the file's server has it.
extern "C" __attribute__((visibility("default"))) int abandon_read(int fd, void (*await_read)()) {
    const aioxx::File file = aioxx::File::borrow(fd);
    aioxx::Queue queue;
    queue.read(file, aioxx::AlignedBuffer{4096, 4096}, 0).start([](auto&) {});
    queue.run_ready();
    await_read();
    return 0;
}
