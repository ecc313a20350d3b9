// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Serves the files of a directory to the clients of a Unix socket: object_store DIRECTORY SOCKET
// BUFFERS. SIGTERM ends it. A client asks line by line, and is answered in that order:
//   GET NAME OFFSET LENGTH MILLISECONDS     OK COUNT, and so many bytes; or ERROR TEXT
//   STATISTICS                              answered, timed out, failed, gone

#include "object_store.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <iostream>
#include <sstream>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace {

using Clock = ObjectStore::Clock;
enum Count : std::size_t { answered, timed_out, failed, gone };

constexpr std::size_t most_clients = 500;
constexpr std::size_t longest_line = 512;
constexpr std::chrono::seconds patience{5}; // with a client that does not take its answer
aioxx::Queue* running = nullptr;            // for the signal's handler

class Server {
public:
    Server(aioxx::Queue& queue, ObjectStore& store, const aioxx::File& listener)
        : queue_(queue), store_(store), listener_(listener) {}

    aioxx::Task<> accept() {
        for (;;) {
            co_await permits_.acquire();
            co_await queue_.poll(listener_, POLLIN);
            const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0) {
                aioxx::spawn(queue_, serve(aioxx::File::adopt(fd)));
            } else { // it has gone again, or there are no more descriptors
                permits_.release();
                co_await queue_.sleep_for(std::chrono::milliseconds{1});
            }
        }
    }

private:
    aioxx::Task<> serve(aioxx::File client) {
        try {
            std::string text;
            for (bool stays = true; stays;) {
                const std::size_t end = text.find('\n');
                if (end != std::string::npos) {
                    stays = co_await answer(client, text.substr(0, end));
                    text.erase(0, end + 1);
                } else {
                    std::array<char, longest_line> part{};
                    const auto room = std::span{part}.first(longest_line - text.size());
                    const std::size_t got = co_await queue_.read(client, room);
                    text.append(part.data(), got);
                    stays = got > 0;
                }
            }
        } catch (const std::system_error&) {
            ++counts_[gone]; // it takes no answer
        }
        permits_.release();
    }

    /// False for a client that has gone.
    aioxx::Task<bool> answer(const aioxx::File& client, std::string line) {
        std::istringstream words{line};
        std::string command;
        std::string name;
        std::uint64_t offset = 0;
        std::size_t length = 0;
        std::uint32_t milliseconds = 0;
        words >> command >> name >> offset >> length >> milliseconds;
        std::string text;
        if (line == "STATISTICS") {
            text = std::to_string(counts_[answered]) + ' ' + std::to_string(counts_[timed_out]) +
                   ' ' + std::to_string(counts_[failed]) + ' ' + std::to_string(counts_[gone]) +
                   '\n';
        } else if (!words || command != "GET") {
            text = "ERROR GET NAME OFFSET LENGTH MILLISECONDS\n";
        } else {
            const auto deadline = Clock::now() + std::chrono::milliseconds{milliseconds};
            ObjectStore::Piece piece;
            try {
                auto [index, got] = co_await aioxx::when_any(
                    [&](std::stop_token stop) {
                        return store_.read(name, offset, length, deadline, std::move(stop));
                    },
                    queue_.poll(client, POLLHUP));
                if (index == 1) {
                    ++counts_[gone];
                    co_return false;
                }
                piece = std::get<ObjectStore::Piece>(std::move(got));
                text = "OK " + std::to_string(piece.count) + '\n';
                ++counts_[answered];
            } catch (const std::system_error& error) {
                ++counts_[error.code() == std::errc::timed_out ? timed_out : failed];
                text = "ERROR " + error.code().message() + '\n';
            }
            if (piece.count > 0) { // all together: the line goes before the bytes
                piece.from -= text.size();
                std::memcpy(piece.buffer.data() + piece.from, text.data(), text.size());
                aioxx::Part all{std::move(piece.buffer), piece.from, text.size() + piece.count};
                co_await queue_.write_all(client, std::move(all)).within(patience);
                co_return true;
            }
        }
        co_await queue_.write_all(client, std::move(text)).within(patience);
        co_return true;
    }

    aioxx::Queue& queue_;
    ObjectStore& store_;
    const aioxx::File& listener_;
    aioxx::Semaphore permits_{queue_, most_clients};
    std::array<std::uint64_t, 4> counts_{};
};

aioxx::File listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    aioxx::File listener =
        aioxx::File::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (::bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener.fd(), SOMAXCONN) != 0) {
        throw std::system_error(errno, std::generic_category(), path);
    }
    return listener;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: object_store DIRECTORY SOCKET BUFFERS\n";
        return 2;
    }
    try {
        const aioxx::File listener = listen_at(argv[2]);
        aioxx::Queue queue;
        ObjectStore store{queue, argv[1], std::strtoul(argv[3], nullptr, 10)};
        Server server{queue, store, listener};
        running = &queue;
        std::signal(SIGTERM, [](int) { running->stop(); });
        aioxx::spawn(queue, server.accept());
        queue.run();
        // Tasks end before what they use; what a disk holds may take longer.
        static_cast<void>(queue.close_for(std::chrono::milliseconds{100}));
        std::filesystem::remove(argv[2]);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
