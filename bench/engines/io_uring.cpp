// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/engines.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <liburing.h>
#include <sys/uio.h>

namespace bench {
namespace {

enum class Registered : bool { no, yes };

template <Registered registered>
class Uring final : public LoopEngine<Uring<registered>> {
public:
    explicit Uring(const Workload& workload) : workload_(workload) {
        const int result = io_uring_queue_init(workload.depth, &ring_, 0);
        if (result < 0) { // sysctl, seccomp, or not in the kernel
            throw Unavailable(std::string("io_uring is refused: ") + std::strerror(-result));
        }
        if constexpr (registered == Registered::yes) {
            iovec all{workload.buffers, workload.depth * workload.block_size};
            check(io_uring_register_buffers(&ring_, &all, 1));
            check(io_uring_register_files(&ring_, &workload_.fd, 1));
        }
    }
    ~Uring() override { io_uring_queue_exit(&ring_); }

private:
    friend class LoopEngine<Uring>;

    template <typename Clock>
    void loop(std::uint64_t operations, Clock& clock) {
        std::uint64_t started = 0;
        std::uint64_t done = 0;
        for (; started < workload_.depth && started < operations; ++started) {
            prepare(started, clock);
        }
        while (done < operations) {
            const int result = io_uring_submit_and_wait(&ring_, 1);
            if (result != -EINTR) {
                check(result);
            }
            unsigned head = 0;
            unsigned taken = 0;
            io_uring_cqe* event = nullptr;
            io_uring_for_each_cqe(&ring_, head, event) {
                const std::size_t slot = event->user_data & 0xffffffff;
                const auto expected = static_cast<std::int64_t>(event->user_data >> 32);
                if (event->res != expected) {
                    fail_operation("uring", event->res);
                }
                clock.stop(slot);
                ++taken;
                if (started < operations) {
                    prepare(slot, clock);
                    ++started;
                }
            }
            io_uring_cq_advance(&ring_, taken);
            done += taken;
        }
    }

    template <typename Clock>
    void prepare(std::size_t slot, Clock& clock) noexcept {
        const request& request = workload_.at(next_request_++);
        const int fd = registered == Registered::yes ? 0 : workload_.fd;
        const auto length = static_cast<unsigned>(workload_.block_size);
        const auto offset = static_cast<std::uint64_t>(request.offset);
        std::byte* const buffer = workload_.buffer(slot);
        io_uring_sqe* const entry = io_uring_get_sqe(&ring_); // one is free: depth are there
        if (request.kind == request_sync) {
            io_uring_prep_fsync(entry, fd, IORING_FSYNC_DATASYNC);
        } else if constexpr (registered == Registered::yes) {
            request.kind == request_read
                ? io_uring_prep_read_fixed(entry, fd, buffer, length, offset, 0)
                : io_uring_prep_write_fixed(entry, fd, buffer, length, offset, 0);
        } else {
            request.kind == request_read ? io_uring_prep_read(entry, fd, buffer, length, offset)
                                         : io_uring_prep_write(entry, fd, buffer, length, offset);
        }
        if constexpr (registered == Registered::yes) {
            entry->flags |= IOSQE_FIXED_FILE;
        }
        const auto expected = static_cast<std::uint64_t>(workload_.expected(request));
        entry->user_data = expected << 32 | slot;
        clock.start(slot);
    }

    static void check(int result) {
        if (result < 0) {
            fail_operation("uring", result);
        }
    }

    Workload workload_;
    std::size_t next_request_ = 0;
    io_uring ring_{};
};

} // namespace

std::unique_ptr<Engine> make_uring(const Workload& workload) {
    return std::make_unique<Uring<Registered::no>>(workload);
}

std::unique_ptr<Engine> make_uring_registered(const Workload& workload) {
    return std::make_unique<Uring<Registered::yes>>(workload);
}

} // namespace bench
