// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The way in.

#include "posix/layer.hpp"

#include "core/fork_generation.hpp"
#include "posix/notification.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <new>
#include <thread>

#include <fcntl.h>

AIOXX_NAMESPACE_BEGIN
namespace posix {
namespace {

using engine::FileState;
using engine::Kind;
using engine::State;

constexpr std::size_t longest_buffer =
    sizeof(std::size_t) == 8 ? std::size_t{1} << 47U // of x86-64, and more than is had
                             : std::size_t{SSIZE_MAX};

/// What no system call would have to be made for; 0 when one has.
int refusal(const Request& request, const FileState& file) noexcept {
    if (request.kind == Kind::none) {
        return EINVAL;
    }
    if (!request.is_transfer()) {
        return 0;
    }
    if (request.offset < 0) {
        return EINVAL;
    }
    if (file.kind == FileKind::directory && request.is_read()) {
        return EISDIR;
    }
    // read(2) finds that such a buffer ends outside the process; io_submit would cut it to 2 GiB,
    // and write behind what is there.
    return request.length > longest_buffer ? EFAULT : 0;
}

/// A write into a pipe that nobody reads, or beyond RLIMIT_FSIZE, sends its thread a signal, which
/// is blocked here. glibc's threads block it for ever. One that the program blocks, and that was
/// pending before, is the program's.
class SignalsOfWrites {
public:
    explicit SignalsOfWrites(const sigset_t& before) noexcept {
        ::sigemptyset(&pending_);
        if (::sigismember(&before, SIGPIPE) == 1 || ::sigismember(&before, SIGXFSZ) == 1) {
            ::sigpending(&pending_);
        }
    }
    void discard(bool pipe, bool size) const noexcept {
        discard_one(SIGPIPE, pipe);
        discard_one(SIGXFSZ, size);
    }

private:
    void discard_one(int signal, bool came) const noexcept {
        if (!came || ::sigismember(&pending_, signal) == 1) {
            return;
        }
        sigset_t one;
        ::sigemptyset(&one);
        ::sigaddset(&one, signal);
        const timespec now{};
        ::sigtimedwait(&one, nullptr, &now);
    }

    sigset_t pending_;
};

bool any_wants_notice(const Request& request) noexcept {
    return wants_notice(request.notification) ||
           (request.list != nullptr && wants_notice(request.list->notification));
}

bool any_wants_thread(const ControlBlock& block, const RequestList* list) noexcept {
    return wants_thread(block.notification) ||
           (list != nullptr && wants_thread(list->notification));
}

} // namespace

Layer::Layer(const Settings& settings, std::error_code& error)
    : engine_({.depth = 256,
               .helpers = {.limit = settings.helpers, .idle = settings.idle},
               .event_fd = true,
               .event_fd_blocks = true,
               .high_descriptors = true,
               .numbers_expire = true,
               .flush_after_reads = true},
              error),
      settings_(settings), generation_(fork_generation::current()),
      has_many_processors_(std::thread::hardware_concurrency() > 1) {
    pthread_condattr_t attributes;
    ::pthread_condattr_init(&attributes);
    ::pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    ::pthread_cond_init(&attention_, &attributes);
    ::pthread_condattr_destroy(&attributes);
    if (!error && !anonymous_files_.open(engine_.wake_fd())) {
        error.assign(EMFILE, std::generic_category());
    }
}

/// The numbers may be other files' by now, which nothing must be written to: to be open is not
/// enough.
bool Layer::is_cut_off() noexcept {
    until_looked_ = 8;
    cut_off_ = cut_off_ || !anonymous_files_.has_own();
    return cut_off_;
}

/// One system call spared: it happens once in a program's life, and between its requests.
bool Layer::takes_requests() noexcept {
    return !cut_off_ && ((!in_progress_.empty() && --until_looked_ > 0) || !is_cut_off());
}

int Layer::start(ControlBlock& block, Order order, RequestList* list) {
    Request* taken = nullptr;
    FileState* file = nullptr;
    int error = 0;
    try {
        taken = &pool_.take();
        file = files_.find(engine_, block.fd, error);
    } catch (const std::bad_alloc&) {
        if (taken != nullptr) {
            pool_.give_back(*taken);
        }
        return EAGAIN;
    }
    if (any_wants_thread(block, list) && !start_attendant()) {
        pool_.give_back(*taken);
        return EAGAIN;
    }
    Request& request = *taken;
    request.block = &block;
    request.notification = block.notification;
    request.list = list;
    request.fd = block.fd;
    request.attended = false;
    request.no_resources = false;
    request.file = file;
    request.kind = order.kind;
    request.base = const_cast<std::byte*>(static_cast<volatile std::byte*>(block.buffer));
    request.length = block.length;
    request.offset = order.offset;
    request.done = 0;
    request.state = State::idle;
    block.begin(&request, generation_);
    request.fresh = true;
    started_.push_back(request);
    ++started_count_;
    ++counts_.requests;
    counts_.deepest =
        std::max<std::uint64_t>(counts_.deepest, in_progress_.size() + started_.size());
    if (list != nullptr) {
        ++list->unfinished;
    }
    error = error != 0 ? error : refusal(request, *file);
    if (error != 0) {
        in_call_ = true;
        fail(request, error);
        in_call_ = false;
        return 0;
    }
    request.rank = request.is_transfer() ? static_cast<std::uint8_t>(block.priority_decrease) : 0;
    request.after_writes = request.is_flush();
    request.exact = request.is_write() && file->stream; // write(2) there waits until all is written
    if (file->kind == FileKind::pipe || file->kind == FileKind::socket) {
        request.offset = 0;
    }
    engine_.name_file(*file);
    engine_.start(request);
    return 0;
}

void Layer::end_call(const sigset_t& before) noexcept {
    const SignalsOfWrites signals{before};
    pipe_signal_ = false;
    size_signal_ = false;
    in_call_ = true;
    engine_.end_call();
    settle();
    in_call_ = false;
    signals.discard(pipe_signal_, size_signal_);
    counts_.at_once += started_count_ - started_.size();
    started_count_ = 0;
    while (Request* const request = started_.pop_front()) {
        request->fresh = false;
        in_progress_.push_back(*request);
        // A flush, a plain transfer, and the call that a helper makes for a file end by themselves.
        // All else has to be seen to.
        const bool in_kernel = request->state == State::kernel &&
                               (!request->is_transfer() || request->route == engine::Route::plain);
        const bool with_helper = request->state == State::helper && !request->file->stream &&
                                 (request->route == engine::Route::helper || request->lent);
        counts_.direct += in_kernel ? 1 : 0;
        const bool waits = request->state != State::kernel && request->state != State::helper;
        if (waits && request->file->pin == nullptr) {
            give_up(*request); // with no thread to be had nobody can keep the file
        } else if (!(in_kernel || with_helper) || any_wants_notice(*request)) {
            attend(*request);
        }
    }
    settle();
    tell_waiters();
}

void Layer::give_up(Request& request) noexcept {
    request.no_resources = true;
    engine_.cancel(request);
}

} // namespace posix
AIOXX_NAMESPACE_END
