// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/file/capabilities.hpp>

#include <aioxx/core/context.hpp>

#include <algorithm>
#include <cerrno>

#include <poll.h>

AIOXX_NAMESPACE_BEGIN
namespace {

using Direction = Capabilities::Direction;

/// Submits single operations and says how each was refused.
class Trial {
public:
    Trial(const File& file, std::error_code& error) : file_(file), context_(1, error), events_(1) {}

    int opcode(Opcode opcode) {
        switch (opcode) {
        case Opcode::fsync:
            iocb_.prepare_fsync(file_.fd());
            break;
        case Opcode::fdatasync:
            iocb_.prepare_fdatasync(file_.fd());
            break;
        case Opcode::poll:
            iocb_.prepare_poll(file_.fd(), POLLIN | POLLOUT);
            break;
        case Opcode::read:
            iocb_.prepare_read(file_.fd(), {}, offset());
            break;
        case Opcode::write:
            iocb_.prepare_write(file_.fd(), {}, offset());
            break;
        case Opcode::readv:
            iocb_.prepare_readv(file_.fd(), {}, offset());
            break;
        case Opcode::writev:
            iocb_.prepare_writev(file_.fd(), {}, offset());
            break;
        case Opcode::noop:
            return EINVAL;
        }
        const bool transfer =
            opcode != Opcode::fsync && opcode != Opcode::fdatasync && opcode != Opcode::poll;
        // What an empty transfer meets in the file itself says nothing about the opcode.
        const Refusal refusal = run();
        return refusal.at_submit && !(transfer && is_by_offset(refusal)) ? refusal.error : 0;
    }

    int flag(RwFlags flag, Direction direction) {
        if (direction == Direction::read) {
            iocb_.prepare_read(file_.fd(), {}, offset());
        } else {
            iocb_.prepare_write(file_.fd(), {}, offset());
        }
        iocb_.set_rw_flags(flag);
        const Refusal refusal = run();
        // Some files find out late: ext4 answers a NOWAIT buffered write in its event. Anything
        // else there (EINVAL for an atomic write of nothing) is no matter of the flag.
        const bool refused = refusal.at_submit ? !is_by_offset(refusal) //
                                               : refusal.error == EOPNOTSUPP;
        return refused ? refusal.error : 0;
    }

private:
    struct Refusal {
        int error = 0; // errno, or 0
        bool at_submit = false;
    };

    /// A write of nothing is a message to a datagram socket. A negative offset is refused after
    /// the opcode, the open mode and the flags have been found good, and before anything is done.
    [[nodiscard]] std::int64_t offset() const noexcept { return file_.is_stream() ? -1 : 0; }
    [[nodiscard]] bool is_by_offset(const Refusal& refusal) const noexcept {
        return file_.is_stream() && refusal.error == EINVAL;
    }

    Refusal run() {
        std::error_code error;
        context_.submit(iocb_, error);
        if (error) {
            return {error.value(), true};
        }
        if (iocb_.opcode() == Opcode::poll) {
            context_.cancel(iocb_, error); // or it was ready at once, which is as good
        }
        do {
            context_.wait(events_, 1, error);
        } while (error.value() == EINTR);
        const std::int64_t result = error ? -error.value() : events_[0].result();
        return {result < 0 ? static_cast<int>(-result) : 0, false};
    }

    const File& file_;
    Iocb iocb_;
    Context context_;
    EventBatch events_;
};

template <typename Array>
std::size_t index_of(const Array& array, typename Array::value_type value) noexcept {
    return static_cast<std::size_t>(std::find(array.begin(), array.end(), value) - array.begin());
}

} // namespace

Capabilities Capabilities::probe(const File& file, std::error_code& error) {
    Capabilities found;
    Trial trial{file, error};
    if (error) {
        return found;
    }
    for (std::size_t i = 0; i < opcodes.size(); ++i) {
        found.opcode_errors_[i] = trial.opcode(opcodes[i]);
    }
    for (std::size_t i = 0; i < flags.size(); ++i) {
        found.read_flag_errors_[i] = trial.flag(flags[i], Direction::read);
        found.write_flag_errors_[i] = trial.flag(flags[i], Direction::write);
    }
    return found;
}

std::error_code Capabilities::refusal(Opcode opcode) const noexcept {
    const std::size_t index = index_of(opcodes, opcode);
    return {index < opcodes.size() ? opcode_errors_[index] : EINVAL, std::generic_category()};
}

std::error_code Capabilities::refusal(RwFlags flag, Direction direction) const noexcept {
    const std::size_t index = index_of(flags, flag);
    if (index == flags.size()) {
        return {EOPNOTSUPP, std::generic_category()};
    }
    const auto& errors = direction == Direction::read ? read_flag_errors_ : write_flag_errors_;
    return {errors[index], std::generic_category()};
}

AIOXX_NAMESPACE_END
