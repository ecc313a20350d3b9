// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/listio.hpp"

#include "posix/calls.hpp"
#include "posix/order.hpp"
#include "posix/process.hpp"
#include "posix/starting_call.hpp"
#include "posix/waiter.hpp"

#include <cerrno>

#include <aio.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

struct ListStart {
    Layer* layer = nullptr;
    RequestList* list = nullptr; // of LIO_WAIT, while it is not done
    bool any = false;            // was started
    bool failed = false;         // one that was started
    int error = 0;               // of one that was not
};

ListStart start_list(const CriticalSection& section, bool wait,
                     std::span<ControlBlock* const> blocks, const sigevent* notification,
                     std::int64_t (*offset_of)(const ControlBlock&)) noexcept {
    ListStart start;
    start.layer = process::layer(start.error);
    if (start.layer == nullptr) {
        return start;
    }
    RequestList* const list = start.layer->requests().make_list(wait, notification);
    if (list == nullptr) {
        start.error = EAGAIN;
        return start;
    }
    StartingCall call{*start.layer, section, list};
    for (ControlBlock* const block : blocks) {
        if (block == nullptr || block->list_opcode == LIO_NOP) {
            continue;
        }
        const auto opcode = static_cast<Opcode>(block->list_opcode);
        const int error = has_good_priority(*block)
                              ? call.start(*block, order_of(opcode, offset_of(*block)))
                              : EINVAL;
        if (error != 0) {
            block->finish(-error);
            start.error = error;
        } else {
            start.any = true;
        }
    }
    const bool done = call.finish();
    if (wait && done) {
        start.failed = list->failed;
        start.layer->requests().give_back(*list);
    } else if (wait) {
        start.list = list;
    }
    return start;
}

/// 0, or EINTR.
int await_list(Layer& layer, const BlockedSignals& signals, RequestList& list,
               bool& failed) noexcept {
    int error = 0;
    {
        Waiter waiter{layer, signals};
        const auto done = [&list] { return list.unfinished == 0; };
        while (!waiter.look(done) && error == 0) {
            error = waiter.sleep(nullptr);
        }
    }
    const CriticalSection section{signals};
    if (list.unfinished > 0) {
        list.awaited = false; // the last request gives it back
        return EINTR;
    }
    failed = list.failed;
    layer.requests().give_back(list);
    return 0;
}

int start_and_await(std::span<ControlBlock* const> blocks,
                    std::int64_t (*offset_of)(const ControlBlock&)) noexcept {
    const BlockedSignals signals;
    ListStart start;
    {
        const CriticalSection section{signals};
        start = start_list(section, true, blocks, nullptr, offset_of);
    }
    if (start.list != nullptr) {
        // <aio.h> declares that this function does not throw, so it must not unwind either.
        int cancelling = 0;
        ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
        const int interrupted = await_list(*start.layer, signals, *start.list, start.failed);
        ::pthread_setcancelstate(cancelling, &cancelling);
        if (interrupted != 0) {
            return fail(interrupted);
        }
    }
    if (start.error != 0 && !start.any) {
        return fail(start.error);
    }
    return start.failed || start.error != 0 ? fail(EIO) : 0; // the blocks say more
}

} // namespace

int listio(int mode, std::span<ControlBlock* const> blocks, const sigevent* notification,
           std::int64_t (*offset_of)(const ControlBlock&)) noexcept {
    if (mode == LIO_WAIT) {
        return start_and_await(blocks, offset_of);
    }
    if (mode != LIO_NOWAIT) {
        return fail(EINVAL);
    }
    int error = 0;
    {
        const CriticalSection section;
        error = start_list(section, false, blocks, notification, offset_of).error;
    }
    return error != 0 ? fail(error) : 0;
}

} // namespace posix
AIOXX_NAMESPACE_END
