// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/signals.hpp"

#include <cstddef>

#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr std::array ending_signals{SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGPIPE, SIGALRM,
                                    SIGUSR1, SIGUSR2, SIGPROF, SIGVTALRM, SIGXCPU, SIGPOLL};

// Read by the handler; written with its signals blocked.
NameToRemove* names = nullptr;
// What the signals did before there was a name.
std::array<struct sigaction, ending_signals.size()> before_names;

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

void set_handlers() noexcept {
    struct sigaction action {};
    action.sa_handler = clean_up_and_end;
    action.sa_mask = ending_set();
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < before_names.size(); ++i) {
        ::sigaction(ending_signals[i], nullptr, &before_names[i]);
        if (before_names[i].sa_handler != SIG_IGN) {
            ::sigaction(ending_signals[i], &action, nullptr);
        }
    }
}

void remove_handlers() noexcept {
    for (std::size_t i = 0; i < before_names.size(); ++i) {
        ::sigaction(ending_signals[i], &before_names[i], nullptr);
    }
}

} // namespace

void fail_beyond_size_limit() noexcept {
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
    } else {
        set_handlers();
    }
    names = &name;
}

void keep_on_signal(NameToRemove& name) noexcept {
    (name.before != nullptr ? name.before->next : names) = name.next;
    if (name.next != nullptr) {
        name.next->before = name.before;
    }
    if (names == nullptr) {
        remove_handlers();
    }
}

} // namespace tool
