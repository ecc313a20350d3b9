// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What an operation takes as memory, borrowed and moved in, and as a place in a file.
#include "devices/fuse_server.hpp"
#include "queue/files.hpp"
#include "skip.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace aioxx::test;
using namespace std::chrono_literals;
using aioxx::Completion;
using aioxx::Part;
using aioxx::Queue;

namespace {

struct Point {
    int x;
    int y;
};

/// Runs `operation` to its end, which has to be a good one.
template <typename Operation>
Completion run_well(Queue& queue, Operation&& operation) {
    std::optional<Completion> end;
    std::forward<Operation>(operation).start([&](Completion& done) { end = std::move(done); });
    queue.run();
    REQUIRE(end.has_value());
    CHECK_FALSE(end->error());
    return std::move(*end);
}

template <typename Operation>
std::string text_of_refusal(Operation&& operation) {
    try {
        std::forward<Operation>(operation).start([](const Completion&) {});
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::invalid_argument);
        return error.what();
    }
    return {};
}

/// Counts how many of it there are, to see when it goes.
struct Counted {
    std::shared_ptr<int> count = std::make_shared<int>(0);
    std::vector<char> bytes = std::vector<char>(4096);

    [[nodiscard]] char* data() noexcept { return bytes.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return bytes.size(); }
    [[nodiscard]] char* begin() noexcept { return bytes.data(); }
    [[nodiscard]] char* end() noexcept { return bytes.data() + bytes.size(); }
};

} // namespace

TEST_CASE("memory that is borrowed is any contiguous range of what is trivially copyable") {
    const aioxx::File file = disk_file();
    Queue queue;
    std::string text{"text "};
    const std::vector<char> letters{'a', 'b', ' '};
    std::vector<unsigned char> bytes{'c', 'd', ' '};
    const std::array<std::uint16_t, 1> number{0x3131};
    char plain[3] = {'p', 'q', ' '};
    std::vector<Point> points{{0x32323232, 0x33333333}};
    CHECK(run_well(queue, queue.write_all(file, text, 0)).bytes() == 5);
    CHECK(run_well(queue, queue.write_all(file, letters, 5)).bytes() == 3);
    CHECK(run_well(queue, queue.write_all(file, bytes, 8)).bytes() == 3);
    CHECK(run_well(queue, queue.write_all(file, number, 11)).bytes() == 2);
    CHECK(run_well(queue, queue.write_all(file, plain, 13)).bytes() == 3);
    CHECK(run_well(queue, queue.write_all(file, std::span{points}, 16)).bytes() == sizeof(Point));
    CHECK(run_well(queue, queue.write_all(file, std::string_view{"view"}, 24)).bytes() == 4);
    CHECK(content_of(file) == "text ab cd 11pq 22223333view");

    std::string read_back(5, ' ');
    CHECK(run_well(queue, queue.read_full(file, read_back, 3)).bytes() == 5);
    CHECK(read_back == "t ab ");
    points.assign(2, Point{0, 0});
    const Completion end = run_well(queue, queue.read_full(file, points, 16));
    CHECK(end.bytes() == 12);
    CHECK(end.end_of_file());
    CHECK(points[0].y == 0x33333333);
    CHECK(run_well(queue, queue.read(file, plain, 0)).bytes() == 3);
    CHECK(std::string_view{plain, 3} == "tex");
}

TEST_CASE("a string or vector that is moved in comes back as it is, without its bytes copied") {
    const aioxx::File file = disk_file(O_RDWR, "abcdefgh");
    Queue queue;
    std::vector<unsigned char> bytes(6);
    const unsigned char* const place = bytes.data();
    Completion end = run_well(queue, queue.read(file, std::move(bytes), 2));
    CHECK(end.bytes() == 6);
    bytes = end.take_memory<std::vector<unsigned char>>();
    CHECK(bytes.data() == place);
    CHECK(std::string{bytes.begin(), bytes.end()} == "cdefgh");
    CHECK(end.take_memory<std::vector<unsigned char>>().empty());

    end = run_well(queue, queue.write_all(file, std::string{"short"}, 0)); // inside of the string
    CHECK(end.take_memory<std::string>() == "short");
    end = run_well(queue, queue.write_all(file, std::vector<int>{0x35353535}, 8));
    CHECK(end.take_memory<std::vector<int>>().size() == 1);
    CHECK(content_of(file) == "shortfgh5555");
    end = run_well(queue, queue.write_all(file, std::vector<char>{}, 0));
    CHECK(end.bytes() == 0);
}

TEST_CASE(
    "what is taken as another type than was moved in is empty, and goes with the completion") {
    const aioxx::File file = disk_file(O_RDWR, std::string(4096, 'x'));
    Queue queue;
    Counted counted;
    const std::shared_ptr<int> count = counted.count;
    {
        Completion end = run_well(queue, queue.read(file, std::move(counted), 0));
        CHECK(end.take_memory<std::string>().empty());
        CHECK(end.buffer().size() == 4096);
        CHECK(count.use_count() == 2);
    }
    CHECK(count.use_count() == 1);
}

TEST_CASE("an empty vector that is moved in is the operation's as well") {
    const aioxx::File file = disk_file();
    Queue queue;
    Counted counted;
    counted.bytes = {};
    const std::shared_ptr<int> count = counted.count;
    CHECK(run_well(queue, queue.write(file, std::move(counted), 0)).bytes() == 0);
    CHECK(count.use_count() == 1);
}

TEST_CASE("a task gets back what it has moved in") {
    const aioxx::File file = disk_file();
    Queue queue;
    const auto works = [](Queue& on, const aioxx::File& to) -> aioxx::Task<> {
        aioxx::TransferOf<std::string> end = co_await on.write_all(to, std::string{"by a task"}, 0);
        CHECK(end.memory == "by a task");
        end.memory.assign(20, ' ');
        end = co_await on.read_full(to, std::move(end.memory), 3);
        CHECK(end.bytes == 6);
        CHECK(end.end_of_file);
        CHECK(end.memory.substr(0, end.bytes) == "a task");
    };
    aioxx::run(queue, works(queue, file));
}

TEST_CASE("of a part the part is transferred, and the memory comes back whole") {
    const aioxx::File file = disk_file(O_RDWR, "0123456789");
    aioxx::BufferPool pool{1, 4096};
    Queue queue;
    aioxx::AlignedBuffer buffer = pool.try_take();
    std::byte* const place = buffer.data();
    Completion end = run_well(queue, queue.read_full(file, Part{std::move(buffer), 4}, 2));
    CHECK(end.bytes() == 4);
    CHECK_FALSE(end.end_of_file()); // it asked for no more
    buffer = end.take_buffer();
    CHECK(buffer.data() == place);
    CHECK(buffer.size() == 4096);
    CHECK(text_of(buffer.first(4)) == "2345");
    end = run_well(queue, queue.write_all(file, Part{std::move(buffer), 1, 2}, 0));
    CHECK(content_of(file) == "3423456789");
    CHECK(end.take_buffer().data() == place);
    CHECK(pool.available() == 1);

    end = run_well(queue, queue.write_all(file, Part{std::string{"abcdef"}, 3}, 4));
    CHECK(end.bytes() == 3);
    CHECK(end.take_memory<std::string>() == "abcdef");
    CHECK(content_of(file) == "3423abc789");
}

TEST_CASE("a part that reaches behind the end is out_of_range, and takes nothing") {
    aioxx::AlignedBuffer buffer{16, 16};
    CHECK_THROWS_AS((Part{std::move(buffer), 17}), std::out_of_range);
    CHECK_THROWS_AS((Part{std::move(buffer), 8, 9}), std::out_of_range);
    CHECK_THROWS_AS((Part{std::move(buffer), 17, 0}), std::out_of_range);
    CHECK_THROWS_AS((Part{std::move(buffer), 8, ~std::size_t{0}}), std::out_of_range);
    CHECK(buffer.size() == 16);
    std::vector<int> numbers(4);
    CHECK_THROWS_AS((Part{std::move(numbers), 17}), std::out_of_range);
    CHECK(numbers.size() == 4);
    const Part all{std::move(numbers), 16};
    CHECK(all.count() == 16);
}

TEST_CASE("what was refused gives a moved string back") {
    const aioxx::File closed;
    Queue queue;
    const auto works = [](Queue& on, const aioxx::File& to) -> aioxx::Task<> {
        Completion end = co_await on.write(to, std::string{"mine"}, 0).completion();
        CHECK(end.error() == std::errc::bad_file_descriptor);
        CHECK(end.take_memory<std::string>() == "mine");
    };
    aioxx::run(queue, works(queue, closed));
}

TEST_CASE("a moved vector that was given up stays until the kernel lets go of it") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    const aioxx::File file = aioxx::File::open(server->file("gate"), O_RDWR);
    server->close_gate();
    Queue queue;
    Counted counted;
    const std::shared_ptr<int> count = counted.count;
    bool told = false;
    const aioxx::OperationId id =
        queue.read(file, std::move(counted), 0).start([&](Completion& done) {
            told = done.is_abandoned() && done.take_memory<Counted>().count.use_count() == 1;
        });
    server->await_waiting(1);
    queue.cancel(id);
    queue.run();
    CHECK(told);
    CHECK(count.use_count() == 2);
    server->open_gate();
    CHECK(queue.close_for(1h).quarantined == 0);
    CHECK(count.use_count() == 1);
}

TEST_CASE("streams and appends take no offset, and what has offsets is refused without one") {
    Queue queue;
    const Ends pipe = make_pipe();
    CHECK(run_well(queue, queue.write_all(pipe.writer, std::string{"stream"})).bytes() == 6);
    std::string text(6, ' ');
    CHECK(run_well(queue, queue.read(pipe.reader, text)).bytes() == 6);
    CHECK(text == "stream");

    const aioxx::File log = disk_file(O_RDWR | O_APPEND, "one ");
    CHECK(run_well(queue, queue.write_all(log, std::string_view{"two "})).bytes() == 4);
    const aioxx::File file = disk_file(O_RDWR, "one ");
    CHECK(
        run_well(queue, queue.write_all(file, std::string_view{"two"}).with(aioxx::RwFlags::append))
            .bytes() == 3);
    CHECK(content_of(log) == "one two ");
    CHECK(content_of(file) == "one two");

    CHECK(text_of_refusal(queue.read(log, text)).find("read of 6 bytes, descriptor ") == 0);
    CHECK(text_of_refusal(queue.write(file, text)).find("no offset was given") !=
          std::string::npos);
    CHECK(queue.outstanding() == 0);
}

TEST_CASE("a path is anything with c_str()") {
    const std::string name{"/dev/zero"};
    CHECK(aioxx::File::open(name, O_RDONLY).is_open());
    CHECK(aioxx::File::open(std::filesystem::path{name}, O_RDONLY).is_open());
    std::error_code error;
    CHECK_FALSE(aioxx::File::open(std::string{"/dev/none"}, O_RDONLY, 0, error).is_open());
    CHECK(error == std::errc::no_such_file_or_directory);
    CHECK(aioxx::File::open_at(AT_FDCWD, name, O_RDONLY, 0, error).is_open());
}
