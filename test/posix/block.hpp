// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Requests of the tests: control blocks with memory of their own, and waiting for them.

#include "posix/provider.hpp"
#include "posix/wait.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <aio.h>
#include <fcntl.h>
#include <unistd.h>

namespace aioxx::test {

/// A control block and its buffer, which is aligned for direct I/O where its size is. Fields
/// that the program need not set are filled with garbage. While the request is in flight the memory
/// stays, even if the Block or the program ends.
class Block {
public:
    /// For a transfer of `bytes`; the buffer is zeroed.
    explicit Block(int fd, std::size_t bytes = 1, off_t offset = 0)
        : state_(new State(bytes)), size_(bytes) {
        std::memset(&state_->control, 0xAA, sizeof(aiocb));
        aiocb& control = state_->control;
        control.aio_fildes = fd;
        control.aio_reqprio = 0;
        control.aio_buf = state_->buffer;
        control.aio_nbytes = bytes;
        control.aio_offset = offset;
        control.aio_sigevent.sigev_notify = SIGEV_NONE;
    }
    /// For a write of `text`.
    Block(int fd, std::string_view text, off_t offset = 0) : Block(fd, text.size(), offset) {
        std::copy(text.begin(), text.end(), state_->buffer);
    }
    Block(Block&&) noexcept = default;
    Block& operator=(Block&&) = delete;
    ~Block() {
        if (state_ && ::aio_error(&state_->control) == EINPROGRESS) {
            static auto& in_flight = *new std::vector<State*>; // past exit(), as the request may be
            in_flight.push_back(state_.release());
        }
    }

    operator aiocb*() const noexcept { return &state_->control; }
    aiocb* operator->() const noexcept { return &state_->control; }

    /// For lio_listio.
    Block& as(int opcode) {
        state_->control.aio_lio_opcode = opcode;
        return *this;
    }
    /// Notification by a signal that carries the control block's address.
    Block& signals(int number) {
        sigevent& event = state_->control.aio_sigevent;
        event.sigev_notify = SIGEV_SIGNAL;
        event.sigev_signo = number;
        event.sigev_value.sival_ptr = &state_->control;
        return *this;
    }

    [[nodiscard]] char* data() const noexcept { return state_->buffer; }
    [[nodiscard]] std::string_view text() const noexcept { return {state_->buffer, size_}; }

    [[nodiscard]] int error() const noexcept { return ::aio_error(&state_->control); }
    [[nodiscard]] bool pending() const noexcept { return error() == EINPROGRESS; }
    [[nodiscard]] ssize_t result() const noexcept { return ::aio_return(&state_->control); }

    /// Waits. What aio_error tells in the end, or EINPROGRESS after twenty seconds.
    int wait() const {
        const Deadline deadline;
        const aiocb* const list[] = {&state_->control};
        const timespec second{1, 0};
        while (pending() && !deadline.over()) {
            ::aio_suspend(list, 1, &second);
        }
        return error();
    }
    /// Waits. The result, or minus the error.
    ssize_t await_result() const {
        const int waited = wait();
        return waited == 0 ? result() : -waited;
    }

private:
    struct State {
        explicit State(std::size_t bytes)
            : alignment{bytes % 512 == 0 ? 4096U : 16U},
              buffer(static_cast<char*>(::operator new(bytes + 1, alignment))) {
            std::fill_n(buffer, bytes + 1, '\0');
        }
        State(const State&) = delete;
        State& operator=(const State&) = delete;
        ~State() { ::operator delete(buffer, alignment); }

        std::align_val_t alignment;
        char* buffer;
        aiocb control;
    };

    std::unique_ptr<State> state_;
    std::size_t size_;
};

/// The control blocks of `blocks`, as the functions that take lists want them.
inline std::vector<aiocb*> list_of(const std::vector<Block>& blocks) {
    return {blocks.begin(), blocks.end()};
}

} // namespace aioxx::test
