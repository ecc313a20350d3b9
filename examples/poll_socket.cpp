// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Waits through AIO until a socket can be read, then reads it: poll_socket
//
// Reading first would not do: io_submit itself blocks on a socket that has nothing to give.

#include <aioxx/aioxx.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <iostream>
#include <string_view>
#include <system_error>

#include <poll.h>
#include <sys/socket.h>

namespace {

using namespace std::chrono_literals;

std::array<aioxx::File, 2> socket_pair() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    return {aioxx::File::adopt(fds[0]), aioxx::File::adopt(fds[1])};
}

/// The next completion of a context that has one operation in flight.
std::int64_t result_of_next(aioxx::Context& context, aioxx::EventBatch& events) {
    std::error_code error;
    do {
        context.wait(events, 1, error);
    } while (error == std::errc::interrupted); // by a signal
    if (error || (error = events[0].error())) {
        throw std::system_error(error, "wait");
    }
    return events[0].result();
}

void run() {
    const auto [ours, theirs] = socket_pair();
    std::array<std::byte, 64> buffer{};
    aioxx::Iocb iocb; // one after the other: first polls, then reads
    aioxx::EventBatch events{1};
    aioxx::Context context{1}; // declared last, so it goes first

    iocb.prepare_poll(ours.fd(), POLLIN);
    context.submit(iocb);
    if (context.wait_for(events, 1, 10ms) == 0) { // out of time is a count, not an error
        std::cout << "nothing to read yet\n";
    }

    constexpr std::string_view message = "hello";
    if (::send(theirs.fd(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
        throw std::system_error(errno, std::generic_category(), "send");
    }
    const std::int64_t ready = result_of_next(context, events); // poll(2)'s bits
    if ((ready & POLLIN) == 0) {
        throw std::runtime_error("the other end has gone");
    }
    iocb.prepare_read(ours.fd(), buffer, 0);
    context.submit(iocb);
    std::cout << "read " << result_of_next(context, events) << " bytes\n";
}

} // namespace

int main() {
    try {
        run();
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
