// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/starting_call.hpp"

#include "posix/ends_by.hpp"
#include "posix/notification.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <new>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

using engine::Kind;

constexpr std::size_t longest_buffer =
    sizeof(std::size_t) == 8 ? std::size_t{1} << 47U // the user half of x86-64's addresses
                             : std::size_t{SSIZE_MAX};
#ifdef __s390__ // has an address for every number
constexpr int too_long = EINVAL;
#else
constexpr int too_long = EFAULT;
#endif

/// The errno of what is wrong with a request whatever the kernel would say; 0 for nothing.
int refusal(const ControlBlock& block, Order order, const PerCallDescriptor& file) noexcept {
    if (order.kind == Kind::none) {
        return EINVAL;
    }
    if (!order.is_transfer()) {
        return 0;
    }
    if (order.offset < 0) {
        return EINVAL;
    }
    if (file.kind() == FileKind::directory && order.kind == Kind::read) {
        return EISDIR;
    }
    // read(2) finds that such a buffer ends outside the process. io_submit would cut it to 2 GiB,
    // and a write would write what lies behind the buffer.
    return block.length > longest_buffer ? too_long : 0;
}

/// Fills in what the engine needs to know. `file`: null when the descriptor is bad.
void describe(Request& request, const ControlBlock& block, Order order,
              PerCallDescriptor* file) noexcept {
    engine::Request& what = request.request;
    request.file = file;
    request.done = 0; // of the last use
    what = {};
    what.kind = order.kind;
    what.data = const_cast<void*>(block.buffer);
    what.length = block.length;
    what.offset = order.offset;
    what.rank = what.is_transfer() ? static_cast<std::uint8_t>(block.priority_decrease) : 0;
    what.after_writes = what.is_flush();
    // write(2) into a stream waits until all is written.
    what.exact = what.is_write() && file != nullptr && file->traits.stream;
    if (file != nullptr && (file->kind() == FileKind::pipe || file->kind() == FileKind::socket)) {
        what.offset = 0;
    }
}

bool any_wants_notice(const Request& request) noexcept {
    return wants_notice(request.notification) ||
           (request.list != nullptr && wants_notice(request.list->notification));
}

bool any_wants_thread(const ControlBlock& block, const RequestList* list) noexcept {
    return wants_thread(block.notification) ||
           (list != nullptr && wants_thread(list->notification));
}

} // namespace

StartingCall::StartingCall(Layer& layer, const CriticalSection& section, RequestList* list) noexcept
    : layer_(layer), list_(list), signals_(section.before()),
      first_number_(layer.requests().next_number()) {}

int StartingCall::start(ControlBlock& block, Order order) noexcept {
    PerCallDescriptor* file = nullptr;
    Request* request = nullptr;
    int error = 0;
    try {
        file = layer_.descriptors().find(block.fd, error);
        if (any_wants_thread(block, list_) && !layer_.attendant().start()) {
            return EAGAIN;
        }
        request = &layer_.requests().take();
    } catch (const std::bad_alloc&) {
        return EAGAIN;
    }
    describe(*request, block, order, file);
    begin(*request, block);
    error = error != 0 ? error : refusal(block, order, *file);
    if (error != 0) {
        layer_.completions().fail(*request, error, Moment::in_starting_call, found_);
        return 0;
    }
    file->name(named_);
    if (request->request.is_flush()) {
        request->flushed = block.fd;
        layer_.direct_path().begin_flush(block.fd);
    }
    layer_.engine().start(*request);
    return 0;
}

void StartingCall::begin(Request& request, ControlBlock& block) noexcept {
    request.block = &block;
    request.notification = block.notification;
    request.list = list_;
    request.no_resources = false;
    request.flushed = -1;
    layer_.direct_path().drop(block, layer_.generation());
    block.begin(&request, layer_.generation());
    layer_.requests().begin(request);
    layer_.counts().add_request(layer_.requests().size());
    if (list_ != nullptr) {
        ++list_->unfinished;
    }
}

bool StartingCall::finish() noexcept {
    if (std::exchange(finished_, true)) {
        return false;
    }
    submit();
    leave_behind();
    layer_.completions().settle(Moment::in_starting_call, found_);
    const bool list_is_done =
        list_ != nullptr && layer_.notifier().count_down(*list_, Moment::in_starting_call);
    layer_.publish_counts();
    if (found_.any || list_is_done) {
        layer_.waiters().wake();
    }
    return list_is_done;
}

void StartingCall::submit() noexcept {
    engine::Engine& engine = layer_.engine();
    engine.flush();
    if (engine.reap()) {
        engine.flush();
    }
    keep_what_waits();
    while (PerCallDescriptor* const file = named_.front()) {
        file->end_of_call(engine, named_);
    }
    engine.flush();
    layer_.completions().settle(Moment::in_starting_call, found_);
    signals_.discard(found_.pipe_signal, found_.size_signal);
}

/// Numbers are valid until here. What is in flight, and not tried only, needs its number no more.
void StartingCall::keep_what_waits() noexcept {
    for (Request* request = layer_.requests().first_since(first_number_); request != nullptr;
         request = RequestTable::after(*request)) {
        PerCallDescriptor& file = descriptor_of(*request);
        const engine::State state = request->state();
        const bool is_settled = state == engine::State::completed ||
                                (state == engine::State::kernel && !request->is_try()) ||
                                (state == engine::State::worker && file.is_lent_to(*request));
        if (!is_settled) {
            file.keep_open(request->is_flush());
        }
    }
}

/// For each request that is not done: what is to bring it to its end.
void StartingCall::leave_behind() noexcept {
    RequestTable& requests = layer_.requests();
    std::uint64_t in_progress = 0;
    for (Request* request = requests.first_since(first_number_); request != nullptr;
         request = RequestTable::after(*request)) {
        const EndsBy end = ends_by(*request);
        ++in_progress;
        layer_.counts().direct += end == EndsBy::kernel ? 1 : 0;
        const bool has_no_thread = end == EndsBy::attendant && !layer_.attendant().start();
        if (end == EndsBy::nothing || has_no_thread) {
            give_up(*request);
        } else if (end == EndsBy::attendant || any_wants_notice(*request)) {
            layer_.attendant().attend(*request, any_wants_notice(*request));
        }
    }
    layer_.counts().at_once += requests.next_number() - first_number_ - in_progress;
}

/// There is no thread that would go on with it, or could pin its file; and its descriptor is valid
/// in this call only.
void StartingCall::give_up(Request& request) noexcept {
    request.no_resources = true;
    layer_.engine().cancel(request); // nothing else comes of it: it has not entered the kernel
}

} // namespace posix
AIOXX_NAMESPACE_END
