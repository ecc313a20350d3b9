// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/signals.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr int ending_signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGPIPE, SIGALRM,
                                  SIGUSR1, SIGUSR2, SIGPROF, SIGVTALRM, SIGXCPU, SIGPOLL};

// Read by the handler; written with its signals blocked.
NameToRemove* names = nullptr;

sigset_t ending_set() noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : ending_signals) {
        sigaddset(&set, number);
    }
    return set;
}

extern "C" void clean_up_and_end(int number) {
    for (const NameToRemove* each = names; each != nullptr; each = each->next) {
        ::unlinkat(each->directory, each->name.data(), 0);
    }
    // The disposition is the default again (SA_RESETHAND); the signal arrives on return.
    ::raise(number);
}

} // namespace

void clean_up_on_signals() {
    struct sigaction action {};
    action.sa_handler = clean_up_and_end;
    action.sa_mask = ending_set();
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int number : ending_signals) {
        struct sigaction before {};
        if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
            ::sigaction(number, &action, nullptr);
        }
    }
    ::signal(SIGXFSZ, SIG_IGN);
}

SignalsBlocked::SignalsBlocked() {
    const sigset_t set = ending_set();
    ::sigprocmask(SIG_BLOCK, &set, &before_);
}

SignalsBlocked::~SignalsBlocked() {
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void remove_on_signal(NameToRemove& name) noexcept {
    name.before = nullptr;
    name.next = names;
    if (names != nullptr) {
        names->before = &name;
    }
    names = &name;
}

void keep_on_signal(NameToRemove& name) noexcept {
    (name.before != nullptr ? name.before->next : names) = name.next;
    if (name.next != nullptr) {
        name.next->before = name.before;
    }
}

} // namespace tool
