// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/file/capabilities.hpp>

#include <aioxx/core/context.hpp>
#include <aioxx/file/aligned_buffer.hpp>

#include "file/file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include <poll.h>
#include <sys/mman.h>

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
            iocb_.prepare_read(file_.fd(), {}, 0);
            break;
        case Opcode::write:
            iocb_.prepare_write(file_.fd(), {}, 0);
            break;
        case Opcode::readv:
            iocb_.prepare_readv(file_.fd(), {}, 0);
            break;
        case Opcode::writev:
            iocb_.prepare_writev(file_.fd(), {}, 0);
            break;
        case Opcode::noop:
            return EINVAL;
        }
        if (file_.is_stream() && (opcode == Opcode::read || opcode == Opcode::readv)) {
            prepare_on_stream(Direction::read);
        } else if (file_.is_stream() && (opcode == Opcode::write || opcode == Opcode::writev)) {
            prepare_on_stream(Direction::write);
        }
        const Refusal refusal = run();
        return refusal.at_submit ? refusal.error : 0;
    }

    int flag(RwFlags flag, Direction direction) {
        if (file_.is_stream()) {
            prepare_on_stream(direction);
        } else if (direction == Direction::read) {
            iocb_.prepare_read(file_.fd(), {}, 0);
        } else {
            iocb_.prepare_write(file_.fd(), {}, 0);
        }
        iocb_.set_rw_flags(flag);
        const Refusal refusal = run();
        // Some files find out late: ext4 answers a NOWAIT buffered write in its event. Anything
        // else there (EINVAL for an atomic write of nothing) is no matter of the flag.
        if (refusal.at_submit || refusal.error == EOPNOTSUPP) {
            return refusal.error;
        }
        const bool with_bytes = (direction == Direction::write && is_refused_with_bytes(flag)) ||
                                (flag == RwFlags::nowait && is_refused_by_device());
        return with_bytes ? EOPNOTSUPP : 0;
    }

private:
    static constexpr std::uint64_t nowhere = ~std::uint64_t{4095};
    static constexpr std::size_t probed = 4096; // bytes, which any direct I/O takes

    struct Refusal {
        int error = 0; // errno, or 0
        bool at_submit = false;
    };

    /// A write of nothing is a message to a datagram socket, and a read of nothing takes one. So
    /// the list of buffers is where no process has memory, and is refused for that (EFAULT) once
    /// the open mode, the flags and the file's ability to read or write at all have been found
    /// good. Not the one buffer of a read: s390 has an address for every number, and does not look
    /// before there are bytes.
    void prepare_on_stream(Direction direction) noexcept {
        if (direction == Direction::read) {
            iocb_.prepare_readv(file_.fd(), {}, -1);
        } else {
            iocb_.prepare_writev(file_.fd(), {}, -1);
        }
        iocb_.raw().buffer = nowhere;
        iocb_.raw().length = 1;
    }
    [[nodiscard]] bool is_by_address(int error) const noexcept {
        return iocb_.raw().buffer == nowhere && error == EFAULT;
    }

    /// Refusals of buffered writes that come after the kernel has turned to their bytes.
    bool is_refused_with_bytes(RwFlags flag) {
        return !file_.is_direct() &&
               (flag == RwFlags::atomic ||
                (flag == RwFlags::nowait &&
                 (file_.kind() == FileKind::block_device || is_refused_by_xfs())));
    }

    /// XFS knows no buffered write with NOWAIT before Linux 6.0, and says so when there are bytes.
    /// Those that it gets are where nothing can be read: none is written, and with NOWAIT the
    /// times stay.
    bool is_refused_by_xfs() {
        if (file_.kind() != FileKind::regular || file_system_of(file_.fd()) != file_systems::xfs) {
            return false;
        }
        void* const page = ::mmap(nullptr, probed, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) {
            return false;
        }
        iocb_.prepare_write(file_.fd(), {static_cast<const std::byte*>(page), 1}, 0);
        iocb_.set_rw_flags(RwFlags::nowait);
        const int error = run().error;
        ::munmap(page, probed);
        return error == EOPNOTSUPP;
    }

    /// What is below a file may know no NOWAIT (zram, a device mapper of earlier kernels): it says
    /// so when it gets bytes to read. Of a file that cannot be read, or has none, this is not
    /// known.
    bool is_refused_by_device() {
        if (!file_.is_direct() || file_.is_stream()) {
            return false;
        }
        AlignedBuffer block{probed, probed};
        iocb_.prepare_read(file_.fd(), block, 0);
        iocb_.set_rw_flags(RwFlags::nowait);
        return run().error == EOPNOTSUPP;
    }

    Refusal run() {
        std::error_code error;
        context_.submit(iocb_, error);
        if (error) {
            return {is_by_address(error.value()) ? 0 : error.value(), true};
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
