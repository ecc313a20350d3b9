// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// An engine on a kernel that knows no POLL.

#include "descriptors.hpp"
#include "engine/running_engine.hpp"
#include "scripted_kernel/scripted_kernel.hpp"

#include <cerrno>
#include <cstdint>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

int refuse_polls(const kernel::IocbLayout& iocb) {
    constexpr std::uint16_t poll = 5; // IOCB_CMD_POLL
    return iocb.opcode == poll ? EINVAL : 0;
}

TEST_CASE("a stream that is ready is found by one that only reaps") {
    ScriptedKernel kernel;
    kernel.model().set_refusal(refuse_polls);
    {
        RunningEngine engine;
        const Pipe pipe;
        const File file = File::borrow(pipe.reader);
        Transfer read;
        kernel.answer(Call::transfer, {Answer::error(EAGAIN)});
        engine.begin(read, Kind::read, file);
        CHECK(read.state() == State::watched);
        CHECK(engine.completed_now() == nullptr);
        CHECK(read.state() == State::watched);
        pipe.fill("x");
        CHECK(engine.completed_now() == &read); // it was tried again
    }
    kernel.wait_until_closed();
}

} // namespace
} // namespace aioxx::test
