// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Helpers without an engine.

#include "engine/helpers.hpp"

#include "running_engine.hpp"

#include <aioxx/aioxx.hpp>

#include <cstddef>
#include <cstdint>
#include <system_error>

#include <doctest/doctest.h>

namespace aioxx::test {

using engine::Helpers;
using engine::Pin;

/// Helpers with a context, and a stand-in for the engine.
struct Crew {
    explicit Crew(Helpers::Options options = {}) : Crew(options, -1) {}
    /// What is signalled is `other_wake` in place of wake, if that is not negative.
    Crew(Helpers::Options options, int other_wake)
        : helpers(context, options, other_wake < 0 ? wake.fd() : other_wake, -1) {
        std::error_code error;
        helpers.start(error);
        REQUIRE(!error);
    }
    Pin* pin(int fd) {
        helpers.reserve_for(++files);
        return helpers.pin(fd);
    }
    /// The same although the keeper may end for idleness in between.
    Pin* pin_when_running(int fd) {
        Pin* pinned = nullptr;
        REQUIRE(eventually([&] {
            std::error_code error;
            helpers.start(error);
            REQUIRE(!error);
            pinned = pin(fd);
            return pinned != nullptr;
        }));
        return pinned;
    }
    /// A read, with the pin given to it.
    void hand_over(Transfer& transfer, Pin* pin) {
        REQUIRE(pin != nullptr);
        transfer.kind = Kind::read;
        transfer.base = transfer.bytes.data();
        transfer.length = transfer.length_wanted;
        transfer.route = engine::Route::helper;
        transfer.prepare(-1, -1);
        transfer.iocb.set_data(&transfer);
        transfer.pin = pin;
        helpers.hand_over(transfer);
    }
    /// The next that is done.
    Event next() {
        EventBatch events{1};
        while (context.wait(events, 1) != 1) {
        }
        return events[0];
    }
    std::int64_t result_of_next() { return next().result(); }

    EventFd wake{EventFd::Mode::nonblocking};
    Context context{64};
    Helpers helpers;
    std::size_t files = 0;
};

} // namespace aioxx::test
