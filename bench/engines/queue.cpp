// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/engines.hpp"

#include <aioxx/queue/queue.hpp>
#include <aioxx/task/run.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace bench {
namespace {

/// As deep as a program would have it: what is outstanding beyond that waits in the queue.
aioxx::Queue::Options deep_enough(unsigned depth) {
    constexpr unsigned deepest = 128;
    aioxx::Queue::Options options;
    options.depth = std::clamp(depth, 1U, deepest);
    return options;
}

/// What the two loops on a Queue have in common.
class QueueLoop {
protected:
    explicit QueueLoop(const Workload& workload)
        : workload_(workload), file_(aioxx::File::borrow(workload.fd)),
          queue_(deep_enough(workload.depth)) {}

    [[nodiscard]] std::span<std::byte> buffer(std::size_t slot) const noexcept {
        return {workload_.buffer(slot), workload_.block_size};
    }
    void check(const request& request, const aioxx::Completion& done) const {
        if (done.result() != workload_.expected(request)) {
            fail_operation("queue", done.result());
        }
    }

    Workload workload_;
    std::size_t next_request_ = 0;
    std::uint64_t left_ = 0; // to be started
    aioxx::File file_;
    aioxx::Queue queue_;
};

/// The C loop again, on aioxx::Queue with a callback for each operation.
class Callbacks final : public LoopEngine<Callbacks>, private QueueLoop {
public:
    explicit Callbacks(const Workload& workload) : QueueLoop(workload) {}

private:
    friend class LoopEngine<Callbacks>;

    template <typename Clock>
    void loop(std::uint64_t operations, Clock& clock) {
        left_ = operations;
        queue_.post([this, &clock] {
            for (std::size_t slot = 0; slot < workload_.depth && left_ > 0; ++slot) {
                start(slot, clock);
            }
        });
        queue_.run();
    }

    template <typename Clock>
    void start(std::size_t slot, Clock& clock) {
        --left_;
        clock.start(slot);
        const request& request = workload_.at(next_request_++);
        const auto done = [this, slot, &clock, &request](const aioxx::Completion& completion) {
            clock.stop(slot);
            check(request, completion);
            if (left_ > 0) {
                start(slot, clock);
            }
        };
        if (request.kind == request_read) {
            queue_.read(file_, buffer(slot), request.offset).start(done);
        } else if (request.kind == request_write) {
            queue_.write(file_, buffer(slot), request.offset).start(done);
        } else {
            queue_.fdatasync(file_).start(done);
        }
    }
};

/// And with a coroutine for each that is in flight.
class Coroutines final : public LoopEngine<Coroutines>, private QueueLoop {
public:
    explicit Coroutines(const Workload& workload) : QueueLoop(workload) {}

private:
    friend class LoopEngine<Coroutines>;

    template <typename Clock>
    void loop(std::uint64_t operations, Clock& clock) {
        left_ = operations;
        queue_.post([this, &clock] {
            for (std::size_t slot = 0; slot < workload_.depth && left_ > 0; ++slot) {
                aioxx::spawn(queue_, work(slot, clock));
            }
        });
        queue_.run();
    }

    template <typename Clock>
    aioxx::Task<> work(std::size_t slot, Clock& clock) {
        while (left_ > 0) {
            --left_;
            clock.start(slot);
            const request& request = workload_.at(next_request_++);
            if (request.kind == request_read) {
                const std::size_t bytes = co_await queue_.read(file_, buffer(slot), request.offset);
                require(bytes == workload_.block_size);
            } else if (request.kind == request_write) {
                const std::size_t bytes =
                    co_await queue_.write(file_, buffer(slot), request.offset);
                require(bytes == workload_.block_size);
            } else {
                co_await queue_.fdatasync(file_);
            }
            clock.stop(slot);
        }
    }

    static void require(bool whole) {
        if (!whole) {
            fail_operation("coroutines", 0);
        }
    }
};

/// As the filters of container engines do.
void refuse_io_setup() {
    std::array<sock_filter, 4> statements{
        sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, __NR_io_setup},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    const sock_fprog program{statements.size(), statements.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
        throw std::system_error(errno, std::generic_category(), "queue-workers: seccomp");
    }
}

} // namespace

std::unique_ptr<Engine> make_queue(const Workload& workload) {
    return std::make_unique<Callbacks>(workload);
}

std::unique_ptr<Engine> make_queue_on_workers(const Workload& workload) {
    refuse_io_setup();
    return std::make_unique<Callbacks>(workload);
}

std::unique_ptr<Engine> make_coroutines(const Workload& workload) {
    return std::make_unique<Coroutines>(workload);
}

} // namespace bench
