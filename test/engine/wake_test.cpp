// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A thread that sleeps beside others that reap, as the POSIX layer's attendant does.

#include "running_engine.hpp"

namespace aioxx::test {
namespace {

using Sleep = engine::Mailbox::Sleep;

TEST_CASE("the wake of a thread that sleeps is left to it by one that reaps meanwhile") {
    RunningEngine engine;
    REQUIRE(engine->uses_kernel_aio()); // so that the sleep is in the ring
    engine->flush();
    CHECK(engine->mailbox().begin_sleep(Sleep::ring));
    engine->wake();
    for (int round = 0; round < 3; ++round) { // the mail, the poll's event, the event once more
        CHECK(eventually([&] { return engine->has_events(); }));
        CHECK(engine.reap());
        engine->flush();
    }
    engine->mailbox().end_sleep(Sleep::ring);
    CHECK(eventually([&] {
        engine.reap(); // which reads the wake now
        engine->flush();
        return !engine->has_events();
    }));
}

TEST_CASE("a wake for which no thread sleeps is gone when it has been reaped") {
    RunningEngine engine;
    engine->wake();
    CHECK(engine->has_events());
    CHECK(engine.reap());
    engine->flush();
    CHECK_FALSE(engine->has_events());
}

} // namespace
} // namespace aioxx::test
