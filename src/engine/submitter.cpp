// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/submitter.hpp"

#include "engine/thread_sleeps.hpp"
#include "engine/write_signals.hpp"

#include <cerrno>
#include <span>
#include <system_error>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

/// A poll on a descriptor of the engine's.
bool is_own(const Operation& operation) noexcept {
    return operation.file == nullptr;
}

} // namespace

void Submitter::open(Context& context, int event_fd) noexcept {
    context_ = &context;
    event_fd_ = event_fd;
}

/// As the next one of `batch`.
void Submitter::add(Operation& operation, Batch& batch) noexcept {
    if (!is_own(operation)) { // else it is prepared once and for all
        operation.prepare(open_file(operation).fd, event_fd_);
        batch.signals |= may_send_signal(operation);
    }
    batch_[batch.count] = &operation.iocb;
    ++batch.count;
}

/// Fills the batch: one that is to be watched alone, or those before the next of that kind.
inline Submitter::Batch Submitter::gather(const OperationList& list) noexcept {
    Batch batch;
    Operation* next = list.front();
    if (next != nullptr && next->watch == SubmitWatch::alone) {
        batch.watched = true;
        add(*next, batch);
        return batch;
    }
    for (; next != nullptr && batch.count < most_at_once; next = OperationList::next(*next)) {
        if (next->watch != SubmitWatch::none) [[unlikely]] {
            if (next->watch == SubmitWatch::alone) {
                break;
            }
            batch.watched = true;
        }
        add(*next, batch);
    }
    return batch;
}

std::size_t Submitter::call_without_signals(std::span<Iocb* const> iocbs,
                                            std::error_code& error) noexcept {
    const NoWriteSignals kept_away;
    return context_->submit(iocbs, error);
}

Submitter::Answer Submitter::submit(OperationList& list) noexcept {
    using Clock = std::chrono::steady_clock;
    Answer answer;
    const Batch batch = gather(list);
    const long sleeps = batch.watched ? thread_sleeps() : 0;
    const Clock::time_point before = time_submits_ ? Clock::now() : Clock::time_point{};
    std::error_code error;
    const std::span<Iocb* const> iocbs{batch_.data(), batch.count};
    answer.accepted =
        batch.signals ? call_without_signals(iocbs, error) : context_->submit(iocbs, error);
    ++statistics_.submit_calls;
    in_kernel_ += answer.accepted;
    refusals_ = answer.accepted > 0 ? 0 : refusals_;
    if (time_submits_) {
        statistics_.add_submit_time(Clock::now() - before);
    }
    if (batch.watched && answer.accepted > 0) {
        answer.slept = thread_sleeps() != sleeps;
        statistics_.blocking_submits += answer.slept ? 1 : 0;
    }
    if (error) {
        refuse(list, error.value(), answer);
    }
    return answer;
}

/// The one behind those that were accepted has been answered with `error`.
void Submitter::refuse(OperationList& list, int error, Answer& answer) noexcept {
    Operation* first = list.front();
    for (std::size_t i = 0; i < answer.accepted; ++i) {
        first = OperationList::next(*first);
    }
    switch (error) {
    case EINTR:
        break;
    case EAGAIN:
        if (is_own(*first)) {
            // It has all the time there is. The others are tried, and may be refused for good.
            list.remove(*first);
            list.push_back(*first);
            break;
        }
        if (may_pass()) {
            break;
        }
        [[fallthrough]];
    default:
        answer.refused = first;
        answer.error = error;
    }
}

bool Submitter::may_pass() noexcept {
    using Clock = std::chrono::steady_clock;
    constexpr unsigned tries = 1000;
    constexpr std::chrono::seconds patience{1};
    if (in_kernel_ > 0) {
        return true;
    }
    if (refusals_++ == 0) {
        refused_since_ = Clock::now();
    }
    return refusals_ < tries || Clock::now() - refused_since_ < patience;
}

} // namespace engine
AIOXX_NAMESPACE_END
