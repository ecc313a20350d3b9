// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/worker_thread.hpp"

#include <csignal>
#include <cstddef>

AIOXX_NAMESPACE_BEGIN
namespace engine {

bool start_worker_thread(pthread_t& thread, void* (*body)(void*), void* argument) noexcept {
    constexpr std::size_t stack_size = std::size_t{256} * 1024;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_size);
    // A new thread inherits the mask. glibc leaves its own two signals out of a full set.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const int result = pthread_create(&thread, &attributes, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    return result == 0;
}

} // namespace engine
AIOXX_NAMESPACE_END
