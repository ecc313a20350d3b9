// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Plain calls into the simulated kernel itself: what the other tests build on has to hold.
#include "descriptors.hpp"
#include "model/simulated_kernel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include <sys/mman.h>
#include <sys/stat.h>

using namespace aioxx::test;
namespace kernel = aioxx::kernel;

namespace {

constexpr int nowait = 0x08;
constexpr int append = 0x10;

constexpr Behaviour calm{.cuts_plain = false,
                         .at_once = 0,
                         .again = 0,
                         .interrupted = 0,
                         .would_block = 0,
                         .cut = 0,
                         .failed = 0,
                         .forgotten = 0};

Behaviour with(unsigned Behaviour::*chance, unsigned percent = 100) {
    Behaviour behaviour = calm;
    behaviour.*chance = percent;
    return behaviour;
}

/// A simulated kernel with a context of this thread's, and one file.
struct Simulated {
    explicit Simulated(const Behaviour& behaviour, SimulatedFile::Traits traits = {})
        : model(1, behaviour) {
        REQUIRE(model.setup(4, &handle) == 0);
        simulated = model.add(file, traits);
    }
    ~Simulated() { model.destroy(handle); }
    Simulated(const Simulated&) = delete;
    Simulated& operator=(const Simulated&) = delete;

    std::int64_t transfer(bool write, std::int64_t at, int flags = 0) {
        const std::array<iovec, 2> parts{iovec{bytes.data(), 3},
                                         iovec{bytes.data() + 3, bytes.size() - 3}};
        return model.transfer(write, file, parts.data(), parts.size(), at, flags);
    }
    std::int64_t read(std::int64_t at, int flags = 0) { return transfer(false, at, flags); }
    std::int64_t write(std::int64_t at, int flags = 0) { return transfer(true, at, flags); }
    [[nodiscard]] std::size_t violations() const { return model.violations().size(); }
    void wait_until_held() const {
        while (!model.holds(bytes.data(), bytes.size())) {
            std::this_thread::yield();
        }
    }

    SimulatedKernel model;
    kernel::Handle handle = 0;
    Descriptor file{::memfd_create("simulated", MFD_CLOEXEC)};
    std::shared_ptr<SimulatedFile> simulated;
    std::array<std::byte, 8> bytes{};
};

TEST_CASE("plain calls are made on what is simulated") {
    Simulated s{calm};
    s.bytes.fill(std::byte{7});
    CHECK(s.write(4) == 8);
    CHECK(s.write(0, append) == 8);
    CHECK(s.simulated->bytes.size() == 20);
    CHECK(s.model.flush(false, s.file) == 0);
    s.bytes.fill(std::byte{0});
    CHECK(s.read(6) == 8);
    CHECK(std::count(s.bytes.begin(), s.bytes.end(), std::byte{7}) == 8);
    CHECK(s.read(16) == 4);
    CHECK(s.read(20) == 0);
    struct stat status {};
    REQUIRE(::fstat(s.file, &status) == 0);
    CHECK(status.st_size == 20);
    CHECK(s.violations() == 0);
}

TEST_CASE("a plain call ends with each error that it can") {
    Simulated failing{with(&Behaviour::failed)};
    CHECK(failing.write(0) == -EIO);
    CHECK(failing.model.flush(true, failing.file) == -EIO);
    CHECK(failing.simulated->bytes.empty());
    Simulated interrupted{with(&Behaviour::interrupted)};
    CHECK(interrupted.write(0) == -EINTR);
    Simulated blocking{with(&Behaviour::would_block)};
    CHECK(blocking.write(0, nowait) == -EAGAIN);
    CHECK(blocking.write(0) == 8);
    Simulated without_nowait{calm, {.nowait_refused = true}};
    CHECK(without_nowait.read(0, nowait) == -EOPNOTSUPP);
    Behaviour cutting = with(&Behaviour::cut);
    cutting.cuts_plain = true;
    Simulated shortened{cutting};
    unsigned fewer = 0;
    for (int i = 0; i < 20; ++i) {
        const std::int64_t written = shortened.write(0);
        CHECK(written > 0);
        fewer += written < 8 ? 1U : 0U;
    }
    CHECK(fewer > 0);
}

TEST_CASE("a plain call at no offset, at one on a pipe, or on another file is a violation") {
    Simulated s{calm};
    CHECK(s.read(-1) == -EINVAL);
    CHECK(s.violations() == 1);
    const Pipe pipe;
    s.model.add(pipe.reader, {});
    const iovec part{s.bytes.data(), 1};
    CHECK(s.model.transfer(false, pipe.reader, &part, 1, 0, nowait) == -ESPIPE);
    CHECK(s.violations() == 2);
    const Descriptor other{::memfd_create("other", MFD_CLOEXEC)};
    CHECK(s.model.transfer(false, other, &part, 1, 0, 0) == -EBADF);
    CHECK(s.violations() == 3);
    CHECK(s.model.flush(false, closed_descriptor()) == -EBADF);
}

TEST_CASE("where there are workers, a plain call that may block is a violation on this thread") {
    Behaviour behaviour = calm;
    behaviour.threads = true;
    Simulated s{behaviour};
    CHECK(s.write(0, nowait) == 8);
    std::thread{[&] {
        CHECK(s.write(0) == 8);
        CHECK(s.model.flush(false, s.file) == 0);
    }}.join();
    CHECK(s.violations() == 0);
    CHECK(s.write(0) == 8);
    CHECK(s.violations() == 1);
    CHECK(s.model.flush(false, s.file) == 0);
    CHECK(s.violations() == 2);
    Simulated in_memory{behaviour, {.in_memory = true}};
    CHECK(in_memory.write(0) == 8);
    CHECK(in_memory.violations() == 0);
}

TEST_CASE("one that is forgotten returns when it is released, and has its memory until then") {
    Simulated s{with(&Behaviour::forgotten)};
    std::int64_t result = -1;
    std::thread worker{[&] { result = s.read(0); }};
    s.wait_until_held();
    CHECK(!s.model.holds(s.bytes.data(), s.bytes.size(), true)); // it is no write
    CHECK(s.model.advance(10) == 0);
    const bool scribbled_on = std::any_of(s.bytes.begin(), s.bytes.end(),
                                          [](std::byte one) { return one != std::byte{0}; });
    CHECK(scribbled_on);
    CHECK(s.model.release());
    worker.join();
    CHECK(result == 0); // the file is empty
    CHECK(!s.model.holds(s.bytes.data(), s.bytes.size()));
    s.model.on_stuck([&] { return s.model.release(); });
    CHECK(s.model.flush(false, s.file) == 0); // and on this thread
}

TEST_CASE("what is written by a plain call may not change before it returns") {
    Simulated s{with(&Behaviour::forgotten)};
    std::thread worker{[&] { s.write(0); }};
    s.wait_until_held();
    CHECK(s.model.holds(s.bytes.data(), s.bytes.size(), true));
    s.bytes[5] = std::byte{1};
    CHECK(s.model.release());
    worker.join();
    CHECK(s.violations() == 1);
}

TEST_CASE("a plain call of a worker returns late, but also when no other thread lets time pass") {
    Simulated s{calm};
    std::int64_t result = -1;
    std::chrono::steady_clock::duration took{};
    std::thread{[&] {
        const auto before = std::chrono::steady_clock::now();
        result = s.write(0);
        took = std::chrono::steady_clock::now() - before;
    }}.join();
    CHECK(result == 8);
    CHECK(took >= std::chrono::milliseconds{3});
}

TEST_CASE("a plain call on a pipe waits until that is ready") {
    Simulated s{calm};
    const Pipe pipe;
    s.model.add(pipe.reader, {});
    const iovec part{s.bytes.data(), s.bytes.size()};
    const auto read = [&](int flags) {
        return s.model.transfer(false, pipe.reader, &part, 1, -1, flags);
    };
    CHECK(read(nowait) == -EAGAIN);
    std::int64_t result = -1;
    std::thread worker{[&] { result = read(0); }};
    s.wait_until_held();
    CHECK(s.model.advance(1) == 0);
    pipe.fill("abc");
    worker.join();
    CHECK(result == 3);
    s.model.on_stuck([&] {
        pipe.fill("de");
        return true;
    });
    CHECK(read(0) == 2); // on this thread
    CHECK(s.violations() == 0);
}

} // namespace
