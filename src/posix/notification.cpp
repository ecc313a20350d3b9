// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/notification.hpp"

#include <cstdlib>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

struct Call {
    void (*function)(sigval);
    sigval value;
};

void* make_call(void* given) {
    auto* const allocated = static_cast<Call*>(given);
    const Call call = *allocated;
    std::free(allocated);
    sigset_t none; // as with glibc; the creating thread blocks all signals
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    call.function(call.value);
    return nullptr;
}

} // namespace

void send_signal(const sigevent& notification) noexcept {
    siginfo_t info{};
    info.si_signo = notification.sigev_signo;
    info.si_code = SI_ASYNCIO; // sigqueue(3) would say SI_QUEUE
    info.si_pid = ::getpid();
    info.si_uid = ::getuid();
    info.si_value = notification.sigev_value;
    ::syscall(SYS_rt_sigqueueinfo, info.si_pid, info.si_signo, &info);
}

void make_thread(const sigevent& notification) noexcept {
    auto* const call = static_cast<Call*>(std::malloc(sizeof(Call)));
    if (call == nullptr) {
        return;
    }
    *call = {notification.sigev_notify_function, notification.sigev_value};
    pthread_attr_t detached;
    ::pthread_attr_init(&detached);
    ::pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    const auto* attributes =
        static_cast<const pthread_attr_t*>(notification.sigev_notify_attributes);
    pthread_t thread{};
    if (::pthread_create(&thread, attributes != nullptr ? attributes : &detached, make_call,
                         call) != 0) {
        std::free(call);
    }
    ::pthread_attr_destroy(&detached);
}

} // namespace posix
AIOXX_NAMESPACE_END
