// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Opening files as an operation. A FIFO is what waits in the call: until there is a writer.
#include "descriptors.hpp"
#include "devices/fuse_server.hpp"
#include "eventually.hpp"
#include "queue/files.hpp"
#include "skip.hpp"
#include "threads.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

using namespace aioxx::test;
using namespace std::chrono_literals;

namespace {

/// A FIFO, which goes with its directory.
struct Fifo : ScratchDirectory {
    Fifo() { REQUIRE(::mkfifo(path("file").c_str(), 0600) == 0); }
    [[nodiscard]] std::string name() const { return path("file"); }
    /// Whether anybody has it open for reading.
    [[nodiscard]] bool has_reader() const {
        const int writer = ::open(name().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        return writer >= 0 && ::close(writer) == 0;
    }
};

} // namespace

TEST_CASE("a file is opened by a worker, or by the queue's thread where there is none") {
    for (const unsigned workers : {16U, 0U}) {
        CAPTURE(workers);
        const ScratchDirectory directory;
        aioxx::Queue queue{{.workers = workers}};
        aioxx::File file;
        queue.open(directory.path("file"), O_RDWR | O_CREAT | O_EXCL, 0640)
            .start([&file](aioxx::Completion& done) {
                CHECK(done.result() >= 0);
                file = done.take_file();
                CHECK_FALSE(done.take_file().is_open());
            });
        queue.run();
        REQUIRE(file.is_open());
        struct stat status {};
        REQUIRE(::fstat(file.fd(), &status) == 0);
        CHECK((status.st_mode & 0700U) == 0600U);
        CHECK((status.st_mode & 0777U & ~0640U) == 0);
        CHECK((::fcntl(file.fd(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK(queue.statistics().offloaded == 1);
    }
}

TEST_CASE("a task awaits the file, and a failure names the path") {
    const ScratchDirectory directory;
    aioxx::Queue queue;
    const auto task = [](aioxx::Queue& on, const ScratchDirectory& in) -> aioxx::Task<> {
        const std::filesystem::path path = in.path("file");
        const aioxx::File made = co_await on.open(path, O_WRONLY | O_CREAT, 0600);
        co_await on.write_all(made, std::string_view{"abc"}, 0);
        const aioxx::File file = co_await on.open(path.c_str(), O_RDONLY);
        std::string text(3, '#');
        co_await on.read_full(file, text, 0);
        CHECK(text == "abc");
        std::string said;
        try {
            co_await on.open(in.path("missing"), O_RDONLY);
        } catch (const std::system_error& error) {
            CHECK(error.code() == std::errc::no_such_file_or_directory);
            said = error.what();
        }
        CHECK(said == "open of " + in.path("missing") + ": No such file or directory");
    };
    aioxx::run(queue, task(queue, directory));
}

TEST_CASE("a file that is not taken is closed") {
    const Fifo fifo;
    aioxx::Queue queue;
    for (int i = 0; i < 3; ++i) {
        queue.open(fifo.name(), O_RDONLY | O_NONBLOCK).start([&fifo](aioxx::Completion& done) {
            CHECK(done.result() >= 0);
            CHECK(fifo.has_reader());
        });
        queue.run();
        CHECK_FALSE(fifo.has_reader());
    }
}

TEST_CASE("a file that is opened after its user has given up is closed") {
    const Fifo fifo;
    aioxx::Queue queue;
    std::error_code error;
    queue.open(fifo.name(), O_RDONLY).within(10ms).start([&error](const aioxx::Completion& done) {
        error = done.error();
        CHECK(done.is_abandoned());
    });
    REQUIRE(eventually([] { return count_blocked_in(SYS_openat) == 1; }));
    queue.run();
    CHECK(error == std::errc::timed_out);
    CHECK(queue.statistics().quarantined == 1);
    {
        const Descriptor writer{::open(fifo.name().c_str(), O_WRONLY | O_CLOEXEC)};
        queue.wait_for_quarantine().start([](auto&) {});
        queue.run();
    }
    CHECK(queue.statistics().quarantined == 0);
    CHECK_FALSE(fifo.has_reader());
}

TEST_CASE("one whose deadline has passed, or that is cancelled before it begins, opens nothing") {
    const ScratchDirectory directory;
    const Fifo fifo;
    aioxx::Queue queue{{.workers = 1}};
    Outcomes outcomes{3};
    constexpr int flags = O_WRONLY | O_CREAT;
    queue.open(directory.path("file"), flags).within(0ns).start(outcomes.at(0));
    queue.open(fifo.name(), O_RDONLY).start(outcomes.at(1)); // has the worker
    REQUIRE(eventually([] { return count_blocked_in(SYS_openat) == 1; }));
    const aioxx::OperationId behind =
        queue.open(directory.path("file"), flags).start(outcomes.at(2));
    CHECK((queue.cancel(behind) == aioxx::Cancellation::cancelled));
    const Descriptor writer{::open(fifo.name().c_str(), O_WRONLY | O_CLOEXEC)};
    queue.run();
    CHECK(outcomes[0] == -ETIMEDOUT);
    CHECK(outcomes[1] >= 0);
    CHECK(outcomes[2] == -ECANCELED);
    CHECK(::access(directory.path("file").c_str(), F_OK) != 0);
}

TEST_CASE("a path that is null is EFAULT, as it is of File::open") {
    aioxx::Queue queue;
    std::string said;
    aioxx::run(queue, [](aioxx::Queue& on, std::string& text) -> aioxx::Task<> {
        const char* const none = nullptr;
        try {
            co_await on.open(none, O_RDONLY);
        } catch (const std::system_error& error) {
            CHECK(error.code() == std::errc::bad_address);
            text = error.what();
        }
    }(queue, said));
    CHECK(said == "open of a file: Bad address");
}

TEST_CASE("an open that is begun again is a logic error, whose text needs no path") {
    aioxx::Queue queue;
    auto open = queue.open("/dev/null", O_RDONLY);
    open.start([](auto&) {});
    queue.run();
    CHECK_THROWS_WITH_AS(
        open.start([](auto&) {}),
        "aioxx::Operation: open of a file has begun already, or has been moved from",
        std::logic_error);
}

TEST_CASE("one that was refused as data has given its path away, and does not begin again") {
    aioxx::Queue queue{{.limit = 1}};
    queue.sleep_for(1ms).start([](auto&) {});
    int first = 0;
    int again = 0;
    aioxx::run(queue, [](aioxx::Queue& on, int& one, int& other) -> aioxx::Task<> {
        auto open = on.open("/dev/null", O_RDONLY).completion();
        one = (co_await std::move(open)).error().value();
        co_await on.wait_for_capacity();
        other = (co_await std::move(open)).error().value(); // NOLINT(bugprone-use-after-move)
    }(queue, first, again));
    CHECK(first == EAGAIN);
    CHECK(again == EINVAL);
}

TEST_CASE("opens that wait for ever leave workers to what is not one") {
    constexpr unsigned workers = 4;
    std::vector<Fifo> fifos(workers);
    aioxx::Queue queue{{.workers = workers}};
    for (const Fifo& fifo : fifos) {
        queue.open(fifo.name(), O_RDONLY).start([](auto&) {});
    }
    REQUIRE(eventually([] { return count_blocked_in(SYS_openat) == workers - 1; }));
    const aioxx::File file = disk_file(O_RDWR, "abc");
    int flushed = 1;
    queue.fsync(file).start([&](const aioxx::Completion& done) {
        flushed = static_cast<int>(done.result());
        queue.stop();
    });
    queue.run();
    CHECK(flushed == 0);
    CHECK(count_blocked_in(SYS_openat) == workers - 1);
    std::vector<Descriptor> writers;
    for (const Fifo& fifo : fifos) {
        writers.emplace_back(::open(fifo.name().c_str(), O_RDWR | O_CLOEXEC));
    }
    queue.run();
}

TEST_CASE("what a file can do is asked for by the worker that has opened it") {
    auto server = attempt<FuseServer>();
    if (!server) {
        SKIP_CASE(server.reason());
    }
    aioxx::Queue queue;
    aioxx::File file;
    queue.open(server->file("file"), O_RDONLY).start([&](aioxx::Completion& done) {
        server->stop(); // who asked now would not be answered
        file = done.take_file();
        server->resume();
    });
    queue.run();
    CHECK(file.is_open());
}

TEST_CASE("a queue that ends while a file is being opened leaves none open") {
    const Fifo fifo;
    {
        aioxx::Queue queue;
        queue.open(fifo.name(), O_RDONLY).start([](auto&) {});
        REQUIRE(eventually([] { return count_blocked_in(SYS_openat) == 1; }));
        const aioxx::Queue::Left left = queue.close_for(10ms);
        CHECK(left.outstanding + left.quarantined == 1);
        const Descriptor writer{::open(fifo.name().c_str(), O_WRONLY | O_CLOEXEC)};
    }
    // Its rest ends in the background.
    CHECK(eventually([&fifo] { return !fifo.has_reader(); }));
}
