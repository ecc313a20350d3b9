// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/chaos_worker.hpp"

#include "posix/block.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"

namespace aioxx::test::chaos {
namespace {

/// A request of this thread that its handlers look at, in flight or done.
thread_local std::atomic<aiocb*> watched{nullptr};

Sockets make_sockets() {
    return {};
}

/// What a child does after fork: a read from a pipe, a cancelled one, and one of a file.
int use_in_child() {
    const Pipe pipe;
    const TemporaryFile file{"content"};
    Block waiting{pipe.reader};
    Block cancelled{pipe.reader};
    Block read{file, 7};
    if (aio_read(waiting) != 0 || aio_read(cancelled) != 0 || aio_read(read) != 0) {
        return 1;
    }
    const bool took_back = aio_cancel(pipe.reader, cancelled) == AIO_CANCELED;
    pipe.fill("x");
    return took_back && waiting.await_result() == 1 && read.await_result() == 7 ? 0 : 2;
}

} // namespace

void install_handlers() {
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
        const int saved = errno;
        tally.expect(info->si_code == SI_ASYNCIO, "a notification without SI_ASYNCIO");
        Slot::told(info->si_value.sival_ptr);
        errno = saved;
    };
    ::sigaction(notification_signal, &action, nullptr);
    action.sa_flags = 0;
    action.sa_handler = [](int) {
        const int saved = errno;
        if (aiocb* const block = watched.load()) {
            static_cast<void>(::aio_error(block));
            const aiocb* const list[] = {block};
            const timespec none{0, 0};
            ::aio_suspend(list, 1, &none);
        }
        errno = saved;
    };
    ::sigaction(SIGUSR1, &action, nullptr);
}

Worker::Worker(std::uint64_t seed) : random_(seed) {
    targets_.push_back(std::make_unique<FileTarget>(0));
    targets_.push_back(std::make_unique<FileTarget>(O_DIRECT));
    Pipe pipe;
    targets_.push_back(
        std::make_unique<ReadStream>(std::move(pipe.reader), std::move(pipe.writer)));
    Sockets sockets = make_sockets();
    targets_.push_back(
        std::make_unique<ReadStream>(std::move(sockets.one), std::move(sockets.other)));
    Terminal terminal;
    termios modes{};
    ::tcgetattr(terminal.slave, &modes);
    ::cfmakeraw(&modes);
    ::tcsetattr(terminal.slave, TCSANOW, &modes);
    targets_.push_back(
        std::make_unique<ReadStream>(std::move(terminal.slave), std::move(terminal.master)));
    targets_.push_back(std::make_unique<WriteStream>());
}

void Worker::run(const std::atomic<bool>& enough) {
    while (!enough) {
        act();
    }
    watched = nullptr;
    end_all();
}

void Worker::act() {
    switch (random() % 64) {
    case 0:
        return random() % 8 == 0 ? fork_a_child() : look();
    case 1:
    case 2:
    case 3:
        return start_list();
    case 4:
    case 5:
    case 6:
    case 7:
        return cancel();
    case 8:
    case 9:
    case 10:
    case 11:
        return suspend();
    default:
        break;
    }
    switch (random() % 3) {
    case 0:
        return start_one();
    case 1:
        return any_target().disturb(random());
    default:
        return look();
    }
}

Slot::How Worker::any_how() {
    switch (random() % 8) {
    case 0:
        return Slot::How::thread;
    case 1:
    case 2:
        // ThreadSanitizer keeps one pending signal of each number
        return under_tsan ? Slot::How::thread : Slot::How::signal;
    default:
        return Slot::How::silent;
    }
}

void Worker::start_one() {
    const auto [target, index] = any_entry();
    Slot& slot = target->slots[index];
    if (slot.busy) {
        return;
    }
    target->prepare(index, random(), any_how());
    const bool writes = slot.control.aio_lio_opcode == LIO_WRITE;
    const int result = writes ? ::aio_write(&slot.control) : ::aio_read(&slot.control);
    tally.expect(result == 0, "a request was refused");
    watched = &slot.control;
}

void Worker::start_list() {
    Target& target = any_target();
    std::vector<aiocb*> list;
    for (std::size_t i = random() % 4; i < slots_of_target; i += 1 + random() % 8) {
        if (!target.slots[i].busy) {
            target.prepare(i, random(), any_how());
            list.push_back(&target.slots[i].control);
        }
        list.push_back(nullptr);
    }
    const int result =
        ::lio_listio(LIO_NOWAIT, list.data(), static_cast<int>(list.size()), nullptr);
    tally.expect(result == 0, "a list was refused");
}

void Worker::cancel() {
    const auto [target, index] = any_entry();
    Slot& slot = target->slots[index];
    if (random() % 8 == 0) {
        const int said = ::aio_cancel(target->descriptor(), nullptr);
        tally.expect(said >= 0, "aio_cancel of a descriptor was refused");
        return;
    }
    // refused where the descriptor has been closed since
    if (slot.busy && slot.control.aio_fildes == target->descriptor()) {
        const int said = ::aio_cancel(slot.control.aio_fildes, &slot.control);
        const int error = ::aio_error(&slot.control);
        tally.expect(said >= 0, "aio_cancel was refused");
        tally.expect(said != AIO_CANCELED || error == ECANCELED, "cancelled, and yet not");
        tally.expect(said != AIO_ALLDONE || error != EINPROGRESS, "all done, and yet not");
    }
}

void Worker::suspend() {
    std::vector<const aiocb*> list;
    for (unsigned i = 0; i < 4; ++i) {
        const auto [target, index] = any_entry();
        list.push_back(target->slots[index].busy ? &target->slots[index].control : nullptr);
    }
    const timespec time{0, static_cast<long>(random() % 1'000'000)};
    const int result = ::aio_suspend(list.data(), 4, &time);
    tally.expect(result == 0 || errno == EAGAIN || errno == EINTR, "aio_suspend failed");
}

void Worker::look() {
    const auto [target, index] = any_entry();
    if (target->slots[index].busy) {
        watched = nullptr;
        take_if_done(*target, index);
    }
}

bool Worker::take_if_done(Target& target, std::size_t index) {
    Slot& slot = target.slots[index];
    if (slot.busy && ::aio_error(&slot.control) != EINPROGRESS) {
        ssize_t result = 0;
        const int error = slot.take(result);
        target.ended(index, error, result);
    }
    return !slot.busy;
}

void Worker::fork_a_child() {
    watched = nullptr;
    const bool uses = children_allocate && random() % 2 == 0;
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        ::_exit(uses ? use_in_child() : 0);
    }
    tally.expect(child > 0 && wait_for_child(child).status == 0, "a child failed");
}

void Worker::end_all() {
    for (const auto& target : targets_) {
        ::aio_cancel(target->descriptor(), nullptr);
        const bool all = eventually([&] {
            target->complete_all();
            bool none_left = true;
            for (std::size_t i = 0; i < slots_of_target; ++i) {
                none_left = take_if_done(*target, i) && none_left;
            }
            return none_left;
        });
        tally.expect(all, "a request never ended");
        target->check_at_the_end();
    }
}

} // namespace aioxx::test::chaos
