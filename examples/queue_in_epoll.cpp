// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Reads a file from inside an epoll loop that has other things to do as well: queue_in_epoll FILE

#include <aioxx/aioxx.hpp>

#include <cerrno>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sys/epoll.h>

namespace {

constexpr std::size_t block = 4096;

/// Reads block after block. Each callback starts the next read.
class Reader {
public:
    Reader(aioxx::Queue& queue, const char* path)
        : queue_(queue), file_(aioxx::File::open(path, O_RDONLY)) {}

    void read_next() {
        queue_.read(file_, buffer_, total_).start([this](const aioxx::Completion& done) {
            if (done.error()) {
                throw std::system_error(done.error(), "read"); // comes out of run_ready()
            }
            total_ += static_cast<std::int64_t>(done.bytes());
            finished_ = done.end_of_file();
            if (!finished_) {
                read_next();
            }
        });
    }

    [[nodiscard]] bool finished() const { return finished_; }
    [[nodiscard]] std::int64_t total() const { return total_; }

private:
    aioxx::Queue& queue_;
    aioxx::File file_;
    aioxx::AlignedBuffer buffer_{block, block};
    std::int64_t total_ = 0;
    bool finished_ = false;
};

void run(const char* path) {
    aioxx::Queue::Options options;
    options.use_event_fd = true;
    aioxx::Queue queue{options};
    Reader reader{queue, path};
    const aioxx::File epoll = aioxx::File::adopt(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event interest{};
    interest.events = EPOLLIN;
    if (::epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, queue.event_fd(), &interest) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    reader.read_next();
    while (!reader.finished()) {
        epoll_event ready{};
        if (::epoll_wait(epoll.fd(), &ready, 1, -1) == 1) { // else a signal came
            queue.run_ready();
        }
    }
    std::cout << reader.total() << " bytes\n";
}

} // namespace

int main(int argc, char** argv) {
    try {
        run(argc == 2 ? argv[1] : throw std::invalid_argument("usage: queue_in_epoll FILE"));
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
