// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Direct requests on descriptors that the drop-in knows: they go without the engine.

#include "posix/block.hpp"
#include "posix/contexts.hpp"
#include "posix/direct_files.hpp"
#include "posix/own_process.hpp"

#include "child.hpp"
#include "devices/block_devices.hpp"
#include "threads.hpp"

#include <array>
#include <atomic>
#include <thread>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

namespace aioxx::test {
namespace {

POSIX_CASE("direct requests on a known descriptor have a context of their own, and right results") {
    SKIP_WITHOUT_KERNEL_AIO("there is no context");
    const KnownFile file;
    CHECK(contexts() == differs<std::size_t>(0, 2));
    for (std::size_t i = 0; i < 200; ++i) {
        std::string text;
        CHECK(read_page(file, i % 8, &text) == direct_page);
        CHECK((text == lettered(1, static_cast<char>('a' + i % 8))));
    }
    std::vector<Block> blocks;
    for (int i = 0; i < 300; ++i) { // more than there are slots
        const bool write = i % 2 == 0;
        const off_t at = (i / 2 % 4) * direct_page;
        Block& block = write ? blocks.emplace_back(file, lettered(1, 'z'), 8 * direct_page + at)
                             : blocks.emplace_back(file, direct_page, at);
        REQUIRE((write ? ::aio_write(block) : ::aio_read(block)) == 0);
    }
    for (int i = 0; i < 300; ++i) {
        const Block& block = blocks[static_cast<std::size_t>(i)];
        CHECK(block.await_result() == direct_page);
        CHECK((i % 2 == 0 || block.text() == lettered(1, static_cast<char>('a' + i / 2 % 4))));
    }
    CHECK((file.content() == lettered(8) + std::string(4 * direct_page, 'z')));
}

POSIX_CASE("a request on a known descriptor that io_submit refuses ends as any other") {
    const KnownFile file;
    const Block beyond{file, direct_page, 100 * direct_page};
    REQUIRE(aio_read(beyond) == 0);
    CHECK(beyond.await_result() == 0);
    const Block odd{file, direct_page, 1};
    REQUIRE(aio_read(odd) == 0);
    CHECK(odd.wait() == EINVAL);
    const Block before{file, direct_page, -direct_page};
    CHECK((aio_read(before) == 0 ? before.wait() : errno) == EINVAL);
    const Block nothing{file, std::string_view{}};
    REQUIRE(aio_write(nothing) == 0);
    CHECK(nothing.await_result() == 0);
    aiocb null{};
    null.aio_fildes = file;
    null.aio_nbytes = direct_page;
    REQUIRE(aio_read(&null) == 0);
    CHECK(eventually([&] { return ::aio_error(&null) != EINPROGRESS; }));
    CHECK(aio_error(&null) == EFAULT);
    aiocb kernels{}; // io_submit itself looks at the address
    kernels.aio_fildes = file;
    kernels.aio_nbytes = direct_page;
    kernels.aio_buf = reinterpret_cast<void*>(-2 * std::intptr_t{direct_page}); // NOLINT
    CHECK((aio_read(&kernels) == 0 ? 0 : errno) == 0);
    CHECK(eventually([&] { return ::aio_error(&kernels) != EINPROGRESS; }));
    CHECK(aio_error(&kernels) == EFAULT);

    const KnownFile readable{8, O_RDONLY};
    const Block written{readable, std::string(direct_page, 'x')};
    CHECK((aio_write(written) == 0 ? written.wait() : errno) == EBADF);
    const int number = ::dup(file);
    REQUIRE(learn(number, true));
    ::close(number);
    const Block closed{number, direct_page};
    CHECK((aio_read(closed) == 0 ? closed.wait() : errno) == EBADF);
}

POSIX_CASE("a request goes to the file that is open when it is made, whichever was known") {
    const KnownFile known;
    const Descriptor number{::fcntl(known, F_DUPFD_CLOEXEC, 0)};
    REQUIRE(learn(number, true));
    const TemporaryFile other{lettered(8, 'k'), O_RDWR | O_DIRECT};
    const TemporaryFile cached{lettered(8, 'q')};
    const Pipe pipe;
    for (int round = 0; round < 3; ++round) {
        std::string text;
        REQUIRE(::dup2(other, number) >= 0);
        CHECK(read_page(number, 1, &text) == direct_page);
        CHECK((text == lettered(1, 'l')));
        REQUIRE(::dup2(cached, number) >= 0);
        CHECK(read_page(number, 1, &text) == direct_page);
        CHECK((text == lettered(1, 'r')));
        REQUIRE(::dup2(pipe.reader, number) >= 0);
        const Block piped{number, 5};
        REQUIRE(aio_read(piped) == 0); // and does not wait for it
        pipe.fill("piped");
        CHECK(piped.await_result() == 5);
        CHECK(piped.text() == "piped");
        REQUIRE(::dup2(known, number) >= 0);
        REQUIRE(learn(number, true));
    }
    REQUIRE(::fcntl(number, F_SETFL, O_DIRECT | O_APPEND) == 0);
    CHECK(write_page(number, 0, 'x') == direct_page);
    CHECK((known.content() == lettered(8) + std::string(direct_page, 'x')));
}

POSIX_CASE("a notice comes of a request on a known descriptor") {
    const KnownFile file;
    const BlockedSignal signal{SIGRTMIN};
    Block block{file, direct_page};
    REQUIRE(aio_read(block.signals(signal)) == 0);
    const auto notice = signal.next();
    REQUIRE(notice);
    CHECK(notice->si_value.sival_ptr == static_cast<aiocb*>(block));
    CHECK(block.await_result() == direct_page);
}

POSIX_CASE("a flush waits for the direct requests in progress on its number") {
    auto held = attempt<HeldDevice>();
    if (!held) {
        SKIP_CASE(held.reason());
    }
    held->gate.close();
    std::vector<Block> writes;
    for (int i = 0; i < 4; ++i) {
        REQUIRE(aio_write(writes.emplace_back(held->file, std::string(direct_page, 'w'),
                                              i * direct_page)) == 0);
    }
    const Block flush{held->file, 1};
    REQUIRE(aio_fsync(O_DSYNC, flush) == 0);
    // Those that come meanwhile do not hold it up.
    const Block later{held->file, direct_page, 16 * direct_page};
    REQUIRE(aio_read(later) == 0);
    if (!on_glibc() && !without_kernel_aio()) {
        // Debian 13's libaio makes the second call.
        CHECK(eventually([] {
            return count_blocked_in(SYS_io_getevents) + count_blocked_in(SYS_io_pgetevents) == 1;
        }));
    }
    CHECK(flush.pending());
    held->gate.open();
    CHECK(flush.await_result() == 0);
    for (const Block& write : writes) {
        CHECK_FALSE(write.pending());
        CHECK(write.await_result() == direct_page);
    }
    CHECK(later.await_result() == direct_page);
    CHECK(write_page(held->file, 0, 'v') == direct_page);
}

POSIX_CASE("a direct request in progress is not cancelled, and one that is done is not either") {
    NOT_ON_GLIBC("its thread may not have begun with it");
    SKIP_WITHOUT_KERNEL_AIO("its worker may not have begun with it");
    auto held = attempt<HeldDevice>();
    if (!held) {
        SKIP_CASE(held.reason());
    }
    CHECK(aio_cancel(held->file, nullptr) == AIO_ALLDONE);
    held->gate.close();
    const Block read{held->file, direct_page};
    REQUIRE(aio_read(read) == 0);
    CHECK(aio_cancel(held->file, read) == AIO_NOTCANCELED);
    CHECK(aio_cancel(held->file, nullptr) == AIO_NOTCANCELED);
    const timespec soon{0, 1'000'000};
    const aiocb* const list[] = {read};
    CHECK(aio_suspend(list, 1, &soon) == -1);
    CHECK(errno == EAGAIN);
    CHECK(read.pending());
    CHECK(read.result() == -1);
    CHECK(errno == EINVAL);
    held->gate.open();
    CHECK(read.wait() == 0);
    CHECK(aio_cancel(held->file, read) == AIO_ALLDONE);
    CHECK(read.result() == direct_page);
}

POSIX_CASE("a write beyond RLIMIT_FSIZE on a descriptor with a limit sends no signal") {
    NOT_ON_GLIBC("its threads block no signal");
    ::signal(SIGXFSZ, SIG_DFL);
    const rlimit limit{8 * direct_page, 8 * direct_page};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    const KnownFile file;
    CHECK(write_page(file, 7, 'x') == direct_page);
    CHECK(write_page(file, 8, 'x') == -EFBIG);
}

POSIX_CASE("a result that is never asked for holds up nothing") {
    const KnownFile file;
    for (int i = 0; i < 3000; ++i) {
        const Block block{file, direct_page};
        REQUIRE(aio_read(block) == 0);
        CHECK(block.wait() == 0); // and no aio_return
    }
    CHECK(read_page(file, 1) == direct_page);
}

POSIX_CASE("a block may be used again though its result was not asked for") {
    const KnownFile file;
    const Block block{file, direct_page};
    for (int i = 0; i < 3000; ++i) {
        block->aio_offset = (i % 2) * direct_page;
        REQUIRE(aio_read(block) == 0);
        REQUIRE(block.wait() == 0);
    }
    CHECK(block.result() == direct_page);
    CHECK((block.text() == lettered(1, 'b')));
    CHECK(block.error() == 0); // as any block's
    CHECK(block.result() == differs<ssize_t>(direct_page, -1));
    block->aio_fildes = -1;
    CHECK((aio_read(block) == 0 ? block.wait() : errno) == EBADF);
    block->aio_fildes = file;
    REQUIRE(aio_read(block) == 0);
    CHECK(block.await_result() == direct_page);
}

POSIX_CASE(
    "threads that wait for direct requests are woken, whichever thread finds the completion") {
    const KnownFile file;
    std::array<std::thread, 6> threads;
    std::atomic<unsigned> wrong{0};
    for (std::thread& thread : threads) {
        thread = std::thread{[&] {
            for (int i = 0; i < 400; ++i) {
                const Block block{file, direct_page, (i % 8) * direct_page};
                const aiocb* const list[] = {block};
                if (::aio_read(block) != 0) {
                    ++wrong;
                    continue;
                }
                while (block.pending()) {
                    ::aio_suspend(list, 1, nullptr);
                }
                wrong += block.result() != direct_page ||
                                 block.text().front() != static_cast<char>('a' + i % 8)
                             ? 1
                             : 0;
            }
        }};
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
}

POSIX_CASE("a thread that waits is woken while the one that waited before it still waits") {
    auto held = attempt<HeldDevice>();
    if (!held) {
        SKIP_CASE(held.reason());
    }
    const Pipe pipe;
    const Block piped{pipe.reader};
    REQUIRE(aio_read(piped) == 0);
    std::atomic<pid_t> first{0};
    std::thread leader{[&] {
        first = thread_id();
        const aiocb* const list[] = {piped};
        CHECK(aio_suspend(list, 1, nullptr) == 0); // not for a second at a time
    }};
    CHECK(eventually([&] { return first != 0; }));
    CHECK(wait_until_asleep(first));
    held->gate.close();
    const Block read{held->file, direct_page};
    REQUIRE(aio_read(read) == 0);
    std::atomic<pid_t> second{0};
    std::thread opener{[&] {
        CHECK(eventually([&] { return second != 0; }));
        CHECK(wait_until_asleep(second));
        held->gate.open();
    }};
    second = thread_id();
    const aiocb* const list[] = {read};
    CHECK(aio_suspend(list, 1, nullptr) == 0);
    CHECK(read.await_result() == direct_page);
    opener.join();
    pipe.fill("x");
    leader.join();
}

POSIX_CASE("of threads that take a result at the same time one has it") {
    NOT_ON_GLIBC("its aio_return gives it as often as it is asked");
    const KnownFile file;
    for (int i = 0; i < 300; ++i) {
        const Block block{file, direct_page};
        REQUIRE(aio_read(block) == 0);
        REQUIRE(block.wait() == 0);
        std::atomic<int> had{0};
        std::thread other{[&] { had += block.result() == direct_page ? 1 : 0; }};
        had += block.result() == direct_page ? 1 : 0;
        other.join();
        CHECK(had == 1);
    }
}

POSIX_CASE("a forked child has not the ring of its parent's direct requests") {
    SKIP_WITHOUT_KERNEL_AIO("there is no ring");
    NOT_ON_GLIBC("there is no ring");
    const KnownFile file;
    const std::size_t here = contexts();
    // Since Linux 7.2 a child has none of its parent's.
    CHECK(run_in_child([here] {
              return contexts() + 1 == here || contexts() == 0 ? 0 : 1;
          }).status == 0);
    CHECK(read_page(file, 1) == direct_page);
}

POSIX_CASE("in a forked child there is something to read where its parent has rings") {
    SKIP_WITHOUT_KERNEL_AIO("there is no ring");
    NOT_ON_GLIBC("there is no ring");
    const KnownFile file;
    const std::vector<Mapping> parents = rings();
    REQUIRE(parents.size() == 2);
    for (const Mapping& ring : parents) { // as Linux 7.2 does it by itself
        REQUIRE(::madvise(reinterpret_cast<void*>(ring.begin), ring.end - ring.begin,
                          MADV_DONTFORK) == 0);
    }
    CHECK(run_in_child([&parents] {
              const Pipe pipe;
              for (const Mapping& ring : parents) {
                  if (::write(pipe.writer, reinterpret_cast<const void*>(ring.begin), 32) != 32) {
                      return 1;
                  }
              }
              return 0;
          }).status == 0);
    CHECK(read_page(file, 1) == direct_page);
}

// --- Handlers -----------------------------------------------------------------------------------

std::atomic<int> known_file{-1};
std::atomic<aiocb*> chained{nullptr};
std::atomic<unsigned> rounds_in_chain{0};
std::atomic<unsigned> wrong_in_chain{0};

void start_in_handler() {
    aiocb* const block = chained;
    if (::aio_read(block) != 0) {
        ++wrong_in_chain;
        chained = nullptr;
    }
}

/// Looks at a request of its own, waits for it, and starts the next.
void chain_in_handler(int) {
    const int saved = errno;
    if (aiocb* const block = chained.load()) {
        const aiocb* const list[] = {block};
        while (::aio_error(block) == EINPROGRESS) {
            ::aio_suspend(list, 1, nullptr);
        }
        wrong_in_chain += ::aio_error(block) != 0 || ::aio_return(block) != direct_page ? 1 : 0;
        ++rounds_in_chain;
        start_in_handler();
    }
    errno = saved;
}

void signal_every_tenth_of_a_millisecond(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often{{0, 100}, {0, 100}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
}

void signal_no_more() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
}

POSIX_CASE("handlers wait for direct requests while any function is interrupted in the middle") {
    NOT_ON_GLIBC("its aio_suspend takes a lock that the interrupted thread may hold");
    const KnownFile file;
    const Block own{file, direct_page};
    known_file = file;
    chained = own;
    start_in_handler();
    signal_every_tenth_of_a_millisecond(chain_in_handler);
    unsigned wrong = 0;
    const Deadline enough; // where a round takes long
    while (rounds_in_chain < 20'000 && !enough.over() && wrong + wrong_in_chain == 0) {
        std::vector<Block> blocks;
        for (int i = 0; i < 4; ++i) {
            wrong +=
                ::aio_read(blocks.emplace_back(file, direct_page, i * direct_page)) != 0 ? 1U : 0U;
        }
        for (const Block& block : blocks) {
            while (block.pending()) {
            }
            wrong += block.result() != direct_page ? 1U : 0U;
        }
    }
    signal_no_more();
    chained = nullptr;
    CHECK(wrong == 0);
    CHECK(wrong_in_chain == 0);
    CHECK(own.wait() == 0);
}

POSIX_CASE("a handler may fork while aio_error is interrupted, and the child goes on with that") {
    NOT_ON_GLIBC("its locks may be held in the child");
    static std::atomic<unsigned> children{0};
    static std::atomic<unsigned> bad_children{0};
    static std::atomic<bool> is_child{false};
    static std::atomic<bool> looks{false};
    const KnownFile file;
    struct sigaction action {};
    action.sa_flags = SA_RESTART;
    action.sa_handler = [](int) {
        const int saved = errno;
        const pid_t child = looks ? ::fork() : -1;
        if (child == 0) {
            is_child = true;
        } else if (child > 0) {
            int status = 0;
            ::waitpid(child, &status, 0);
            bad_children += status != 0 ? 1 : 0;
            ++children;
        }
        errno = saved;
    };
    ::sigaction(SIGALRM, &action, nullptr);
    unsigned wrong = 0;
    const Block block{file, direct_page};
    // One signal for each request: where a fork takes longer than the time to the next signal, what
    // was interrupted would never go on.
    for (suseconds_t round = 0; children < 200 && wrong == 0; ++round) {
        wrong += ::aio_read(block) != 0 ? 1U : 0U;
        looks = true;
        const itimerval once{{0, 0}, {0, 10 + round % 100}};
        ::setitimer(ITIMER_REAL, &once, nullptr);
        while (!is_child && block.error() == EINPROGRESS) {
        }
        looks = false;
        if (is_child) {
            ::_exit(0); // what it has asked for is not here
        }
        wrong += block.result() != direct_page ? 1U : 0U;
    }
    signal_no_more();
    CHECK(wrong == 0);
    CHECK(bad_children == 0);
}

} // namespace
} // namespace aioxx::test
