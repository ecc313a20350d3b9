// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/fuse_server.hpp"
#include "eventually.hpp"
#include "programs/program.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <fstream>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

using namespace aioxx::test;

namespace {

class Client {
public:
    /// Waits for the server to listen.
    explicit Client(const std::string& path)
        : socket_(aioxx::File::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        REQUIRE(eventually([&] {
            return ::connect(socket_.fd(), reinterpret_cast<sockaddr*>(&address),
                             sizeof(address)) == 0;
        }));
    }

    void ask(const std::string& line) {
        REQUIRE(::send(socket_.fd(), line.data(), line.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(line.size()));
    }
    std::string read_line() {
        std::string line;
        for (char c = 0; ::recv(socket_.fd(), &c, 1, 0) == 1 && c != '\n';) {
            line += c;
        }
        return line;
    }
    std::string read(std::size_t bytes) {
        std::string text(bytes, '\0');
        const ssize_t got = bytes == 0 ? 0 : ::recv(socket_.fd(), text.data(), bytes, MSG_WAITALL);
        text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return text;
    }
    /// What the answer to a GET is: its bytes, or its line where that is no OK.
    std::string get(const std::string& what) {
        ask("GET " + what + '\n');
        const std::string line = read_line();
        return line.starts_with("OK ") ? read(std::stoul(line.substr(3))) : line;
    }
    std::string statistics() {
        ask("STATISTICS\n");
        return read_line();
    }

private:
    aioxx::File socket_;
};

/// A store on a FUSE server, which answers nothing of some files until it is let go. Throws where
/// there is none.
struct HeldStore {
    explicit HeldStore(const std::string& buffers) : program({server.path(), socket, buffers}) {
        server.close_gate();
    }
    FuseServer server;
    TemporaryDirectory here;
    std::string socket = here.file("socket");
    Program program;
    Client client{socket};
};

/// What a file of the FUSE server has there.
std::string bytes_at(std::size_t offset, std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i) {
        bytes[i] = static_cast<char>((offset + i) / 512);
    }
    return bytes;
}

} // namespace

TEST_CASE("a piece of an object is what the file has there, wherever it begins and ends") {
    const TemporaryDirectory here;
    const std::string socket = here.file("socket");
    std::string object(300'001, '\0');
    for (std::size_t i = 0; i < object.size(); ++i) {
        object[i] = static_cast<char>(i * 31 + i / 256);
    }
    std::ofstream{here.file("object"), std::ios::binary} << object;
    std::ofstream{here.file("empty"), std::ios::binary};
    Program program{{here.path(), socket, "4"}};
    Client client{socket};
    CHECK(client.get("object 0 4096 1000") == object.substr(0, 4096));
    CHECK(client.get("object 1 4096 1000") == object.substr(1, 4096));
    CHECK(client.get("object 4095 2 1000") == object.substr(4095, 2));
    CHECK(client.get("object 131072 1000000 1000") == object.substr(131072, 131072));
    CHECK(client.get("object 299999 100 1000") == object.substr(299999));
    CHECK(client.get("object 300001 100 1000").empty());
    CHECK(client.get("object 999999 100 1000").empty());
    CHECK(client.get("empty 0 100 1000").empty());
    CHECK(client.get("missing 0 100 1000") == "ERROR No such file or directory");
    CHECK(client.get("../socket 0 100 1000") == "ERROR Invalid argument");
    CHECK(client.get("object 18446744073709551615 100 1000") == "ERROR Invalid argument");
    CHECK(client.get("object 0 -") == "ERROR GET NAME OFFSET LENGTH MILLISECONDS");
    CHECK(client.statistics() == "8 0 3 0");
}

TEST_CASE("many files are read, more than are kept open") {
    const TemporaryDirectory here;
    const std::string socket = here.file("socket");
    constexpr int files = 600;
    for (int i = 0; i < files; ++i) {
        std::ofstream{here.file(std::to_string(i))} << "object " << i;
    }
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const rlimit few{300, usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0); // of descriptors, for the program
    Program program{{here.path(), socket, "4"}};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    Client client{socket};
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < files; ++i) {
            CHECK(client.get(std::to_string(i) + " 0 100 1000") == "object " + std::to_string(i));
        }
    }
}

TEST_CASE("a client is answered at its deadline, whatever the disk does") {
    auto held = attempt<HeldStore>("2");
    if (!held) {
        SKIP_CASE(held.reason());
    }
    Client& client = held->client;
    // A second: the disk has the read by then.
    CHECK(client.get("gate 0 100 1000") == "ERROR Connection timed out");
    CHECK(client.get("plain 4096 100 10000") == bytes_at(4096, 100)); // by the other buffer
    CHECK(client.get("gate 0 100 1000") == "ERROR Connection timed out");
    CHECK(client.get("plain 0 100 20") == "ERROR Connection timed out"); // the disk has both
    held->server.open_gate();
    CHECK(client.get("plain 512 100 10000") == bytes_at(512, 100));
    CHECK(client.get("gate 0 100 10000") == bytes_at(0, 100));
    CHECK(client.statistics() == "3 3 0 0");
}

TEST_CASE("nothing is kept for a client that goes away") {
    auto held = attempt<HeldStore>("1");
    if (!held) {
        SKIP_CASE(held.reason());
    }
    Client& client = held->client;
    {
        Client on_the_disk{held->socket};
        on_the_disk.ask("GET gate 0 100 1000000\n");
        held->server.await_waiting(1);
        Client waits_for_the_buffer{held->socket};
        waits_for_the_buffer.ask("GET plain 0 100 1000000\n");
    }
    CHECK(eventually([&] { return client.statistics() == "0 0 0 2"; }));
    held->server.open_gate(); // and the buffer comes back
    CHECK(client.get("plain 0 100 10000") == bytes_at(0, 100));
}

TEST_CASE("it ends when it is asked to, with clients that wait and a disk that hangs") {
    auto held = attempt<HeldStore>("1");
    if (!held) {
        SKIP_CASE(held.reason());
    }
    Client& client = held->client;
    client.ask("GET gate 0 100 1000000\n");
    held->server.await_waiting(1);
    Client other{held->socket};
    other.ask("GET plain 0 100 1000000\n");
    held->program.kill(SIGTERM);
    CHECK(client.read_line().empty());
    CHECK(other.read_line().empty());
    held->server.open_gate();
    CHECK(held->program.wait().status == 0);
    CHECK(::access(held->socket.c_str(), F_OK) != 0);
}
