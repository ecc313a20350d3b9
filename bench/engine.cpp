// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engine.hpp"

#include "bench/engines/engines.hpp"

#include <array>
#include <cstring>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::array all{
    EngineEntry{"c", "libaio, a loop written by hand in C", make_c},
    EngineEntry{"context", "aioxx::Context, reaping by call", make_context},
    EngineEntry{"context-ring", "aioxx::Context, reaping from the ring", make_context_ring},
    EngineEntry{"queue", "aioxx::Queue, a callback an operation", make_queue},
    EngineEntry{"queue-workers", "the same where io_setup is refused", make_queue_on_workers},
    EngineEntry{"coroutines", "aioxx::Queue, co_await", make_coroutines},
    EngineEntry{"posix", "POSIX AIO, libaioxx-posix.so preloaded", make_posix_drop_in, true},
    EngineEntry{"glibc", "POSIX AIO, glibc's own", make_glibc_aio},
    EngineEntry{"pread", "pread and pwrite, one at a time", make_pread},
    EngineEntry{"threads", "a pool of threads with pread and pwrite", make_thread_pool},
    EngineEntry{"uring", "io_uring through liburing", make_uring},
    EngineEntry{"uring-registered", "io_uring, buffers and file registered", make_uring_registered},
};

} // namespace

std::span<const EngineEntry> engines() {
    return all;
}

const EngineEntry& engine_named(const std::string& name) {
    for (const EngineEntry& entry : all) {
        if (entry.name == name) {
            return entry;
        }
    }
    throw std::invalid_argument("no engine is named " + name);
}

void fail_operation(const char* engine, std::int64_t result) {
    std::string text = std::string(engine) + ": ";
    if (result < 0) {
        text += std::strerror(static_cast<int>(-result));
    } else {
        text += "short, " + std::to_string(result) + " bytes";
    }
    throw std::runtime_error(text);
}

} // namespace bench
