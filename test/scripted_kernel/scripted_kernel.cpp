// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The third seam, beside src/kernel/libaio.cpp and syscall.cpp.
#include "scripted_kernel/scripted_kernel.hpp"

#include "kernel/raw_call.hpp"

#include <atomic>
#include <cerrno>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <sys/uio.h>

// Preparing is as in syscall.cpp. Its calls get other names, and are what passes to the real
// kernel.
#define setup real_setup
#define destroy real_destroy
#define submit real_submit
#define cancel real_cancel
#define get_events real_get_events
#define transfer real_transfer
#define flush real_flush
#define will_need real_will_need
#define backend real_backend
#include "kernel/plain_call.cpp" // NOLINT(bugprone-suspicious-include)
#include "kernel/syscall.cpp"    // NOLINT(bugprone-suspicious-include)
#undef setup
#undef destroy
#undef submit
#undef cancel
#undef get_events
#undef transfer
#undef flush
#undef will_need
#undef backend

namespace aioxx::test {
namespace {

std::atomic<ScriptedKernel*> active{nullptr};

std::size_t index(Call call) noexcept {
    return static_cast<std::size_t>(call);
}

/// What of `parts` makes up the first `most` bytes.
std::vector<iovec> first_bytes(const iovec* parts, std::size_t count, std::size_t most) {
    std::vector<iovec> first{parts, parts + count};
    for (iovec& part : first) {
        part.iov_len = part.iov_len < most ? part.iov_len : most;
        most -= part.iov_len;
    }
    return first;
}

} // namespace

std::span<const int> errors_of(Call call) noexcept {
    static constexpr int setup[] = {EAGAIN, EINVAL, ENOMEM, EFAULT, ENOSYS, EPERM};
    static constexpr int destroy[] = {EINVAL, ENOSYS, EPERM};
    static constexpr int submit[] = {EAGAIN, EBADF,  EFAULT, EINVAL, EOPNOTSUPP,
                                     EPERM,  ENOMEM, ENOSYS, EINTR};
    static constexpr int cancel[] = {EINVAL, EFAULT, EAGAIN, ENOSYS, EPERM};
    static constexpr int get_events[] = {EINTR, EINVAL, EFAULT, ENOSYS, EPERM};
    static constexpr int transfer[] = {EINTR,  EAGAIN, EIO,   ENOSPC, EDQUOT, EBADF, EFAULT,
                                       EINVAL, ENOMEM, EPIPE, EFBIG,  ENOSYS, EPERM};
    static constexpr int flush[] = {EINTR,  EIO,    ENOSPC, EDQUOT, EBADF,
                                    EINVAL, ENOMEM, EROFS,  EPERM};
    switch (call) {
    case Call::setup:
        return setup;
    case Call::destroy:
        return destroy;
    case Call::submit:
        return submit;
    case Call::cancel:
        return cancel;
    case Call::get_events:
        return get_events;
    case Call::transfer:
        return transfer;
    case Call::flush:
        return flush;
    }
    return {};
}

ScriptedKernel::ScriptedKernel(Below below) : ScriptedKernel(below, nullptr) {}

ScriptedKernel::ScriptedKernel(Backend& below) : ScriptedKernel(Below::model, &below) {}

ScriptedKernel::ScriptedKernel(Below below, Backend* backend) : below_(below), backend_(backend) {
    ScriptedKernel* none = nullptr;
    if (!active.compare_exchange_strong(none, this)) {
        throw std::logic_error("a ScriptedKernel is there already");
    }
}

ScriptedKernel::~ScriptedKernel() {
    active = nullptr;
}

void ScriptedKernel::answer(Call call, std::initializer_list<Answer> answers) {
    const std::lock_guard lock{mutex_};
    script_[index(call)].insert(script_[index(call)].end(), answers);
}

void ScriptedKernel::leave_room(std::size_t events) {
    const std::lock_guard lock{mutex_};
    room_ = events;
}

bool ScriptedKernel::take_room(unsigned events) {
    const std::lock_guard lock{mutex_};
    if (room_ && *room_ < events) {
        return false;
    }
    if (room_) {
        *room_ -= events;
    }
    return true;
}

unsigned ScriptedKernel::events_of(kernel::Handle handle) const {
    const std::lock_guard lock{mutex_};
    const auto found = open_.find(handle);
    return found != open_.end() ? found->second : 0;
}

void ScriptedKernel::give_room_back(unsigned events) {
    const std::lock_guard lock{mutex_};
    if (room_) {
        *room_ += events;
    }
}

void ScriptedKernel::fail_call(std::size_t number, std::size_t which) {
    const std::lock_guard lock{mutex_};
    until_fault_ = number;
    which_ = which;
    reached_ = false;
    fault_.reset();
}

bool ScriptedKernel::fault_was_reached() const {
    const std::lock_guard lock{mutex_};
    return reached_;
}

std::optional<ScriptedKernel::Fault> ScriptedKernel::fault() const {
    const std::lock_guard lock{mutex_};
    return fault_;
}

std::size_t ScriptedKernel::calls(Call call) const {
    const std::lock_guard lock{mutex_};
    return calls_[index(call)];
}

std::size_t ScriptedKernel::calls() const {
    const std::lock_guard lock{mutex_};
    return std::accumulate(calls_.begin(), calls_.end(), std::size_t{0});
}

std::size_t ScriptedKernel::open_contexts() const {
    const std::lock_guard lock{mutex_};
    return open_.size();
}

void ScriptedKernel::wait_until_closed() {
    std::unique_lock lock{mutex_};
    closed_.wait(lock, [this] { return open_.empty() && closing_ == 0; });
}

std::size_t ScriptedKernel::misuses() const {
    const std::lock_guard lock{mutex_};
    return misuses_;
}

/// Counts the call, and says what becomes of it.
Answer ScriptedKernel::next(Call call, kernel::Handle handle) {
    const std::lock_guard lock{mutex_};
    ++calls_[index(call)];
    const bool on_context = call != Call::setup && call != Call::transfer && call != Call::flush;
    if (on_context && !open_.contains(handle)) {
        ++misuses_;
    }
    if (call == Call::destroy) {
        open_.erase(handle);
        ++closing_;
    }
    if (until_fault_ != 0 && --until_fault_ == 0) {
        reached_ = true;
        const std::span<const int> errors = errors_of(call);
        if (which_ < errors.size()) {
            fault_ = Fault{call, errors[which_]};
            return Answer::error(fault_->error);
        }
    }
    std::deque<Answer>& script = script_[index(call)];
    if (script.empty()) {
        return Answer::pass();
    }
    const Answer answer = script.front();
    script.pop_front();
    return answer;
}

int ScriptedKernel::setup(unsigned events, kernel::Handle* handle) {
    const Answer answer = next(Call::setup, 0);
    if (answer.fixed_) {
        return -answer.failure_;
    }
    if (!take_room(events)) {
        return -EAGAIN;
    }
    const int result = below_ == Below::real ? kernel::real_setup(events, handle)
                       : backend_ != nullptr ? backend_->setup(events, handle)
                                             : model_.setup(events, handle);
    if (result == 0) {
        const std::lock_guard lock{mutex_};
        open_[*handle] = events;
    } else {
        give_room_back(events);
    }
    return result;
}

int ScriptedKernel::destroy(kernel::Handle handle) {
    const unsigned events = events_of(handle);
    const Answer answer = next(Call::destroy, handle);
    const int result = below_ == Below::real ? kernel::real_destroy(handle)
                       : backend_ != nullptr ? backend_->destroy(handle)
                                             : model_.destroy(handle);
    give_room_back(events);
    const std::lock_guard lock{mutex_};
    --closing_;
    closed_.notify_all();
    return answer.fixed_ ? -answer.failure_ : result;
}

int ScriptedKernel::submit(kernel::Handle handle, long count, kernel::IocbLayout** iocbs) {
    const Answer answer = next(Call::submit, handle);
    if (answer.fixed_) {
        return -answer.failure_;
    }
    if (answer.most_ >= 0 && count > answer.most_) {
        count = answer.most_;
    }
    return below_ == Below::real ? kernel::real_submit(handle, count, iocbs)
           : backend_ != nullptr ? backend_->submit(handle, count, iocbs)
                                 : model_.submit(handle, count, iocbs);
}

int ScriptedKernel::cancel(kernel::Handle handle, kernel::IocbLayout* iocb,
                           kernel::EventLayout* event) {
    const Answer answer = next(Call::cancel, handle);
    if (answer.fixed_) {
        return -answer.failure_;
    }
    return below_ == Below::real ? kernel::real_cancel(handle, iocb, event)
           : backend_ != nullptr ? backend_->cancel(handle, iocb)
                                 : model_.cancel(handle, iocb);
}

int ScriptedKernel::get_events(kernel::Handle handle, long min, long max,
                               kernel::EventLayout* events, kernel::Timeout timeout,
                               const sigset_t* mask) {
    const Answer answer = next(Call::get_events, handle);
    if (answer.fixed_) {
        return -answer.failure_;
    }
    if (answer.most_ >= 0 && max > answer.most_) {
        max = answer.most_;
        min = min < max ? min : max;
    }
    return below_ == Below::real ? kernel::real_get_events(handle, min, max, events, timeout, mask)
           : backend_ != nullptr ? backend_->get_events(handle, min, max, events, timeout)
                                 : model_.get_events(handle, min, max, events, timeout);
}

std::int64_t ScriptedKernel::transfer(bool write, int fd, const iovec* parts, std::size_t count,
                                      std::int64_t at, int flags) {
    const Answer answer = next(Call::transfer, 0);
    if (answer.fixed_) {
        return -answer.failure_;
    }
    std::vector<iovec> fewer;
    if (answer.most_ >= 0) {
        fewer = first_bytes(parts, count, static_cast<std::size_t>(answer.most_));
        parts = fewer.data();
    }
    return below_ == Below::real ? kernel::real_transfer(write, fd, parts, count, at, flags)
           : backend_ != nullptr ? backend_->transfer(write, fd, parts, count, at, flags)
                                 : model_.transfer(write, fd, parts, count, at, flags);
}

std::int64_t ScriptedKernel::flush(bool data_only, int fd) {
    const Answer answer = next(Call::flush, 0);
    if (answer.fixed_) {
        return -answer.failure_;
    }
    return below_ == Below::real ? kernel::real_flush(data_only, fd)
           : backend_ != nullptr ? backend_->flush(data_only, fd)
                                 : model_.flush(data_only, fd);
}

void ScriptedKernel::will_need(int fd, std::int64_t offset, std::size_t length) {
    {
        const std::lock_guard lock{mutex_};
        ++read_ahead_;
    }
    if (below_ == Below::real) {
        kernel::real_will_need(fd, offset, length);
    }
}

std::size_t ScriptedKernel::read_ahead() const {
    const std::lock_guard lock{mutex_};
    return read_ahead_;
}

} // namespace aioxx::test

AIOXX_NAMESPACE_BEGIN
namespace kernel {

using aioxx::test::active;

int setup(unsigned events, Handle* handle) noexcept {
    auto* const scripted = active.load();
    return scripted != nullptr ? scripted->setup(events, handle) : real_setup(events, handle);
}

int destroy(Handle handle) noexcept {
    auto* const scripted = active.load();
    return scripted != nullptr ? scripted->destroy(handle) : real_destroy(handle);
}

int submit(Handle handle, long count, IocbLayout** iocbs) noexcept {
    auto* const scripted = active.load();
    return scripted != nullptr ? scripted->submit(handle, count, iocbs)
                               : real_submit(handle, count, iocbs);
}

int cancel(Handle handle, IocbLayout* iocb, EventLayout* event) noexcept {
    auto* const scripted = active.load();
    return scripted != nullptr ? scripted->cancel(handle, iocb, event)
                               : real_cancel(handle, iocb, event);
}

int get_events(Handle handle, long min, long max, EventLayout* events, Timeout timeout,
               const sigset_t* mask) noexcept {
    auto* const scripted = active.load();
    return scripted != nullptr ? scripted->get_events(handle, min, max, events, timeout, mask)
                               : real_get_events(handle, min, max, events, timeout, mask);
}

std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count, std::int64_t at,
                      int flags) noexcept {
    auto* const scripted = active.load();
    return scripted != nullptr ? scripted->transfer(write, fd, parts, count, at, flags)
                               : real_transfer(write, fd, parts, count, at, flags);
}

std::int64_t flush(bool data_only, int fd) noexcept {
    auto* const scripted = active.load();
    return scripted != nullptr ? scripted->flush(data_only, fd) : real_flush(data_only, fd);
}

void will_need(int fd, std::int64_t offset, std::size_t length) noexcept {
    auto* const scripted = active.load();
    return scripted != nullptr ? scripted->will_need(fd, offset, length)
                               : real_will_need(fd, offset, length);
}

const char* backend() noexcept {
    return "scripted";
}

} // namespace kernel
AIOXX_NAMESPACE_END
