// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors

// What posix_test.cpp has in LD_PRELOAD, as profilers are: counts what goes to the next aio_read.

#include <cstdio>

#include <aio.h>
#include <dlfcn.h>

namespace {

int calls = 0;

[[gnu::destructor]] void tell() {
    std::printf("the profiler has seen %d calls\n", calls);
}

} // namespace

#pragma GCC visibility push(default)

extern "C" int aio_read(aiocb* block) noexcept {
    using Read = int (*)(aiocb*);
    const auto next = reinterpret_cast<Read>(::dlsym(RTLD_NEXT, "aio_read"));
    Dl_info info{};
    if (calls++ == 0 && ::dladdr(reinterpret_cast<void*>(next), &info) != 0) {
        std::printf("the next aio_read is in %s\n", info.dli_fname);
    }
    return next(block);
}

extern "C" int aio_read64(aiocb64* block) noexcept {
    return aio_read(reinterpret_cast<aiocb*>(block));
}

#pragma GCC visibility pop
