// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/engines.hpp"

#include <cerrno>
#include <vector>

#include <aio.h>
#include <fcntl.h>

namespace bench {
namespace {

/// The functions of <aio.h>, from the C library or from something that stands in for it.
struct PosixCalls {
    int (*read)(aiocb*);
    int (*write)(aiocb*);
    int (*fsync)(int, aiocb*);
    int (*error)(const aiocb*);
    ssize_t (*take_return)(aiocb*);
    int (*suspend)(const aiocb* const*, int, const timespec*);
};

/// aio_read and aio_write, aio_suspend on all that is in flight, and a look at each.
class PosixAio final : public LoopEngine<PosixAio> {
public:
    PosixAio(const Workload& workload, const PosixCalls& calls)
        : workload_(workload), calls_(calls), blocks_(workload.depth), waiting_(workload.depth) {}

private:
    friend class LoopEngine<PosixAio>;

    template <typename Clock>
    void loop(std::uint64_t operations, Clock& clock) {
        std::uint64_t started = 0;
        std::uint64_t done = 0;
        for (; started < workload_.depth && started < operations; ++started) {
            start(started, clock);
        }
        while (done < operations) {
            if (calls_.suspend(waiting_.data(), static_cast<int>(waiting_.size()), nullptr) != 0 &&
                errno != EINTR) {
                fail_operation("posix", -errno);
            }
            for (std::size_t slot = 0; slot < waiting_.size(); ++slot) {
                if (waiting_[slot] == nullptr || !finished(slot)) {
                    continue;
                }
                clock.stop(slot);
                ++done;
                waiting_[slot] = nullptr;
                if (started < operations) {
                    start(slot, clock);
                    ++started;
                }
            }
        }
    }

    template <typename Clock>
    void start(std::size_t slot, Clock& clock) {
        const request& request = workload_.at(next_request_++);
        aiocb& block = blocks_[slot];
        block = {};
        block.aio_fildes = workload_.fd;
        block.aio_sigevent.sigev_notify = SIGEV_NONE;
        if (request.kind != request_sync) {
            block.aio_buf = workload_.buffer(slot);
            block.aio_nbytes = workload_.block_size;
            block.aio_offset = request.offset;
        }
        clock.start(slot);
        const int result = request.kind == request_read    ? calls_.read(&block)
                           : request.kind == request_write ? calls_.write(&block)
                                                           : calls_.fsync(O_DSYNC, &block);
        if (result != 0) {
            fail_operation("posix", -errno);
        }
        waiting_[slot] = &block;
    }

    bool finished(std::size_t slot) {
        aiocb& block = blocks_[slot];
        const int error = calls_.error(&block);
        if (error == EINPROGRESS) {
            return false;
        }
        const ssize_t result = error == 0 ? calls_.take_return(&block) : -error;
        if (result != static_cast<ssize_t>(block.aio_nbytes)) {
            fail_operation("posix", result);
        }
        return true;
    }

    Workload workload_;
    PosixCalls calls_;
    std::size_t next_request_ = 0;
    std::vector<aiocb> blocks_;
    std::vector<const aiocb*> waiting_; // null: nothing in flight in that slot
};

} // namespace

std::unique_ptr<Engine> make_glibc_aio(const Workload& workload) {
    aioinit settings{};
    settings.aio_threads = static_cast<int>(workload.depth); // 20 otherwise; one a file it is
    settings.aio_num = static_cast<int>(workload.depth);
    aio_init(&settings);
    const PosixCalls calls{aio_read, aio_write, aio_fsync, aio_error, aio_return, aio_suspend};
    return std::make_unique<PosixAio>(workload, calls);
}

} // namespace bench
