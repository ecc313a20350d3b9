// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// fs.aio-max-nr is used up, or nearly: what works by workers meanwhile, and what goes over to
// kernel AIO while operations are under way.

#include "descriptors.hpp"
#include "engine/running_engine.hpp"
#include "queue/files.hpp"
#include "scripted_kernel/scripted_kernel.hpp"
#include "skip.hpp"

#include <aioxx/core/limits.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fcntl.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

constexpr std::size_t room_block = 4096;

/// Each kind of operation once on `queue`; whether all went well. `place`: a block of `direct` that
/// nothing else uses.
bool works(Queue& queue, const File& direct, std::int64_t place) {
    AlignedBuffer out{room_block, room_block};
    AlignedBuffer in{room_block, room_block};
    std::ranges::fill(out, static_cast<std::byte>(place));
    const std::int64_t at = place * static_cast<std::int64_t>(room_block);
    const Ends pipe = make_pipe();
    pipe.fill("abc");
    std::array<std::byte, 3> read{};
    std::int64_t sum = 0;
    const auto add = [&sum](const Completion& done) { sum += done.result(); };
    queue.read(pipe.reader, read, 0).start(add);
    queue.write(direct, out, at).start(add);
    queue.fsync(direct).after_writes().start([&](const Completion& done) {
        sum += done.result() == 0 ? 1 : -1;
        queue.read(direct, in, at).start(add);
    });
    queue.run();
    return sum == 3 + 1 + 2 * static_cast<std::int64_t>(room_block) && std::ranges::equal(in, out);
}

/// 200 queues, where there is room for some contexts and not for all: none fails, all work, and
/// what has none goes over when others end.
void check_many_queues() {
    constexpr std::size_t count = 200;
    const File direct = disk_file(O_RDWR | O_DIRECT, std::string(count * room_block, 'x'));
    std::vector<std::unique_ptr<Queue>> queues;
    for (std::size_t i = 0; i < count; ++i) {
        queues.push_back(std::make_unique<Queue>());
        CHECK(works(*queues.back(), direct, static_cast<std::int64_t>(i)));
    }
    const auto with_context = [&queues] {
        return std::ranges::count_if(
            queues, [](const auto& queue) { return queue->statistics().kernel_aio; });
    };
    CHECK(with_context() >= 4096 / (128 + 64 + 2));
    CHECK(with_context() < static_cast<std::ptrdiff_t>(count));
    CHECK_FALSE(queues.back()->statistics().kernel_aio);
    for (std::size_t i = 0; i < count; ++i) { // all of them are there
        CHECK(works(*queues[i], direct, static_cast<std::int64_t>(i)));
    }
    queues.erase(queues.begin(), queues.begin() + count / 2);
    CHECK(eventually([&] {
        CHECK(works(*queues.back(), direct, 0));
        return queues.back()->statistics().kernel_aio;
    }));
}

TEST_CASE("200 queues where 4096 events are left: none fails, all work, and they go over later") {
    SKIP_WITHOUT_KERNEL_AIO("there is no room at all");
    ScriptedKernel kernel{ScriptedKernel::Below::real};
    kernel.leave_room(4096);
    check_many_queues();
    kernel.wait_until_closed();
}

/// The kernel's own limit on contexts of all programs, so many events above what is in use.
class RoomForAll {
public:
    explicit RoomForAll(std::uint64_t events) : before_(limits().allowed) {
        set(limits().used + events);
    }
    ~RoomForAll() { set(before_); }
    RoomForAll(const RoomForAll&) = delete;
    RoomForAll& operator=(const RoomForAll&) = delete;

private:
    static void set(std::uint64_t limit) {
        std::ofstream{"/proc/sys/fs/aio-max-nr"} << limit << std::flush;
        CHECK(limits().allowed == limit);
    }

    const std::uint64_t before_;
};

TEST_CASE("and so by the kernel's own count") {
    SKIP_ON_SHARED_MACHINE("fs.aio-max-nr is that of other programs too");
    SKIP_WITHOUT_KERNEL_AIO("there is no room at all");
    const RoomForAll room{4096};
    check_many_queues();
}

/// Plain calls of workers: the first one waits, and all are noted as they return.
class HeldCalls {
public:
    explicit HeldCalls(ScriptedKernel& kernel) {
        kernel.model().set_plain_result([this](const KernelModel::PlainCall& call) {
            if (!begun_.exchange(true)) {
                open_.wait(false);
            }
            const bool flush = call.kind == KernelModel::PlainCall::Kind::fsync;
            const std::lock_guard lock{mutex_};
            made_.push_back(flush ? 0 : call.length);
            return flush ? 0 : static_cast<std::int64_t>(call.length);
        });
    }
    ~HeldCalls() { open(); }
    HeldCalls(const HeldCalls&) = delete;
    HeldCalls& operator=(const HeldCalls&) = delete;

    [[nodiscard]] bool begun() const { return begun_; }
    void open() {
        open_ = true;
        open_.notify_all();
    }
    /// The lengths of those that have returned, in their order; 0 for a flush.
    [[nodiscard]] std::vector<std::size_t> made() const {
        const std::lock_guard lock{mutex_};
        return made_;
    }

private:
    std::atomic<bool> begun_{false};
    std::atomic<bool> open_{false};
    mutable std::mutex mutex_;
    std::vector<std::size_t> made_;
};

/// An engine on a model of the kernel.
struct ModelledEngine {
    explicit ModelledEngine(std::size_t refusals) {
        for (std::size_t i = 0; i < refusals; ++i) {
            kernel.answer(Call::setup, {Answer::error(EAGAIN)});
        }
    }

    static Engine::Options deep() {
        Engine::Options options;
        options.depth = 4;
        return options;
    }
    /// Of a context for so many the engine asks four times, for smaller ones.
    static constexpr std::size_t refusals_of_one_try = 4;

    void begin(Transfer& transfer, Kind kind, std::size_t length, RwFlags flags = RwFlags::none) {
        transfer.length_wanted = length;
        transfer.request.flags = flags;
        transfer.request.after_writes = kind == Kind::fsync;
        engine.begin(transfer, kind, file);
    }
    bool goes_over() {
        return eventually([this] { return engine->uses_kernel_aio(); });
    }
    /// The kernel is done with the one transfer that it has.
    void complete_in_kernel() {
        const auto all = kernel.model().in_flight();
        for (std::size_t place = 0; place < all.size(); ++place) {
            if (all[place].submitted.opcode == 1) { // IOCB_CMD_PWRITE
                kernel.model().complete(place, room_block);
                return;
            }
        }
        FAIL("the kernel has none");
    }
    /// The next `count` that complete, in their order.
    std::vector<engine::Operation*> completed(std::size_t count) {
        std::vector<engine::Operation*> all;
        eventually([&] {
            while (engine::Operation* const one = engine.completed_now()) {
                all.push_back(one);
            }
            return all.size() >= count;
        });
        return all;
    }

    ScriptedKernel kernel;
    HeldCalls calls{kernel};
    File file = File::open("/var/tmp", O_TMPFILE | O_RDWR | O_DIRECT, 0600);
    RunningEngine engine{deep()};
};

using Completed = std::vector<engine::Operation*>;

TEST_CASE("a flush waits for the writes of a worker and of the kernel, when an engine goes over") {
    ModelledEngine on_model{ModelledEngine::refusals_of_one_try};
    Transfer by_worker;
    Transfer first_flush;
    Transfer in_kernel;
    Transfer second_flush;
    Transfer later;
    on_model.begin(by_worker, Kind::write, room_block);
    REQUIRE(eventually([&] { return on_model.calls.begun(); }));
    on_model.begin(first_flush, Kind::fsync, 0);
    REQUIRE(on_model.goes_over());
    on_model.begin(in_kernel, Kind::write, room_block);
    CHECK(in_kernel.state() == State::kernel);
    on_model.begin(second_flush, Kind::fsync, 0);
    on_model.complete_in_kernel();
    CHECK(on_model.completed(1) == Completed{&in_kernel});
    on_model.begin(later, Kind::write, room_block); // no flush waits for it
    CHECK(later.state() == State::kernel);
    CHECK(first_flush.state() == State::ordered);
    CHECK(second_flush.state() == State::ordered);
    CHECK(on_model.calls.made().empty());
    on_model.calls.open();
    Completed ended = on_model.completed(3);
    REQUIRE(ended.size() == 3);
    CHECK(ended[0] == &by_worker);
    std::sort(ended.begin() + 1, ended.end()); // two flushes, by two workers
    CHECK(std::ranges::is_permutation(ended, Completed{&by_worker, &first_flush, &second_flush}));
    CHECK(on_model.calls.made() == std::vector<std::size_t>{room_block, 0, 0});
    on_model.complete_in_kernel();
    CHECK(on_model.completed(1) == Completed{&later});
}

TEST_CASE("a flush waits for the writes of the kernel and of a worker, when kernel AIO is lost") {
    ModelledEngine on_model{0};
    Transfer in_kernel;
    Transfer by_worker;
    Transfer flush;
    on_model.begin(in_kernel, Kind::write, room_block);
    CHECK(in_kernel.state() == State::kernel);
    on_model.kernel.answer(Call::submit, {Answer::error(EPERM)});
    on_model.begin(by_worker, Kind::write, room_block);
    REQUIRE(eventually([&] { return on_model.calls.begun(); }));
    CHECK_FALSE(on_model.engine->uses_slots());
    on_model.begin(flush, Kind::fsync, 0);
    on_model.calls.open();
    CHECK(on_model.completed(1) == Completed{&by_worker});
    CHECK(flush.state() == State::ordered); // the kernel has the older one
    on_model.complete_in_kernel();
    CHECK(on_model.completed(2) == Completed{&in_kernel, &flush});
    CHECK(on_model.calls.made() == std::vector<std::size_t>{room_block, 0});
}

TEST_CASE("appends go out in their order while an engine goes over") {
    ModelledEngine on_model{ModelledEngine::refusals_of_one_try};
    std::array<Transfer, 5> appends;
    const auto begin = [&](std::size_t number) {
        on_model.begin(appends.at(number), Kind::write, 512 * (number + 1), RwFlags::append);
    };
    begin(0);
    begin(1);
    REQUIRE(eventually([&] { return on_model.calls.begun(); }));
    REQUIRE(on_model.goes_over());
    begin(2);
    begin(3);
    CHECK(on_model.engine.completed_now() == nullptr);
    on_model.calls.open();
    begin(4);
    Completed in_order;
    for (Transfer& append : appends) {
        in_order.push_back(&append);
    }
    CHECK(on_model.completed(5) == in_order);
    CHECK(on_model.calls.made() == std::vector<std::size_t>{512, 1024, 1536, 2048, 2560});
}

} // namespace
} // namespace aioxx::test
