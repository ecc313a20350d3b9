// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The driver's operations: how they begin, and what has to be true when they end.
#include "model/driver.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>

namespace aioxx::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Thrown {};

} // namespace

Started& Driver::add(Started::Kind kind, std::size_t subject) {
    Started& started = started_.emplace_back();
    started.kind = kind;
    started.subject = subject;
    return started;
}

std::size_t Driver::some_subject() {
    return current_[random_.below(current_.size())];
}

template <typename Result, OperationKind kind>
void Driver::begin(Operation<Result, kind>&& operation, std::size_t index) {
    Started& started = started_[index];
    if (random_.percent(15) || (event_fd_ && started.kind == Started::Kind::sleep)) {
        const std::array<Clock::duration, 3> spans{
            std::chrono::milliseconds{-1}, std::chrono::microseconds{30}, std::chrono::hours{1}};
        started.deadline = started.kind != Started::Kind::sleep;
        if (started.deadline) {
            operation = std::move(operation).until(Clock::now() + spans[random_.below(3)]);
        }
    }
    std::error_code error;
    started.id = std::move(operation).start(
        [this, index](Completion& completion) { completed(index, completion); }, error);
    if (error) {
        expect(error.value() == EAGAIN && limit_ < 65536, "an operation did not start", started,
               error.value());
        started_.pop_back();
        return;
    }
    const bool waits =
        started.kind == Started::Kind::condition || started.kind == Started::Kind::permit;
    waiting_ += waits ? 1 : 0;
    Subject& subject = subjects_[started.subject];
    if (started.kind == Started::Kind::write) {
        subject.writes.push_back(index);
        if (subject.kind == Subject::Kind::random) {
            subject.shadow.begin_write(started.offset, started.length);
        }
    }
}

void Driver::start_something() {
    const std::size_t what = random_.below(100);
    if (what < 75) {
        start_transfer();
    } else if (what < 85) {
        start_flush();
    } else if (what < 92) {
        start_poll();
    } else if (what < 97) {
        add(Started::Kind::sleep, current_[0]);
        begin(queue_->sleep_for(std::chrono::microseconds{random_.below(2) * 20}),
              started_.size() - 1);
    } else if (what < 98) {
        add(Started::Kind::room, current_[0]);
        begin(queue_->wait_for_capacity(), started_.size() - 1);
    } else if (what < 99) {
        add(Started::Kind::condition, current_[0]);
        begin(condition_->wait(), started_.size() - 1);
    } else {
        add(Started::Kind::permit, current_[0]);
        begin(permits_->acquire(), started_.size() - 1);
    }
}

void Driver::fill(Started& started, Subject& subject) {
    const bool write = started.kind == Started::Kind::write;
    started.unaligned = subject.unit > 1 && !write && random_.percent(30);
    const std::size_t unit = started.unaligned ? 1 : subject.unit;
    const std::size_t most = unit > 1 ? 4 : 1500;
    started.length =
        (random_.percent(3) && !started.unaligned ? 0 : 1 + random_.below(most)) * unit;
    started.length = std::min(started.length, Shadow::most / 2);
    const std::size_t places = (Shadow::most - started.length) / unit;
    started.offset = random_.below(std::min(places + 1, most * 2)) * unit;
    started.memory = AlignedBuffer{std::max<std::size_t>(started.length, 1), 4096};
    for (std::size_t i = 0; i < started.length; ++i) {
        started.memory.data()[i] = static_cast<std::byte>(random_.next());
    }
    if (write) {
        started.content.assign(started.memory.begin(), started.memory.begin() + started.length);
    }
    started.data = started.memory.data();
    started.exact = random_.percent(50);
    started.nowait = unit == 1 && random_.percent(8) && subject.kind == Subject::Kind::random;
    started.append = subject.kind == Subject::Kind::append;
    started.begun = subject.shadow.now();
    started.size_at_least = subject.shadow.size();
}

void Driver::start_transfer() {
    const std::size_t place = some_subject();
    Subject& subject = subjects_[place];
    const bool write = subject.kind == Subject::Kind::append ||
                       subject.kind == Subject::Kind::writer ||
                       (subject.kind == Subject::Kind::random && random_.percent(50));
    const std::size_t index = started_.size();
    Started& started = add(write ? Started::Kind::write : Started::Kind::read, place);
    fill(started, subject);
    RwFlags flags = started.nowait ? RwFlags::nowait : RwFlags::none;
    flags |= started.append ? RwFlags::append : RwFlags::none;
    const auto at = static_cast<std::int64_t>(started.offset);
    const std::span<std::byte> memory = started.memory.first(started.length);
    const File& file = subject.file;
    if (started.length > 0 && random_.percent(20)) {
        started.exact = false;
        std::array<iovec, 3> parts{};
        const std::size_t unit = started.unaligned ? 1 : subject.unit;
        const std::size_t cut = random_.below(started.length / unit + 1) * unit;
        parts[0] = {memory.data(), cut};
        parts[1] = {memory.data() + cut, 0};
        parts[2] = {memory.data() + cut, started.length - cut};
        auto operation = write ? queue_->writev(file, parts, at) : queue_->readv(file, parts, at);
        if (started.unaligned) {
            operation.unaligned();
        }
        begin(std::move(operation).with(flags), index);
    } else if (started.length > 0 && !started.unaligned && random_.percent(50)) {
        started.owned = true;
        AlignedBuffer given{started.length, 4096};
        std::copy(memory.begin(), memory.end(), given.data());
        started.memory = {};
        started.data = given.data();
        auto operation = write ? (started.exact ? queue_->write_all(file, std::move(given), at)
                                                : queue_->write(file, std::move(given), at))
                               : (started.exact ? queue_->read_full(file, std::move(given), at)
                                                : queue_->read(file, std::move(given), at));
        begin(std::move(operation).with(flags), index);
    } else {
        auto operation = write ? (started.exact ? queue_->write_all(file, memory, at)
                                                : queue_->write(file, memory, at))
                               : (started.exact ? queue_->read_full(file, memory, at)
                                                : queue_->read(file, memory, at));
        if (started.unaligned) {
            operation.unaligned();
        }
        begin(std::move(operation).with(flags), index);
    }
}

void Driver::start_flush() {
    const std::size_t place = some_subject();
    Subject& subject = subjects_[place];
    if (subject.kind == Subject::Kind::reader || subject.kind == Subject::Kind::writer) {
        return;
    }
    Started& started = add(Started::Kind::flush, place);
    started.ordered = random_.percent(70);
    for (const std::size_t index : subject.writes) {
        if (started.ordered && (started_[index].completions == 0 || started_[index].lost)) {
            started.writes_before.push_back(index);
        }
    }
    Operation<void, OperationKind::flush> operation =
        random_.percent(50) ? queue_->fsync(subject.file) : queue_->fdatasync(subject.file);
    if (started.ordered) {
        operation = std::move(operation).after_writes();
    }
    begin(std::move(operation), started_.size() - 1);
}

void Driver::start_poll() {
    const std::size_t place = some_subject();
    const Subject& subject = subjects_[place];
    if (subject.kind == Subject::Kind::random || subject.kind == Subject::Kind::append) {
        return;
    }
    add(Started::Kind::poll, place);
    const bool reads = subject.kind == Subject::Kind::reader;
    begin(queue_->poll(subject.file, reads ? POLLIN : POLLOUT), started_.size() - 1);
}

void Driver::completed(std::size_t index, Completion& completion) {
    Started& started = started_[index];
    expect(++started.completions == 1, "an operation completed twice");
    started.bytes = completion.bytes();
    check_result(started, completion);
    started.memory = {}; // a late access of the kernel's shows under AddressSanitizer
    if (!ending_ && random_.percent(15)) {
        start_something();
    }
    if (!ending_ && random_.percent(2)) {
        throw Thrown{};
    }
}

bool Driver::allowed(const Started& started, int error) const {
    switch (error) {
    case 0:
        return true;
    case EIO:
        return behaviour_.failed > 0 && started.kind <= Started::Kind::flush;
    case ECANCELED:
        return started.may_be_cancelled || ending_;
    case ETIMEDOUT:
        return started.deadline;
    case EINVAL: // a tty's number is gone: nothing else can be polled
        return started.kind == Started::Kind::poll &&
               subjects_[started.subject].traits.poll_refused &&
               !subjects_[started.subject].file.is_open();
    case EAGAIN:
    case EOPNOTSUPP:
        return started.nowait;
    default:
        return false;
    }
}

void Driver::check_result(Started& started, const Completion& completion) {
    const int error = completion.error().value();
    expect(allowed(started, error), "an error that was not given", started, error);
    if (started.was_cancelled && error != ECANCELED && error != ETIMEDOUT) {
        expect(!started.exact && completion.bytes() > 0, "cancelled, and yet it succeeded", started,
               error);
    }
    if (completion.is_abandoned()) {
        expect(error == ETIMEDOUT || error == ECANCELED, "given up, and yet it succeeded");
        started.lost = true;
        ++quarantined_;
        subjects_[started.subject].unknown |=
            subjects_[started.subject].kind != Subject::Kind::random;
        return;
    }
    expect(!started.owned || completion.buffer().data() != nullptr, "a buffer was not handed back");
    const std::byte* const data = started.owned ? completion.buffer().data() : started.data;
    if (error == 0 && started.kind <= Started::Kind::write) {
        expect(completion.result() == static_cast<std::int64_t>(completion.bytes()),
               "the result is not the number of bytes");
    }
    if (model_ != nullptr && started.kind <= Started::Kind::write) {
        expect(!model_->holds(data, started.length), "memory was handed back too early");
    }
    if (error == 0 && completion.bytes() < started.length && !completion.end_of_file() &&
        started.kind <= Started::Kind::write) {
        const bool cut_by_kernel = model_ == nullptr || behaviour_.cuts_plain || started.nowait ||
                                   started.was_cancelled || behaviour_.failed > 0 || ending_ ||
                                   started.may_be_cancelled || started.deadline ||
                                   subjects_[started.subject].kind == Subject::Kind::reader ||
                                   subjects_[started.subject].kind == Subject::Kind::writer;
        const bool at_end = started.kind == Started::Kind::read &&
                            started.offset + completion.bytes() >= started.size_at_least;
        expect(cut_by_kernel || at_end, "a short NOWAIT count was delivered");
        expect(!started.exact, "an exact operation is short");
    }
    switch (started.kind) {
    case Started::Kind::read:
        check_read(started, completion, data);
        break;
    case Started::Kind::write:
        check_written(started, completion);
        break;
    case Started::Kind::flush:
        if (error == 0) {
            check_flush(started);
        }
        break;
    case Started::Kind::poll:
        expect(error != 0 || completion.result() > 0, "a poll without bits");
        break;
    case Started::Kind::sleep:
    case Started::Kind::room:
        break;
    case Started::Kind::condition:
        --waiting_;
        break;
    case Started::Kind::permit:
        --waiting_;
        acquired_ += error == 0 ? 1 : 0;
        break;
    }
}

void Driver::check_written(Started& started, const Completion& completion) {
    Subject& subject = subjects_[started.subject];
    const int error = completion.error().value();
    expect(started.bytes <= started.length, "more was written than there was");
    expect(std::equal(started.content.begin(), started.content.end(),
                      started.owned ? completion.buffer().data() : started.data),
           "a write changed its buffer");
    if (subject.kind == Subject::Kind::random) {
        const bool known = model_ != nullptr || error == 0 || error == ECANCELED;
        subject.shadow.end_write(started.offset, std::span{started.content}.first(started.bytes),
                                 started.length, known);
    }
}

void Driver::check_flush(const Started& started) {
    for (const std::size_t index : started.writes_before) {
        const Started& write = started_[index];
        expect(write.completions == 1, "a flush has overtaken a write");
        // A buffer that was let go may be another's by now.
        const bool reused =
            std::any_of(started_.begin() + static_cast<std::ptrdiff_t>(index) + 1, started_.end(),
                        [&write](const Started& later) { return later.data == write.data; });
        const bool held = write.lost && !reused && model_ != nullptr &&
                          model_->holds(write.data, write.length, true);
        expect(!held, "a flush has overtaken a write that was given up");
    }
}

void Driver::expect(bool holds, const char* what) {
    if (!holds) {
        failures_.emplace_back(what);
    }
}

void Driver::expect(bool holds, const char* what, const Started& started, int error) {
    if (!holds) {
        failures_.push_back(
            std::string{what} + ": kind " + std::to_string(static_cast<int>(started.kind)) +
            ", file " + std::to_string(started.subject) + ", " + std::to_string(started.length) +
            " bytes, " + std::to_string(started.bytes) + " done, error " + std::to_string(error));
    }
}

} // namespace aioxx::test
