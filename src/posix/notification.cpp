// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/notification.hpp"

#include <cerrno>
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
    ThreadProgress* progress;
    std::uint64_t number; // of its use
};

void* make_call(void* given) {
    auto* const allocated = static_cast<Call*>(given);
    const Call call = *allocated;
    std::free(allocated);
    sigset_t signals; // as with glibc; the creating thread blocks all
    ::sigemptyset(&signals);
    ::pthread_sigmask(SIG_SETMASK, &signals, nullptr);
    if (call.progress != nullptr) {
        call.progress->begin(call.number);
    }
    call.function(call.value); // may end the thread
    // A signal for the process, such as the notice of a list, is not for a thread that ends. What
    // its own faults raise is.
    ::sigfillset(&signals);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
        ::sigdelset(&signals, fault);
    }
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    if (call.progress != nullptr) {
        call.progress->end(call.number);
    }
    return nullptr;
}

} // namespace

bool send_signal(const sigevent& notification) noexcept {
    siginfo_t info{};
    info.si_signo = notification.sigev_signo;
    info.si_code = SI_ASYNCIO; // sigqueue(3) would say SI_QUEUE
    info.si_pid = ::getpid();
    info.si_uid = ::getuid();
    info.si_value = notification.sigev_value;
    const int errno_before = errno;
    const bool sent =
        ::syscall(SYS_rt_sigqueueinfo, info.si_pid, info.si_signo, &info) == 0 || errno != EAGAIN;
    errno = errno_before;
    return sent;
}

bool make_thread(const sigevent& notification, ThreadProgress* progress,
                 std::uint64_t number) noexcept {
    auto* const call = static_cast<Call*>(std::malloc(sizeof(Call)));
    if (call == nullptr) {
        return false;
    }
    *call = {notification.sigev_notify_function, notification.sigev_value, progress, number};
    pthread_attr_t detached;
    ::pthread_attr_init(&detached);
    ::pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    const auto* attributes =
        static_cast<const pthread_attr_t*>(notification.sigev_notify_attributes);
    pthread_t thread{};
    const int error =
        ::pthread_create(&thread, attributes != nullptr ? attributes : &detached, make_call, call);
    if (error != 0) {
        std::free(call);
    }
    ::pthread_attr_destroy(&detached);
    if (error == EAGAIN || error == ENOMEM) {
        return false;
    }
    if (error != 0 && progress != nullptr) { // that does not pass: the function is never called
        progress->begin(number);
        progress->end(number);
    }
    return true;
}

} // namespace posix
AIOXX_NAMESPACE_END
