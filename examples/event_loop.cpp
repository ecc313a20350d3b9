// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Reads four blocks of a file at once, and waits for them in an epoll loop: event_loop FILE

#include <aioxx/aioxx.hpp>

#include <array>
#include <cerrno>
#include <exception>
#include <iostream>
#include <system_error>

#include <fcntl.h>
#include <sys/epoll.h>

namespace {

constexpr std::uint32_t block_size = 4096;

struct Read { // the kernel knows the iocb by its address: a Read stays where it is
    aioxx::AlignedBuffer buffer{block_size, block_size};
    aioxx::Iocb iocb;
};

[[noreturn]] void fail(const char* call) {
    throw std::system_error(errno, std::generic_category(), call);
}

void run(const char* path) {
    const aioxx::File file = aioxx::File::open(path, O_RDONLY);
    const aioxx::File epoll = aioxx::File::adopt(::epoll_create1(EPOLL_CLOEXEC));
    aioxx::EventFd wake_up; // nonblocking
    epoll_event interest{};
    interest.events = EPOLLIN;
    if (::epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, wake_up.fd(), &interest) != 0) {
        fail("epoll_ctl");
    }

    std::array<Read, 4> reads;
    aioxx::EventBatch events{reads.size()};
    aioxx::Context context{reads.size()}; // after the iocbs and buffers, so it goes first
    std::int64_t offset = 0;
    for (Read& read : reads) {
        read.iocb.prepare_read(file.fd(), read.buffer, offset);
        read.iocb.set_event_fd(wake_up.fd()); // after prepare, which clears it
        read.iocb.set_data(&read);
        context.submit(read.iocb);
        offset += block_size;
    }
    for (std::size_t in_flight = reads.size(); in_flight != 0;) {
        epoll_event ready{};
        if (::epoll_wait(epoll.fd(), &ready, 1, -1) < 0) {
            if (errno != EINTR) {
                fail("epoll_wait");
            }
            continue;
        }
        wake_up.read();       // first the counter,
        context.reap(events); // then the events: one that comes in between is counted anew
        for (const aioxx::Event& event : events) {
            if (event.error()) {
                throw std::system_error(event.error(), path);
            }
            const auto* const read = event.data_as<Read>();
            std::cout << "block " << read - reads.data() << ": " << event.result() << " bytes\n";
            --in_flight;
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    try {
        run(argc == 2 ? argv[1] : throw std::invalid_argument("usage: event_loop FILE"));
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
