// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/transfer_loop.hpp"

#include "tool/failure.hpp"

#include <cerrno>
#include <span>

namespace tool {
namespace {

[[noreturn]] void fail(const Transfer& transfer, int error_number) {
    const bool reading = transfer.direction == Transfer::Direction::read;
    throw Failure(transfer.file->name(), reading ? "cannot read" : "cannot write", error_number);
}

aioxx::Context make_context(unsigned depth) {
    std::error_code error;
    aioxx::Context context{depth, error};
    if (error.value() == EPERM || error.value() == ENOSYS) {
        throw Failure("io_setup", "kernel AIO is switched off here", error.value());
    }
    return error ? aioxx::Context{depth} : std::move(context); // again, for the text with limits
}

} // namespace

TransferLoop::TransferLoop(unsigned depth) : events_(depth), context_(make_context(depth)) {
    pending_.reserve(depth);
    complete_.reserve(depth);
}

void TransferLoop::start(Transfer& transfer) {
    transfer.done_ = 0;
    attempt(transfer);
}

void TransferLoop::attempt(Transfer& transfer) {
    OpenFile& file = *transfer.file;
    // A short transfer may end anywhere, a direct one has to start again at its alignment.
    transfer.from_ = round_down(transfer.done_, file.alignment());
    transfer.direct_ = file.is_direct();
    const std::int64_t end = round_up(transfer.length, file.alignment());
    const std::span<std::byte> rest{transfer.buffer + transfer.from_,
                                    static_cast<std::size_t>(end - transfer.from_)};
    if (transfer.direction == Transfer::Direction::read) {
        transfer.iocb_.prepare_read(file.fd(), rest, transfer.offset + transfer.from_);
    } else {
        transfer.iocb_.prepare_write(file.fd(), rest, transfer.offset + transfer.from_);
    }
    transfer.iocb_.set_data(&transfer);
    pending_.push_back(&transfer.iocb_);
}

void TransferLoop::submit() {
    std::size_t accepted = 0;
    while (accepted < pending_.size()) {
        std::error_code error;
        accepted += context_.submit(std::span{pending_}.subspan(accepted), error);
        const bool full = error.value() == EAGAIN && in_flight_ + accepted != 0;
        if (full) {
            break; // room comes with the events
        }
        if (error && error.value() != EINTR) {
            const auto* refused = reinterpret_cast<Transfer*>(pending_[accepted]->data());
            fail(*refused, error.value());
        }
    }
    in_flight_ += accepted;
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(accepted));
}

void TransferLoop::take(Transfer& transfer, std::int64_t result) {
    const bool refused_direct = result == -EINVAL && transfer.direct_;
    if (result == -EINTR || (refused_direct && transfer.file->give_up_direct())) {
        attempt(transfer);
        return;
    }
    if (result < 0) {
        fail(transfer, static_cast<int>(-result));
    }
    const std::int64_t reached = transfer.from_ + result;
    if (reached >= transfer.length) {
        complete_.push_back(&transfer);
        return;
    }
    if (reached <= transfer.done_) { // the second attempt has brought nothing
        if (transfer.direction == Transfer::Direction::read) {
            throw Failure(transfer.file->name() + ": shrank while it was copied");
        }
        fail(transfer, ENOSPC);
    }
    transfer.done_ = reached;
    attempt(transfer);
}

Transfer* TransferLoop::next() {
    while (complete_.empty()) {
        submit();
        if (in_flight_ == 0) {
            return nullptr;
        }
        std::error_code error;
        context_.wait(events_, 1, error);
        if (error && error.value() != EINTR) {
            throw Failure("io_getevents", "cannot wait", error.value());
        }
        for (const aioxx::Event& event : events_) {
            --in_flight_;
            take(*event.data_as<Transfer>(), event.result());
        }
    }
    Transfer* const transfer = complete_.back();
    complete_.pop_back();
    return transfer;
}

} // namespace tool
