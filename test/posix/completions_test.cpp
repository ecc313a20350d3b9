// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What happens where completions are looked for, in a layer that the test has for itself.

#include "posix/completions.hpp"

#include "descriptors.hpp"
#include "eventually.hpp"
#include "posix/starting_call.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>
#include <string>
#include <system_error>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using posix::ControlBlock;
using posix::CriticalSection;
using posix::Layer;
using posix::StartingCall;

/// Ends when its attendant has.
class OwnLayer {
public:
    OwnLayer() : layer_({.workers = 2, .idle = std::chrono::milliseconds{1}}, error_) {
        REQUIRE(!error_);
    }
    ~OwnLayer() {
        CHECK(eventually([&] {
            const CriticalSection section;
            return !layer_.attendant().runs();
        }));
    }
    OwnLayer(const OwnLayer&) = delete;
    OwnLayer& operator=(const OwnLayer&) = delete;

    Layer* operator->() noexcept { return &layer_; }
    operator Layer&() noexcept { return layer_; }

private:
    std::error_code error_;
    Layer layer_;
};

/// A write of one byte, or a read.
struct OneByte {
    OneByte(int fd, int signal = 0) {
        block.fd = fd;
        block.buffer = &byte;
        block.length = 1;
        block.notification.sigev_notify = signal != 0 ? SIGEV_SIGNAL : SIGEV_NONE;
        block.notification.sigev_signo = signal;
    }

    char byte = 'x';
    ControlBlock block{};
};

/// Into a pipe whose reader goes once the write waits; by a descriptor of the engine's own, so that
/// the thread which reaps submits it.
struct BrokenPipe {
    BrokenPipe() : pipe(O_NONBLOCK) {
        const std::string page(4096, 'x');
        while (::write(pipe.writer, page.data(), page.size()) > 0) {
        }
        REQUIRE(::fcntl(pipe.writer, F_SETFL, 0) == 0);
    }
    void begin(Layer& layer, const CriticalSection& section, OneByte& write) {
        int error = 0;
        layer.descriptors().find(pipe.writer, error)->policy(std::size_t{1}).refuse_nowait();
        {
            StartingCall call{layer, section, nullptr};
            CHECK(call.start(write.block, {Kind::write, 0}) == 0);
        }
        CHECK(write.block.error_now() == EINPROGRESS);
        pipe.reader.close();
    }

    Pipe pipe;
};

/// Takes a SIGPIPE that is pending; its si_code, or none.
std::optional<int> take_pipe_signal() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGPIPE);
    siginfo_t info{};
    const timespec now{};
    return ::sigtimedwait(&set, &info, &now) == SIGPIPE ? std::optional{info.si_code}
                                                        : std::nullopt;
}

/// Reaps as aio_error does, in one CriticalSection, until the write has ended.
void reap_until_broken(Layer& layer, const CriticalSection& section, const OneByte& write) {
    CHECK(eventually([&] {
        layer.completions().reap(&section.before());
        return write.block.error_now() == EPIPE;
    }));
}

TEST_CASE("a write that had to wait, and is submitted by who reaps, sends no SIGPIPE") {
    OwnLayer layer;
    BrokenPipe broken;
    OneByte write{broken.pipe.writer};
    const CriticalSection section; // the attendant waits for it
    broken.begin(layer, section, write);
    reap_until_broken(layer, section, write);
    CHECK_FALSE(take_pipe_signal());
}

TEST_CASE("a notice by SIGPIPE comes, although a write ends with EPIPE beside it") {
    OwnLayer layer;
    BrokenPipe broken;
    OneByte write{broken.pipe.writer, SIGPIPE};
    const CriticalSection section;
    broken.begin(layer, section, write);
    reap_until_broken(layer, section, write);
    CHECK(take_pipe_signal() == SI_ASYNCIO);
    CHECK_FALSE(take_pipe_signal());
}

} // namespace
} // namespace aioxx::test
