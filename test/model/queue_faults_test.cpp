// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A small complete use of a queue, again and again: each time another call into the kernel fails,
// with another of the errors that it can give, until a run comes to its end without having met
// one. Whatever fails, each operation ends exactly once, and nothing is leaked.
#include "scripted_kernel/scripted_kernel.hpp"

#include <aioxx/aioxx.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

using namespace aioxx::test;
using aioxx::AlignedBuffer;
using aioxx::Completion;
using aioxx::File;
using aioxx::Queue;
using aioxx::RwFlags;

namespace {

struct Use {
    explicit Use(bool with_workers) {
        options.depth = 2;
        options.workers = with_workers ? 2 : 0;
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        reader = File::adopt(ends[0]);
        writer = File::adopt(ends[1]);
    }

    template <typename Result, aioxx::OperationKind kind>
    void start(aioxx::Operation<Result, kind>&& operation) {
        const std::size_t place = completions.size();
        completions.push_back(0);
        errors.push_back(0);
        std::move(operation).start([this, place](const Completion& done) {
            ++completions[place];
            errors[place] = done.error().value();
        });
    }
    /// Where it fails the pipe is written all the same: a read waits for it.
    void start_pipe_write(Queue& queue) {
        const std::size_t place = completions.size();
        completions.push_back(0);
        errors.push_back(0);
        queue.write(writer, std::as_bytes(std::span{text}), 0)
            .start([this, place](const Completion& done) {
                ++completions[place];
                errors[place] = done.error().value();
                if (done.error()) {
                    [[maybe_unused]] const ssize_t written =
                        ::write(writer.fd(), text.data(), text.size());
                }
            });
    }

    /// False when there was no queue to be had, which no call of kernel AIO can bring about.
    bool run() {
        std::error_code error;
        Queue queue{options, error};
        if (error) {
            return false;
        }
        start(queue.write_all(file, std::as_bytes(std::span{text}), 0));
        // A plain call: by a worker, or without one by this thread.
        start(queue.write(file, std::as_bytes(std::span{text}), 0).with(RwFlags::append));
        start(queue.fdatasync(file).after_writes());
        start(queue.read_full(file, AlignedBuffer{64, 64}, 0));
        start(queue.read(reader, std::as_writable_bytes(std::span{bytes}), 0));
        start(queue.poll(writer, POLLOUT));
        start_pipe_write(queue);
        start(queue.sleep_for(std::chrono::microseconds{10}));
        queue.post([this] { posted = true; });
        queue.run();
        CHECK(queue.outstanding() == 0);
        CHECK(posted);
        return true;
    }

    Queue::Options options;
    File file = File::open(".", O_TMPFILE | O_RDWR, 0600);
    File reader;
    File writer;
    std::array<char, 32> text{};
    std::array<char, 32> bytes{};
    std::vector<unsigned> completions;
    std::vector<int> errors;
    bool posted = false;
};

/// With a call that always fails no run would end: one that fails once has to be enough.
/// Adds what kinds of calls have failed.
void sweep(bool with_workers, std::set<Call>& failed) {
    for (std::size_t call = 1;; ++call) {
        bool reached = false;
        for (std::size_t which = 0;; ++which) {
            ScriptedKernel scripted{ScriptedKernel::Below::real};
            scripted.fail_call(call, which);
            Use use{with_workers};
            const bool made = use.run();
            scripted.wait_until_closed(); // in the background, by a call that may fail as well
            const auto fault = scripted.fault();
            reached = scripted.fault_was_reached();
            if (!fault) {
                break; // no error at that place, or no such call
            }
            INFO("call " << call << " is kind " << static_cast<int>(fault->call) << ", error "
                         << fault->error);
            failed.insert(fault->call);
            CHECK(scripted.misuses() == 0);
            CHECK(made);
            for (std::size_t i = 0; i < use.completions.size(); ++i) {
                CHECK(use.completions[i] == 1);
                const bool given = use.errors[i] == 0 || use.errors[i] == fault->error;
                CHECK(given);
            }
        }
        if (!reached) {
            return;
        }
    }
}

bool has_each_kind(const std::set<Call>& failed) {
    return failed.contains(Call::setup) && failed.contains(Call::destroy) &&
           failed.contains(Call::submit) && failed.contains(Call::transfer);
}

/// Which call comes where is a matter of threads, and of the sleep: a kind of call may be missed.
void sweep_until_each_kind_has_failed(bool with_workers) {
    constexpr int most_sweeps = 20;
    std::set<Call> failed;
    int sweeps = 0;
    do {
        sweep(with_workers, failed);
    } while (!has_each_kind(failed) && ++sweeps < most_sweeps);
    CHECK(has_each_kind(failed));
}

TEST_CASE("a queue comes through each call that fails once") {
    sweep_until_each_kind_has_failed(false);
}

TEST_CASE("and with workers") {
    sweep_until_each_kind_has_failed(true);
}

} // namespace
