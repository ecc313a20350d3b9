// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The same on kernels before 6.18, which do not know RWF_NOSIGNAL.
#include "queue/write_signals.hpp"
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <utility>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

TEST_CASE("where the kernel refuses NOSIGNAL a write without a reader is EPIPE, and no signal") {
    SKIP_UNDER_VALGRIND("this child ends well: a write to a socket without a peer differs");
    for (const int error : {EOPNOTSUPP, EINVAL}) {
        CAPTURE(error);
        bool is_known = false; // once for the process
        check_without_signals([&] {
            ScriptedKernel kernel{ScriptedKernel::Below::real};
            Queue queue;
            if (!std::exchange(is_known, true)) {
                kernel.answer(Call::transfer, {Answer::error(error)});
            }
            return write_to_nobody(queue);
        });
    }
}

TEST_CASE("what is refused without NOSIGNAL as well is refused") {
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    Queue queue;
    const Ends ends = make_pipe();
    CHECK(result_of_write(queue, ends.writer, bytes_of("content"), 0) == 7);
    const std::size_t before = kernel.calls(Call::transfer);
    kernel.answer(Call::transfer, {Answer::error(EINVAL), Answer::error(EINVAL)});
    CHECK(result_of_write(queue, ends.writer, bytes_of("content"), 0) == -EINVAL);
    CHECK(kernel.calls(Call::transfer) == before + 2);
}

} // namespace
} // namespace aioxx::test
