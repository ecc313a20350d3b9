// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/engine.hpp"

#include "core/fork_generation.hpp"
#include "core/ring.hpp"
#include "engine/blocking_call.hpp"
#include "engine/high_descriptor.hpp"

#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

AIOXX_NAMESPACE_BEGIN
namespace engine {
namespace {

constexpr std::size_t events_at_a_time = 256;

/// Whether io_submit gives it to something else to do. The rest it does itself, as a call does; and
/// of files that it does not know (of /proc, an eventfd to be written) it does none.
bool is_asynchronous(const Operation& operation, const FileTraits& file) noexcept {
    return operation.request.is_flush() || file.direct;
}

} // namespace

// --- Opening and closing ----------------------------------------------------------------------

Engine::Engine(const Options& options, std::error_code& error)
    : options_(options),
      scheduler_({options.nowait_always, options.flush_after_reads}, statistics_),
      submitter_(statistics_, options.time_submits), context_(options.depth),
      workers_(options.workers, mailbox_, options.table != nullptr ? *options.table : shared_table_,
               nullptr),
      readiness_(scheduler_.to_submit, scheduler_.to_run, workers_, mailbox_,
                 options.high_descriptors),
      events_(events_at_a_time) {
    scheduler_.set_slow(servers_, true);
    open_event_fd(wake_fd_, EventFd::Mode::nonblocking, error);
    if (!error && options.event_fd) {
        open_event_fd(
            event_fd_,
            options.event_fd_blocks ? EventFd::Mode::blocking : EventFd::Mode::nonblocking, error);
    }
    if (!error && options.event_fd && !options.event_fd_blocks) {
        open_loop_fd(error);
    }
    if (!error && fork_generation::enter() == 0) {
        opening_ = "mmap";
        error.assign(ENOMEM, std::generic_category());
    }
    if (error) {
        return;
    }
    generation_ = fork_generation::current();
    mailbox_.open(wake_fd(), event_fd(), !options.event_fd_blocks);
    wait_.open(*wake_fd_, event_counter(), options.event_fd_blocks);
    wake_poll_.request.kind = Kind::poll;
    wake_poll_.request.bits = POLLIN;
    wake_poll_.internal = true;
    opening_ = "io_setup";
    if (options.needs_kernel_aio && !uses_kernel_aio()) {
        error = context_.error();
        generation_ = 0;
    }
}

void Engine::open_event_fd(std::optional<EventFd>& where, EventFd::Mode mode,
                           std::error_code& error) const noexcept {
    EventFd low{mode, 0U, error};
    if (!error) {
        const int high = options_.high_descriptors ? duplicate_high(low.fd()) : -1;
        where.emplace(high >= 0 ? EventFd::adopt(high) : std::move(low));
    }
}

/// For an event loop: the event descriptor, and the epoll descriptor of Readiness where the kernel
/// does not poll it.
void Engine::open_loop_fd(std::error_code& error) noexcept {
    opening_ = "epoll_create1";
    loop_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
    loop_fd_ = options_.high_descriptors ? move_high(loop_fd_) : loop_fd_;
    struct epoll_event readable {};
    readable.events = EPOLLIN;
    opening_ = loop_fd_ < 0 ? opening_ : "epoll_ctl";
    if (loop_fd_ < 0 || ::epoll_ctl(loop_fd_, EPOLL_CTL_ADD, event_fd(), &readable) != 0) {
        error.assign(errno, std::generic_category());
        return;
    }
    readiness_.tell_by(loop_fd_);
}

/// Before an operation on a file that has none, or that could go by kernel AIO if there were any.
void Engine::begin_use(OpenFile& file) noexcept {
    if (context_.may_be_made() && file.traits.direct) {
        make_context();
    }
    if (file.operations == 0) {
        file.keep();
    }
}

/// For what would go by kernel AIO: later operations do.
void Engine::make_context() noexcept {
    if (!context_.make()) {
        return;
    }
    Context& context = *context_.get();
    submitter_.open(context, event_fd());
    workers_.set_context(&context);
    readiness_.open(context, context_.polls(), event_fd());
    scheduler_.set_slots(context_.depth());
    arm_wake_poll();
    wait_.use_ring();
}

/// io_submit is refused altogether, by a filter that came later.
void Engine::lose_context(int error) noexcept {
    context_.lose({error, std::generic_category()});
    scheduler_.set_slots(0);
    readiness_.lose_poll();
    wait_.lose_ring();
}

Engine::~Engine() {
    if (is_open()) {
        workers_.stop();
    } else {
        workers_.forget_threads(); // a child's copy, or never opened
    }
    context_.close(); // waits for what is in the kernel, polls of the files among it
    retire_files();
    close_loop_fd();
}

void Engine::close_loop_fd() noexcept {
    if (loop_fd_ >= 0) {
        ::close(std::exchange(loop_fd_, -1));
    }
}

void Engine::close_inherited_descriptors() noexcept {
    wake_fd_.reset();
    event_fd_.reset();
    if (alarm_ != nullptr) {
        alarm_->close();
    }
    readiness_.close();
    close_loop_fd();
}

void Engine::leave_ring_to_parent() noexcept {
    const Context* const context = context_.get();
    if (context != nullptr && context->reaps_from_ring()) {
        Ring::stand_in(context->native_handle(), sizeof(Ring)); // no more of it is looked at
    }
}

void Engine::arm_wake_poll() noexcept {
    wake_poll_.prepare(wake_fd(), event_fd());
    wake_poll_.move_to(State::to_submit);
    scheduler_.to_submit.push_back(wake_poll_);
}

// --- Files ------------------------------------------------------------------------------------

void Engine::add(OpenFile& file) {
    const bool on_disk = file.traits.device != 0 && !file.traits.on_server;
    file.slots = on_disk                 ? &slot_holders_.enter(file.traits.device)
                 : file.traits.on_server ? &servers_
                                         : &others_;
    bool known = false;
    try {
        readiness_.add(file);
        known = true;
        workers_.enter(file);
    } catch (...) {
        if (known) {
            readiness_.remove(file);
        }
        FileSystems<SlotHolder>::leave(*file.slots);
        throw;
    }
    files_.push_back(file);
}

void Engine::close(OpenFile& file) noexcept {
    scheduler_.close(file);
    release_files();
}

void Engine::close_idle_files() noexcept {
    for (OpenFile* file = files_.front(); file != nullptr; file = List<OpenFile, 1>::next(*file)) {
        if (file->operations == 0) {
            scheduler_.close(*file);
        }
    }
    release_files();
}

void Engine::release_files() noexcept {
    while (FileRecord* const record = scheduler_.to_release.pop_front()) {
        auto& file = static_cast<OpenFile&>(*record);
        if (file.operations > 0) {
            continue; // one has been started since
        }
        if (!file.is_quiet()) [[unlikely]] {
            readiness_.drop_polls(file); // no transfer waits by them any more
        }
        if (file.kept) {
            file.kept = false;
            if (file.in_epoll) [[unlikely]] {
                readiness_.forget(file);
            }
            file.release();
        }
        if (file.closed && file.is_quiet()) {
            readiness_.remove(file);
            workers_.leave(file);
            FileSystems<SlotHolder>::leave(*file.slots);
            files_.remove(file);
            file.close_reopened();
            file.retire();
        }
    }
}

void Engine::retire_files() noexcept {
    while (FileRecord* const record = scheduler_.to_release.pop_front()) {
        (void)record; // all are retired below
    }
    while (OpenFile* const file = files_.pop_front()) {
        readiness_.forget(*file);
        if (std::exchange(file->kept, false)) {
            file->release();
        }
        file->close_reopened();
        file->retire();
    }
}

// --- A pass -----------------------------------------------------------------------------------

void Engine::pass(bool may_start_threads) noexcept {
    for (;;) {
        while (!scheduler_.to_call.empty()) {
            call(*scheduler_.to_call.pop_front());
        }
        while (!scheduler_.to_probe.empty())
            [[unlikely]] {
                probe(*scheduler_.to_probe.pop_front());
            }
        if (!scheduler_.to_watch.empty()) [[unlikely]] {
            watch();
        }
        if (scheduler_.backlog_size() > 0) [[unlikely]] {
            watch_progress();
        }
        if (!scheduler_.to_run.empty()) [[unlikely]] {
            hand_over(may_start_threads);
        }
        if (!scheduler_.to_submit.empty()) {
            submit();
        }
        if (!readiness_.ready.empty()) [[unlikely]] {
            tell_ready(true);
            continue;
        }
        // Refusals and what was done at once may have made more possible. What the kernel has no
        // room for, and what waits for a thread, stays.
        if (scheduler_.to_call.empty() && scheduler_.to_probe.empty() &&
            scheduler_.to_watch.empty() &&
            (scheduler_.to_run.empty() || (!may_start_threads && !workers_.running()))) [[likely]] {
            break;
        }
    }
    if (!scheduler_.to_release.empty()) {
        release_files();
    }
}

void Engine::submit() noexcept {
    OperationList& list = scheduler_.to_submit;
    unsigned attempts = 0;
    while (!list.empty()) {
        const Submitter::Answer answer = submitter_.submit(list);
        list.drop_front(answer.accepted, [&](Operation& operation) {
            if (operation.is_poll()) [[unlikely]] {
                readiness_.accepted(operation);
                submitter_.accepted_poll(operation);
            } else {
                scheduler_.submitted(operation, answer.accepted == 1, answer.slept);
            }
        });
        if (answer.refused != nullptr) [[unlikely]] {
            list.remove(*answer.refused);
            refused(*answer.refused, answer.error);
        } else if (answer.accepted == 0) {
            // The ring is full of events that were not taken, or the kernel is short of memory.
            // Take what there is and go on; if there is nothing to take, the next pass will.
            if (!reap() && ++attempts > 1) {
                return;
            }
            continue;
        }
        attempts = 0;
    }
}

/// io_submit will not take it: here, or on a worker.
void Engine::refused(Operation& operation, int error) noexcept {
    if (is_refused(error) && uses_slots() && !operation.request.prioritised) [[unlikely]] {
        lose_context(error);
    }
    if (&operation == &wake_poll_) {
        operation.move_to(State::completed);
        operation.move_to(State::idle);
        wait_.lose_ring();
    } else if (operation.is_poll()) {
        readiness_.refused(operation);
    } else {
        scheduler_.refused(operation, error);
    }
}

void Engine::hand_over(bool may_start_threads) noexcept {
    std::error_code error;
    if (!workers_.running()) {
        if (!may_start_threads) {
            return;
        }
        workers_.start(error);
    }
    OperationList waiting = std::exchange(scheduler_.to_run, {});
    bool uncalled = false; // some were added, and no worker was called
    while (Operation* const operation = waiting.pop_front()) {
        if (error) {
            without_worker(*operation, error.value());
        } else if (hand_over(*operation, !waiting.empty())) {
            uncalled = !waiting.empty();
        }
    }
    if (uncalled) {
        workers_.call_for_added();
    }
}

/// Whether it was added.
bool Engine::hand_over(Operation& operation, bool more_follow) noexcept {
    if (const int error = open_file(operation).prepare_for_worker(operation); error != 0) {
        without_worker(operation, error);
        return false;
    }
    if (operation.way == Way::worker_submit) {
        submitter_.prepare_for_worker(operation);
    }
    scheduler_.given_to_worker(operation);
    if (!workers_.add(operation, more_follow)) {
        submitter_.returned_by_worker(operation);
        scheduler_.refused_for_now(operation); // the workers have just ended for idleness
        return false;
    }
    if (workers_.is_held_up()) [[unlikely]] {
        watch_progress();
    }
    return true;
}

/// Looks now whether what others wait for gets on, and again after a second. The POSIX layer, whose
/// engine may sleep nowhere, has a spare worker that does, and looks at the slots in a pass.
void Engine::watch_progress() noexcept {
    if (options_.table != nullptr) {
        look_at_slots();
        return;
    }
    if (alarm_ != nullptr && alarm_->is_set()) {
        return;
    }
    if (alarm_ == nullptr) {
        std::unique_ptr<Alarm> made = Alarm::make(options_.high_descriptors);
        try {
            if (made != nullptr) {
                readiness_.add(*made);
            }
        } catch (const std::bad_alloc&) {
            made = nullptr;
        }
        if (made == nullptr) {
            return; // tried again with the next operation
        }
        alarm_ = std::move(made);
    }
    workers_.look(std::chrono::steady_clock::now());
    look_at_slots();
    alarm_->set(FileSystems<SlotHolder>::silence);
    alarm_->poll.move_to(State::to_watch);
    readiness_.watch(alarm_->poll);
}

void Engine::look_at_progress() noexcept {
    workers_.look(std::chrono::steady_clock::now());
    look_at_slots();
    if (is_held_up()) {
        watch_progress();
    }
}

void Engine::look_at_slots() noexcept {
    slot_holders_.look(std::chrono::steady_clock::now(),
                       [this](SlotHolder& each) { scheduler_.set_slow(each, each.look()); });
}

/// No thread is allowed or to be had, or the file cannot be given to one. Late is better than
/// never: the call is made here, and may block; but not under a number that has expired.
void Engine::without_worker(Operation& operation, int error) noexcept {
    OpenFile& file = open_file(operation);
    if (operation.is_poll()) {
        readiness_.refused(operation);
    } else if (!file.usable || options_.table != nullptr) {
        scheduler_.refused(operation, error); // as a result EAGAIN would mean: not ready
    } else if (!is_asynchronous(operation, file.traits) || !scheduler_.submit_instead(operation)) {
        scheduler_.result(operation, call_here(operation, file.fd, file.traits.stream), 0);
    }
}

void Engine::watch() noexcept {
    if (context_.may_be_made()) {
        make_context(); // POLL costs less than epoll
    }
    while (Operation* const operation = scheduler_.to_watch.pop_front()) {
        readiness_.watch(*operation);
    }
}

/// What waits for nothing is made at once.
void Engine::call(Operation& operation) noexcept {
    OpenFile& file = open_file(operation);
    const int fd = operation.way == Way::call_nonblocking ? file.nonblocking_fd() : file.fd;
    std::int64_t result = 0;
    if (options_.table == nullptr || (fd >= 0 && file.confirm(fd))) {
        result = call_here(operation, fd, file.traits.stream);
    } else if (fd == file.fd) {
        result = -EBADF;
    } else { // the reopened one is not it any more: the operation waits again, without that
        file.close_reopened();
        result = file.confirm(file.fd) ? -EAGAIN : -EBADF;
    }
    scheduler_.result(operation, result, 0);
}

/// Whether the file ends where a read has got to.
void Engine::probe(Operation& operation) noexcept {
    struct stat status {};
    const bool known = ::fstat(open_file(operation).fd, &status) == 0;
    scheduler_.probed(operation, known && operation.current_offset() >= status.st_size);
}

/// The alarm waits for a pass, as a thread may have to be started.
void Engine::tell_ready(bool in_pass) noexcept {
    bool rings = false;
    while (Operation* const operation = readiness_.ready.pop_front()) {
        const std::int64_t result = std::exchange(operation->result, 0);
        if (alarm_ != nullptr && operation == &alarm_->poll) [[unlikely]] {
            rings = true;
        } else if (result < 0) {
            scheduler_.unwatchable(*operation, static_cast<int>(-result));
        } else {
            scheduler_.ready(*operation, static_cast<std::uint32_t>(result));
        }
    }
    if (rings && !in_pass) {
        readiness_.ready.push_back(alarm_->poll);
    } else if (rings) {
        alarm_->poll.move_to(State::completed);
        alarm_->poll.move_to(State::idle);
        look_at_progress();
    }
}

// --- Completions ------------------------------------------------------------------------------

bool Engine::reap() noexcept {
    scheduler_.begin_pass();
    Context* const context = context_.get();
    if (context == nullptr) {
        return take_events();
    }
    std::error_code error;
    bool any = false;
    do {
        context->reap(events_, error);
        any |= take_events();
    } while (events_.size() == events_.capacity());
    return any;
}

bool Engine::take_events() noexcept {
    bool any = events_.size() > 0;
    for (const Event& completed : events_) {
        event(*completed.data_as<Operation>(), completed.result(), completed.result2());
    }
    if (mailbox_.has_mail()) [[unlikely]] {
        take_mail();
        any = true;
    }
    readiness_.look(); // where the kernel has no POLL
    if (!readiness_.ready.empty()) [[unlikely]] {
        tell_ready(false);
    }
    return any;
}

void Engine::event(Operation& operation, std::int64_t result, std::int64_t result2) noexcept {
    submitter_.ended(operation);
    if (!operation.is_poll()) [[likely]] {
        scheduler_.result(operation, result, result2);
        return;
    }
    if (&operation == &wake_poll_) {
        if (!mailbox_.has_sleeper(Mailbox::Sleep::ring)) { // else the wake is for that thread
            std::error_code nothing_there;
            wake_fd_->read(nothing_there);
        }
        operation.move_to(State::completed);
        operation.move_to(State::idle);
        if (wait_.is_in_ring()) {
            arm_wake_poll();
        }
        return;
    }
    operation.result2 = result2;
    readiness_.event(operation, result);
    if (operation.internal && operation.file != nullptr && operation.file->closed) {
        scheduler_.release(*operation.file);
    }
}

void Engine::take_mail() noexcept {
    OperationList mail = mailbox_.take();
    while (Operation* const operation = mail.pop_front()) {
        const auto error = static_cast<int>(-operation->result);
        const bool submits = operation->is_poll() || operation->way == Way::worker_submit;
        submitter_.returned_by_worker(*operation);
        if (!submits) {
            scheduler_.result(*operation, operation->result, 0);
        } else if (error == EAGAIN && !operation->is_poll() && submitter_.may_pass()) {
            scheduler_.refused_for_now(*operation);
        } else {
            refused(*operation, error);
        }
    }
}

// --- Waiting ----------------------------------------------------------------------------------

void Engine::wait(const std::chrono::nanoseconds* limit, std::size_t expected,
                  std::error_code& error) noexcept {
    error.clear();
    if (!scheduler_.done.empty()) {
        return;
    }
    const std::size_t least = expected <= scheduler_.slots().read_used() ? expected : 1;
    wait_.wait(limit, least, has_unsubmitted(), error);
    take_events();
}

// --- Cancelling -------------------------------------------------------------------------------

Cancellation Engine::cancel(Operation& operation) noexcept {
    Cancellation answer = Cancellation::cancelled;
    switch (scheduler_.cancel(operation)) {
    case Scheduler::Recall::none:
        break;
    case Scheduler::Recall::too_late:
        return Cancellation::too_late;
    case Scheduler::Recall::kernel:
        return cancel_in_kernel(operation);
    case Scheduler::Recall::worker:
        if (!workers_.take_back(operation)) {
            return cancel_in_kernel(operation); // or as good as there
        }
        submitter_.returned_by_worker(operation);
        scheduler_.recalled(operation);
        break;
    case Scheduler::Recall::readiness:
        answer = readiness_.take_back(operation);
        statistics_.cancelled += answer == Cancellation::requested ? 1U : 0U;
        if (answer == Cancellation::cancelled) {
            scheduler_.recalled(operation);
        }
        break;
    }
    release_files();
    return answer;
}

Cancellation Engine::cancel_in_kernel(Operation& operation) noexcept {
    std::error_code error;
    const bool submitted =
        operation.state() == State::kernel || operation.way == Way::worker_submit;
    if (submitted && context_.get()->cancel(operation.iocb, error) == CancelResult::requested) {
        statistics_.cancelled += operation.cancel_requested ? 0 : 1;
        operation.cancel_requested = true;
        return Cancellation::requested;
    }
    if (operation.is_try() && operation.file->traits.stream) {
        operation.cancel_requested = true; // a worker gives it back at once, and it shall not wait
        return Cancellation::requested;
    }
    return Cancellation::runs_on;
}

} // namespace engine
AIOXX_NAMESPACE_END
