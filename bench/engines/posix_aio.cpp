// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/engines.hpp"

#include <cerrno>
#include <string>
#include <vector>

#include <aio.h>
#include <dlfcn.h>
#include <fcntl.h>

namespace bench {
namespace {

/// The file that the functions of <aio.h> come from in this process.
std::string provider() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(&aio_read), &info) == 0 || info.dli_fname == nullptr) {
        return "nowhere";
    }
    return info.dli_fname;
}

/// aio_read and aio_write, aio_suspend on all that is in flight, and a look at each.
class PosixAio final : public LoopEngine<PosixAio> {
public:
    explicit PosixAio(const Workload& workload)
        : workload_(workload), blocks_(workload.depth), waiting_(workload.depth) {}

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
            if (aio_suspend(waiting_.data(), static_cast<int>(waiting_.size()), nullptr) != 0 &&
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
        const int result = request.kind == request_read    ? aio_read(&block)
                           : request.kind == request_write ? aio_write(&block)
                                                           : aio_fsync(O_DSYNC, &block);
        if (result != 0) {
            fail_operation("posix", -errno);
        }
        waiting_[slot] = &block;
    }

    bool finished(std::size_t slot) {
        aiocb& block = blocks_[slot];
        const int error = aio_error(&block);
        if (error == EINPROGRESS) {
            return false;
        }
        const ssize_t result = error == 0 ? aio_return(&block) : -error;
        if (result != static_cast<ssize_t>(block.aio_nbytes)) {
            fail_operation("posix", result);
        }
        return true;
    }

    Workload workload_;
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
    return std::make_unique<PosixAio>(workload);
}

std::unique_ptr<Engine> make_posix_drop_in(const Workload& workload) {
    const std::string from = provider();
    if (from.find("libaioxx-posix.so") == std::string::npos) {
        throw Unavailable("aio_read comes from " + from + ", not from libaioxx-posix.so");
    }
    return std::make_unique<PosixAio>(workload);
}

} // namespace bench
