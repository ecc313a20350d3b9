// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// No descriptor is left when a file has to be kept for what waits.

#include "child.hpp"
#include "descriptors.hpp"
#include "running_engine.hpp"

#include <sys/resource.h>

namespace aioxx::test {
namespace {

void leave_no_descriptor() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_NOFILE, &none);
}

TEST_CASE("what waits for a stream is done although that is closed without a descriptor left") {
    const ChildEnd end = run_in_child([] {
        RunningEngine engine;
        const Pipe pipe;
        File file = File::adopt(::fcntl(pipe.reader, F_DUPFD_CLOEXEC, 0));
        std::array<Transfer, 3> reads;
        for (Transfer& read : reads) {
            engine.begin(read, Kind::read, file);
        }
        leave_no_descriptor();
        file.close();
        for (Transfer& read : reads) {
            pipe.fill("abc");
            if (engine.result_of(read) != 3) {
                return static_cast<int>(-read.result);
            }
        }
        return 0;
    });
    CHECK(end.status == 0);
}

TEST_CASE("what waits for a slot is done although its file is closed without a descriptor left") {
    const ChildEnd end = run_in_child([] {
        Engine::Options options;
        options.depth = 1;
        RunningEngine engine{options};
        const TemporaryFile content{std::string(4096, 'x'), O_RDONLY | O_DIRECT};
        File file = File::adopt(::fcntl(content, F_DUPFD_CLOEXEC, 0));
        std::array<Transfer, 3> reads;
        for (Transfer& read : reads) {
            engine.start(read, Kind::read, file);
        }
        leave_no_descriptor();
        file.close();
        for (std::size_t i = 0; i < reads.size(); ++i) {
            const std::int64_t result = engine.next().result;
            if (result != 4096) {
                return static_cast<int>(-result);
            }
        }
        return 0;
    });
    CHECK(end.status == 0);
}

} // namespace
} // namespace aioxx::test
