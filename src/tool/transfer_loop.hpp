// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/open_file.hpp"

#include <aioxx/core/context.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tool {

/// One block to be read or written in full. Belongs to the caller, who keeps it, and the buffer,
/// for longer than the loop that it was started in.
struct Transfer {
    enum class Direction : std::uint8_t { read, write };

    OpenFile* file = nullptr;
    std::byte* buffer = nullptr; // with room for `length` rounded up to the file's alignment
    std::int64_t offset = 0;
    std::int64_t length = 0;
    Direction direction = Direction::read;

private:
    friend class TransferLoop;

    aioxx::Iocb iocb_;
    std::int64_t from_ = 0; // where in the block the present attempt starts
    std::int64_t done_ = 0;
    bool direct_ = false; // as the present attempt was made
};

/// Keeps transfers in flight and carries on those that come back short. An error of a transfer is
/// thrown as a Failure; destroying the loop waits for what is then still in flight.
class TransferLoop {
public:
    /// For at most `depth` transfers at a time.
    explicit TransferLoop(unsigned depth);

    /// Takes the transfer in; next() submits it.
    void start(Transfer& transfer);

    /// Waits for a transfer to be complete; null when none is left.
    Transfer* next();

private:
    void attempt(Transfer& transfer);
    void submit();
    void take(Transfer& transfer, std::int64_t result);

    std::vector<aioxx::Iocb*> pending_;
    std::vector<Transfer*> complete_;
    std::size_t in_flight_ = 0;
    aioxx::EventBatch events_;
    aioxx::Context context_;
};

} // namespace tool
