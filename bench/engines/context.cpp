// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/engines/engines.hpp"

#include <aioxx/core/context.hpp>

#include <cerrno>

namespace bench {
namespace {

enum class Reaping { by_call, from_ring };

/// The C loop again, on aioxx::Context.
template <Reaping reaping>
class ContextLoop final : public LoopEngine<ContextLoop<reaping>> {
public:
    explicit ContextLoop(const Workload& workload)
        : workload_(workload), iocbs_(std::make_unique<aioxx::Iocb[]>(workload.depth)),
          ready_(std::make_unique<aioxx::Iocb*[]>(workload.depth)), events_(workload.depth),
          context_(workload.depth) {}

private:
    friend class LoopEngine<ContextLoop>;

    template <typename Clock>
    void loop(std::uint64_t operations, Clock& clock) {
        std::uint64_t started = 0;
        std::uint64_t done = 0;
        std::size_t ready = 0;
        for (; started < workload_.depth && started < operations; ++started) {
            prepare(iocbs_[started], clock);
            ready_[ready++] = &iocbs_[started];
        }
        while (done < operations) {
            std::span<aioxx::Iocb* const> rest{ready_.get(), ready};
            while (!rest.empty()) {
                rest = rest.subspan(context_.submit(rest));
            }
            ready = 0;
            take_events();
            for (const aioxx::Event& event : events_) {
                aioxx::Iocb& iocb = event.iocb();
                if (event.result() != static_cast<std::int64_t>(iocb.raw().length)) {
                    fail_operation("context", event.result());
                }
                clock.stop(slot(iocb));
                ++done;
                if (started < operations) {
                    prepare(iocb, clock);
                    ready_[ready++] = &iocb;
                    ++started;
                }
            }
        }
    }

    template <typename Clock>
    void prepare(aioxx::Iocb& iocb, Clock& clock) noexcept {
        const request& request = workload_.at(next_request_++);
        const std::span buffer{workload_.buffer(slot(iocb)), workload_.block_size};
        if (request.kind == request_read) {
            iocb.prepare_read(workload_.fd, buffer, request.offset);
        } else if (request.kind == request_write) {
            iocb.prepare_write(workload_.fd, buffer, request.offset);
        } else {
            iocb.prepare_fdatasync(workload_.fd);
        }
        clock.start(slot(iocb));
    }

    void take_events() {
        if constexpr (reaping == Reaping::from_ring) {
            if (context_.reap(events_) != 0) {
                return;
            }
        }
        std::error_code error = aioxx::no_error();
        do {
            context_.wait(events_, 1, error);
        } while (error.value() == EINTR);
        if (error) {
            fail_operation("context", -error.value());
        }
    }

    [[nodiscard]] std::size_t slot(const aioxx::Iocb& iocb) const noexcept {
        return static_cast<std::size_t>(&iocb - iocbs_.get());
    }

    Workload workload_;
    std::size_t next_request_ = 0;
    std::unique_ptr<aioxx::Iocb[]> iocbs_;
    std::unique_ptr<aioxx::Iocb*[]> ready_;
    aioxx::EventBatch events_;
    aioxx::Context context_;
};

} // namespace

std::unique_ptr<Engine> make_context(const Workload& workload) {
    return std::make_unique<ContextLoop<Reaping::by_call>>(workload);
}

std::unique_ptr<Engine> make_context_ring(const Workload& workload) {
    return std::make_unique<ContextLoop<Reaping::from_ring>>(workload);
}

} // namespace bench
