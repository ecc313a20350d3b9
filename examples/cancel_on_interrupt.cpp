// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Counts what comes in on standard input, until it ends or Ctrl-C is pressed: cancel_on_interrupt

#include <aioxx/aioxx.hpp>

#include <array>
#include <csignal>
#include <exception>
#include <iostream>
#include <stop_token>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace {

aioxx::Task<std::uint64_t> count_input(aioxx::Queue& queue, std::stop_source& interrupted) {
    const aioxx::File input = aioxx::File::borrow(STDIN_FILENO);
    std::array<std::byte, 4096> buffer{};
    std::uint64_t bytes = 0;
    for (;;) {
        // Waits for input without a thread; the token ends the wait.
        const aioxx::Completion read =
            co_await queue.read(input, buffer, 0).stopped_by(interrupted.get_token()).completion();
        if (read.cancelled() || read.end_of_file()) {
            break;
        }
        if (read.error()) {
            throw std::system_error(read.error(), "standard input");
        }
        bytes += read.bytes();
    }
    interrupted.request_stop(); // the wait for the signal need not go on
    co_return bytes;
}

aioxx::Task<std::uint64_t> wait_for_interrupt(aioxx::Queue& queue, std::stop_source& interrupted) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    const aioxx::File file = aioxx::File::adopt(::signalfd(-1, &signals, SFD_CLOEXEC));
    const aioxx::Completion ready =
        co_await queue.poll(file, POLLIN).stopped_by(interrupted.get_token()).completion();
    interrupted.request_stop();
    co_return ready.cancelled() ? 0 : 1;
}

} // namespace

int main() {
    try {
        std::stop_source interrupted;
        aioxx::Queue queue;
        const auto [signals, bytes] =
            aioxx::run(queue, aioxx::when_all(wait_for_interrupt(queue, interrupted),
                                              count_input(queue, interrupted)));
        std::cout << bytes << (signals != 0 ? " bytes, interrupted\n" : " bytes\n");
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
