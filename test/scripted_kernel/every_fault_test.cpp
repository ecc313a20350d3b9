// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// One use of everything that Context has, and of the plain calls, again and again: each time
// another call fails, with another of the errors that it can give, until a run comes to its end
// without having met one. After each, nothing is leaked, freed twice or lost.
#include "descriptors.hpp"
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <aioxx/aioxx.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>

#include <poll.h>
#include <sys/uio.h>

using namespace aioxx::test;
namespace kernel = aioxx::kernel;
using aioxx::CancelResult;
using aioxx::Context;
using aioxx::Event;
using aioxx::EventBatch;
using aioxx::Iocb;

namespace {

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator entries{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

struct Operation {
    Iocb iocb;
    bool accepted = false;
    unsigned events = 0;
    std::int64_t result = 0;
};

/// A write, a read, an fsync, two polls, one of which is cancelled, and one that is refused.
struct Use {
    Use() {
        for (Operation* const each : all()) {
            each->iocb.prepare_fsync(file);
        }
        write.iocb.prepare_write(file, std::as_bytes(std::span{text.data(), text.size()}), 0);
        read.iocb.prepare_read(file, std::as_writable_bytes(std::span{buffer}), 0);
        cancelled.iocb.prepare_poll(pipe.reader, POLLIN);
        ready.iocb.prepare_poll(pipe.writer, POLLOUT);
        refused.iocb.prepare_fsync(closed_descriptor());
        for (Operation* const each : all()) {
            each->iocb.set_data(each);
        }
    }

    std::array<Operation*, 6> all() {
        return {&write, &read, &flush, &refused, &cancelled, &ready};
    }
    [[nodiscard]] std::size_t missing() {
        const auto in_flight = [](const Operation* each) {
            return each->accepted && each->events == 0;
        };
        const auto operations = all();
        return static_cast<std::size_t>(
            std::count_if(operations.begin(), operations.end(), in_flight));
    }
    void note(const EventBatch& events) {
        for (const Event& event : events) {
            auto& operation = *event.data_as<Operation>();
            CHECK(&event.iocb() == &operation.iocb);
            ++operation.events;
            operation.result = event.result();
        }
    }
    /// Each that was accepted came once, the others not at all; what was done is done.
    void check() {
        for (const Operation* const each : all()) {
            CHECK(each->events == (each->accepted ? 1U : 0U));
        }
        CHECK(!refused.accepted);
        if (write.accepted) {
            CHECK(write.result == static_cast<std::int64_t>(text.size()));
            CHECK(file.content() == text);
        }
    }

    const std::string text = "written through kernel AIO";
    TemporaryFile file;
    Pipe pipe;
    std::array<char, 64> buffer{};
    Operation write;
    Operation read;
    Operation flush;
    Operation refused;
    Operation cancelled;
    Operation ready;
};

void take_what_is_there(Use& use, Context& context, EventBatch& events) {
    std::error_code error;
    context.reap(events, error);
    use.note(events);
}

/// Goes on past every error: what was not accepted is left out, what was is waited for.
void submit_all(Use& use, Context& context, EventBatch& events) {
    const auto operations = use.all();
    std::array<Iocb*, 6> iocbs{};
    std::transform(operations.begin(), operations.end(), iocbs.begin(),
                   [](Operation* each) { return &each->iocb; });
    for (std::size_t next = 0; next < iocbs.size();) {
        std::error_code error;
        const std::size_t accepted = context.submit(std::span{iocbs}.subspan(next), error);
        for (std::size_t i = next; i < next + accepted; ++i) {
            operations[i]->accepted = true;
        }
        next += accepted;
        if (error.value() == EAGAIN) {
            take_what_is_there(use, context, events); // and again: one error is met in a run
        } else if (error) {
            ++next;
        }
    }
}

void use_and_recover(Use& use) {
    EventBatch events{4};
    std::error_code error;
    Context context{8, error};
    if (error) {
        CHECK(!context.is_open());
        return;
    }
    submit_all(use, context, events);
    if (context.cancel(use.cancelled.iocb, error) != CancelResult::requested) {
        use.pipe.fill("x"); // then it is to end this way
    }
    take_what_is_there(use, context, events);
    for (int attempts = 0; use.missing() != 0 && attempts < 16; ++attempts) {
        if (attempts % 2 == 0) {
            context.wait(events, 1, error);
        } else {
            context.wait_for(events, 1, std::chrono::hours{1}, error);
        }
        CHECK((!error || events.empty()));
        use.note(events);
    }
    Context moved{std::move(context)};
    moved.close(error);
    CHECK(!moved.is_open());
    use.check();
}

/// Stops at the first error, wherever that leaves the operations.
void use_and_throw(Use& use) {
    EventBatch events{4};
    Context context{8};
    for (Operation* const each : use.all()) {
        if (each != &use.refused) {
            context.submit(each->iocb);
            each->accepted = true;
        }
    }
    if (context.cancel(use.cancelled.iocb) != CancelResult::requested) {
        use.pipe.fill("x");
    }
    use.note(events);
    while (use.missing() != 0) {
        context.wait(events, 1);
        use.note(events);
    }
    context.close();
    use.check();
}

/// Runs `body` with every call failing in turn with every error. Returns how many runs that took.
template <typename Body>
unsigned with_every_fault(Body body) {
    unsigned runs = 0;
    const std::size_t descriptors = open_descriptors();
    for (std::size_t number = 1;; ++number) {
        for (std::size_t which = 0;; ++which) {
            CAPTURE(number);
            CAPTURE(which);
            ScriptedKernel scripted{ScriptedKernel::Below::real};
            scripted.fail_call(number, which);
            body(scripted);
            ++runs;
            CHECK(scripted.open_contexts() == 0);
            CHECK(scripted.misuses() == 0);
            CHECK(open_descriptors() == descriptors);
            if (!scripted.fault_was_reached()) {
                return runs;
            }
            if (!scripted.fault()) {
                break;
            }
        }
    }
}

TEST_CASE("every call fails with every error, and a program that goes on loses nothing") {
    const unsigned runs = with_every_fault([](ScriptedKernel&) {
        Use use;
        use_and_recover(use);
    });
    CHECK(runs > 30);
}

TEST_CASE("every call fails with every error, and the one that was met is the one thrown") {
    const unsigned runs = with_every_fault([](ScriptedKernel& scripted) {
        int thrown = 0;
        {
            Use use;
            try {
                use_and_throw(use);
            } catch (const std::system_error& failure) {
                thrown = failure.code().value();
            }
        }
        // Cancel's EINVAL is an answer, and no failure.
        const std::optional<ScriptedKernel::Fault> fault = scripted.fault();
        const bool is_answer = fault && fault->call == Call::cancel && fault->error == EINVAL;
        CHECK(thrown == (fault && !is_answer ? fault->error : 0));
    });
    CHECK(runs > 30);
}

/// Makes a call again that has failed by the script, for which it has done nothing.
template <typename PlainCall, typename Check>
std::int64_t until_made(ScriptedKernel& scripted, PlainCall call, Check nothing_done) {
    const std::int64_t result = call();
    if (result >= 0) {
        return result;
    }
    REQUIRE(scripted.fault());
    CHECK(result == -scripted.fault()->error);
    CHECK(nothing_done());
    return call();
}

TEST_CASE("every plain call fails with every error, and does nothing then") {
    const unsigned runs = with_every_fault([](ScriptedKernel& scripted) {
        const TemporaryFile file;
        std::string text = "written by a plain call";
        std::string got(text.size(), '\0');
        const auto size = static_cast<std::int64_t>(text.size());
        const auto transfer = [&file](bool write, std::string& bytes) {
            const iovec part{bytes.data(), bytes.size()};
            return kernel::transfer(write, file, &part, 1, 0, 0);
        };
        const auto always = [] { return true; };
        CHECK(until_made(
                  scripted, [&] { return transfer(true, text); },
                  [&] { return file.content().empty(); }) == size);
        for (const bool data_only : {false, true}) {
            const auto flush = [&] { return kernel::flush(data_only, file); };
            CHECK(until_made(scripted, flush, always) == 0);
        }
        CHECK(until_made(
                  scripted, [&] { return transfer(false, got); },
                  [&] { return got.front() == '\0'; }) == size);
        CHECK(got == text);
    });
    CHECK(runs > 40);
}

} // namespace
