// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "scripted_kernel/kernel_model.hpp"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <span>

namespace aioxx::test {

/// The calls of the seam. (Preparing an iocb enters no kernel, and is not scripted.)
enum class Call : std::uint8_t { setup, destroy, submit, cancel, get_events, transfer, flush };

/// Every errno with which the kernel, or a seccomp filter in front of it, can answer a call that
/// the library makes. EINPROGRESS is not among them: for cancel it is success.
[[nodiscard]] std::span<const int> errors_of(Call call) noexcept;

/// What the script does with one call.
class Answer {
public:
    /// The call is made.
    static Answer pass() { return {}; }
    /// It fails, and nothing is done. But a destroy that fails has destroyed: another call was
    /// first.
    static Answer error(int number) { return {number, -1}; }
    /// The call is made, and submit accepts, get_events gives, or transfer moves no more than this.
    static Answer at_most(long count) { return {0, count}; }
    /// It returns a number that the kernel of today would not: cancel's 0 before 2013, say.
    static Answer result(int number) { return {-number, -1, true}; }

private:
    friend class ScriptedKernel;
    Answer(int failure = 0, long most = -1, bool fixed = false)
        : failure_(failure), most_(most), fixed_(fixed || failure != 0) {}

    int failure_;
    long most_;
    bool fixed_;
};

/// Another kernel to be put under a script: a simulated one, say.
class Backend {
public:
    virtual ~Backend() = default;
    virtual int setup(unsigned events, kernel::Handle* handle) = 0;
    virtual int destroy(kernel::Handle handle) = 0;
    virtual int submit(kernel::Handle handle, long count, kernel::IocbLayout** iocbs) = 0;
    virtual int cancel(kernel::Handle handle, kernel::IocbLayout* iocb) = 0;
    virtual int get_events(kernel::Handle handle, long min, long max, kernel::EventLayout* events,
                           kernel::Timeout timeout) = 0;
    virtual std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count,
                                  std::int64_t at, int flags) = 0;
    virtual std::int64_t flush(bool data_only, int fd) = 0;
};

/// What is under the seam for as long as one of these lives, one at a time: a script in front of a
/// KernelModel or of the real kernel. Without one, calls go to the real kernel.
///
/// It keeps an account, so that a test can see afterwards that nothing was leaked or freed twice.
class ScriptedKernel {
public:
    enum class Below : std::uint8_t { model, real };

    explicit ScriptedKernel(Below below = Below::model);
    /// A script in front of `below`, which outlives it.
    explicit ScriptedKernel(Backend& below);
    ScriptedKernel(const ScriptedKernel&) = delete;
    ScriptedKernel& operator=(const ScriptedKernel&) = delete;
    ~ScriptedKernel();

    /// For the next calls of one kind, in turn. Afterwards they pass.
    void answer(Call call, std::initializer_list<Answer> answers);

    /// All contexts together may have so many events from now on: io_setup is EAGAIN above it, as
    /// where other programs have used fs.aio-max-nr up.
    void leave_room(std::size_t events);

    /// The call with this number, counted over all kinds from 1 and from now, fails with
    /// errors_of() its kind at place `which`, where there is such a place.
    void fail_call(std::size_t number, std::size_t which);
    /// Whether there was a call with that number.
    [[nodiscard]] bool fault_was_reached() const;
    /// What was injected: none where the kind of call has no error at that place.
    struct Fault {
        Call call;
        int error;
    };
    [[nodiscard]] std::optional<Fault> fault() const;

    /// How many calls came, of one kind or of all.
    [[nodiscard]] std::size_t calls(Call call) const;
    [[nodiscard]] std::size_t calls() const;
    /// How often it was said what will be read. That has no answer, and is not scripted.
    [[nodiscard]] std::size_t read_ahead() const;
    /// Contexts made and not destroyed.
    [[nodiscard]] std::size_t open_contexts() const;
    /// Waits until there are none, and no call to destroy one is under way on another thread.
    void wait_until_closed();
    /// Calls on contexts that were not open, a second destroy among them.
    [[nodiscard]] std::size_t misuses() const;

    [[nodiscard]] KernelModel& model() noexcept { return model_; }

    // What the seam calls.
    int setup(unsigned events, kernel::Handle* handle);
    int destroy(kernel::Handle handle);
    int submit(kernel::Handle handle, long count, kernel::IocbLayout** iocbs);
    int cancel(kernel::Handle handle, kernel::IocbLayout* iocb, kernel::EventLayout* event);
    int get_events(kernel::Handle handle, long min, long max, kernel::EventLayout* events,
                   kernel::Timeout timeout, const sigset_t* mask);
    std::int64_t transfer(bool write, int fd, const iovec* parts, std::size_t count,
                          std::int64_t at, int flags);
    std::int64_t flush(bool data_only, int fd);
    void will_need(int fd, std::int64_t offset, std::size_t length);

private:
    static constexpr std::size_t kinds = 7;

    ScriptedKernel(Below below, Backend* backend);
    /// `handle`: 0 for the calls that are made on no context.
    Answer next(Call call, kernel::Handle handle);
    bool take_room(unsigned events);
    void give_room_back(unsigned events);
    [[nodiscard]] unsigned events_of(kernel::Handle handle) const;

    const Below below_;
    Backend* const backend_; // where it is neither
    KernelModel model_;

    mutable std::mutex mutex_; // of what follows; not held while a call is made
    std::array<std::deque<Answer>, kinds> script_;
    std::array<std::size_t, kinds> calls_{};
    std::map<kernel::Handle, unsigned> open_; // and their events
    std::optional<std::size_t> room_;         // events; none: there is no limit
    std::size_t closing_ = 0;
    std::condition_variable closed_;
    std::size_t misuses_ = 0;
    std::size_t read_ahead_ = 0;
    std::size_t until_fault_ = 0; // calls, 0 for none
    std::size_t which_ = 0;
    bool reached_ = false;
    std::optional<Fault> fault_;
};

} // namespace aioxx::test
