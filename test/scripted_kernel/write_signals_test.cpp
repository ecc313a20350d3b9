// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The same on kernels before 6.18, which do not know RWF_NOSIGNAL.
#include "queue/write_signals.hpp"
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <utility>

#include <doctest/doctest.h>
#include <sys/uio.h>

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

/// Whether this kernel knows RWF_NOSIGNAL. One that does not is asked no more once it has said so.
bool knows_nosignal() {
    const Ends ends = make_pipe();
    char byte = 0;
    const iovec part{&byte, 1};
    return ::pwritev2(ends.writer.fd(), &part, 1, -1, static_cast<int>(RwFlags::nosignal)) == 1;
}

TEST_CASE("what is refused without NOSIGNAL as well is refused") {
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    {
        Queue queue;
        const Ends ends = make_pipe();
        CHECK(result_of_write(queue, ends.writer, bytes_of("content"), 0) == 7);
        const std::size_t before = kernel.calls(Call::transfer);
        kernel.answer(Call::transfer, {Answer::error(EINVAL), Answer::error(EINVAL)});
        CHECK(result_of_write(queue, ends.writer, bytes_of("content"), 0) == -EINVAL);
        CHECK(kernel.calls(Call::transfer) == before + (knows_nosignal() ? 2 : 1));
    }
    kernel.wait_until_closed();
}

} // namespace
} // namespace aioxx::test
