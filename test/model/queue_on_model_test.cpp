// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A queue under everything that a kernel may do, drawn from a seed.
#include "model/driver.hpp"
#include "model/seeds.hpp"

#include <chrono>
#include <csignal>

#include <signal.h>

using namespace aioxx::test;

namespace {

std::vector<std::string> run_on_model(std::uint64_t seed, bool threads) {
    Random random{seed * 2 + (threads ? 1 : 0)};
    Behaviour behaviour = Behaviour::drawn_from(random);
    behaviour.threads = threads;
    SimulatedKernel model{seed, behaviour};
    ScriptedKernel scripted{model};
    std::vector<std::string> failures;
    {
        Driver driver{seed, &model, behaviour, "."};
        driver.run();
        failures = driver.failures();
    }
    scripted.wait_until_closed();
    if (scripted.misuses() != 0) {
        failures.emplace_back("a call on a context that was not open");
    }
    return failures;
}

TEST_CASE("a queue keeps its contracts on a kernel that does anything") {
    for_seeds(1500, [](std::uint64_t seed) { return run_on_model(seed, false); });
}

TEST_CASE("and with helper threads that enter it at the same time") {
    for_seeds(200, [](std::uint64_t seed) { return run_on_model(seed, true); });
}

TEST_CASE("what is posted while a queue waits ends its wait") {
    for (const unsigned again : {0U, 50U}) {
        Behaviour behaviour;
        behaviour.again = again;
        behaviour.interrupted = 0;
        SimulatedKernel model{1, behaviour};
        ScriptedKernel scripted{model};
        bool called = false;
        {
            aioxx::Queue queue;
            model.on_stuck([&] {
                return !called && (queue.post([&] { called = queue.cancel_all() == 1; }), true);
            });
            queue.sleep_for(std::chrono::hours{1}).start([](const aioxx::Completion&) {});
            queue.run();
        }
        scripted.wait_until_closed();
        CHECK(called);
    }
}

TEST_CASE("and on the real kernel") {
    ::signal(SIGPIPE, SIG_IGN);
    for_seeds(60, [](std::uint64_t seed) {
        Behaviour behaviour;
        behaviour.threads = true;
        behaviour.failed = 0;
        Driver driver{seed, nullptr, behaviour, "."};
        driver.run();
        return driver.failures();
    });
}

} // namespace
