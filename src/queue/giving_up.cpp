// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// Operations whose users wait no longer, while the kernel or a worker goes on: copies of borrowed
// memory, and the quarantine. The engine knows nothing of it: for it they are under way as before.

#include "queue/implementation.hpp"
#include "queue/wait_list.hpp"

#include "queue/at_return.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace mark = queue::mark;
namespace {

constexpr std::size_t too_many = std::numeric_limits<std::size_t>::max();

bool borrows(const detail::Request& request) noexcept {
    return request.is_transfer() && request.buffer.data() == nullptr && request.length > 0;
}

/// Between a copy and the `count` parts that it stands for.
template <typename Copy>
void for_each_part(const iovec* parts, std::size_t count, std::size_t bytes, Copy copy) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < count && at < bytes; ++i) {
        const std::size_t length = std::min(parts[i].iov_len, bytes - at);
        if (length > 0) {
            copy(static_cast<std::byte*>(parts[i].iov_base), at, length);
        }
        at += length;
    }
}

/// The whole blocks of direct I/O.
queue::Copied blocks_around(const detail::Request& request, std::size_t bytes) noexcept {
    const auto unit = std::size_t{std::max(request.file->direct_alignment().offset, 1U)};
    const std::size_t head = static_cast<std::size_t>(request.offset) % unit;
    return {static_cast<std::uint32_t>(head), (head + bytes + unit - 1) / unit * unit};
}

bool has_aligned_memory(const detail::Request& request) noexcept {
    const DirectAlignment& unit = request.file->direct_alignment();
    const auto is_multiple = [](std::uintptr_t number, std::uint32_t of) {
        return number % std::max(of, 1U) == 0;
    };
    if (!request.is_vectored()) {
        return is_multiple(reinterpret_cast<std::uintptr_t>(request.data), unit.memory);
    }
    const std::span parts{static_cast<const iovec*>(request.data), request.length};
    return std::ranges::all_of(parts, [&](const iovec& part) {
        return is_multiple(reinterpret_cast<std::uintptr_t>(part.iov_base), unit.memory) &&
               is_multiple(part.iov_len, unit.offset);
    });
}

std::size_t bytes_in(std::span<const iovec> parts) noexcept {
    std::size_t bytes = 0;
    for (const iovec& part : parts) {
        bytes += part.iov_len;
    }
    return bytes;
}

/// Of a read of whole blocks around the `bytes` that its user wants.
void count_what_was_asked_for(queue::Record& record, std::size_t bytes) noexcept {
    const std::size_t got =
        std::min(record.done - std::min(record.done, std::size_t{record.head}), bytes);
    record.done = got;
    if (record.result >= 0) {
        record.result = static_cast<std::int64_t>(got);
        record.end_of_file = got < bytes && (record.end_of_file || got == 0);
    }
}

/// Of the memory that a copy stands for.
std::size_t parts_of(const queue::Record& record) noexcept {
    return record.request.is_vectored() ? record.vectors.size() - 1 : 1;
}

} // namespace

/// That a transfer asks for.
std::size_t Queue::Implementation::bytes_of(const detail::Request& request) noexcept {
    if (!request.is_vectored()) {
        return request.length;
    }
    const auto* const vectors = static_cast<const iovec*>(request.data);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < request.length; ++i) {
        if (vectors[i].iov_len > too_many - bytes) {
            return too_many;
        }
        bytes += vectors[i].iov_len;
    }
    return bytes;
}

/// What is copied of the memory that `request` borrows.
queue::Copied Queue::Implementation::copied_of(const detail::Request& request) noexcept {
    if (!borrows(request)) {
        return {};
    }
    const std::size_t bytes = bytes_of(request);
    if (request.unaligned && request.file->is_direct() && bytes != too_many) {
        const queue::Copied blocks = blocks_around(request, bytes);
        const bool whole = blocks.head == 0 && blocks.bytes == bytes;
        if (whole ? !has_aligned_memory(request) : request.is_read()) {
            return blocks;
        }
    }
    return {0, request.can_be_given_up ? bytes : 0};
}

/// For what may be copied: an errno where there is no room for that. Throws std::bad_alloc.
int Queue::Implementation::make_room(const detail::Request& request) {
    if (request.has_deadline) {
        timers.reserve_one();
    }
    const std::size_t bytes = copied_of(request).bytes;
    if (!copies.can_fit(bytes)) {
        return EINVAL;
    }
    const bool fits = bytes == 0 || copies.fits(bytes);
    copy_wanted = fits ? 0 : bytes;
    return fits ? 0 : EAGAIN;
}

/// There is room for its copy and its timer. Throws std::bad_alloc.
void Queue::Implementation::prepare_copied(Record& record, const detail::Request& request) {
    // What was to be moved in has been: the request does not tell any more.
    const queue::Copied copied = record.borrows ? copied_of(request) : queue::Copied{};
    if (copied.bytes > 0) {
        copy_borrowed(record, request, copied);
    }
    if (request.has_deadline) {
        record.deadline = request.deadline;
        record.times_out = request.times_out;
        timers.add(record);
    }
}

/// Behind the parts that are the user's, `vectors` has one for the engine where it wants such.
void Queue::Implementation::copy_borrowed(Record& record, const detail::Request& request,
                                          const queue::Copied& copied) {
    if (request.is_vectored()) {
        record.vectors.push_back({nullptr, copied.bytes});
    } else {
        record.vectors.assign(1, {request.data, request.length});
    }
    AlignedBuffer copy = copies.take(copied.bytes);
    if (request.is_vectored()) {
        record.vectors.back().iov_base = copy.data();
        record.request.data = &record.vectors.back();
        record.request.length = 1;
    } else {
        record.request.data = copy.data();
        record.request.length = copied.bytes;
    }
    if (request.is_write()) {
        for_each_part(record.vectors.data(), parts_of(record), copied.bytes,
                      [&copy](const std::byte* part, std::size_t at, std::size_t length) {
                          std::memcpy(copy.data() + at, part, length);
                      });
    }
    record.request.offset -= copied.head;
    record.head = copied.head;
    record.buffer = std::move(copy);
    record.borrows = false;
    record.marks |= mark::copied;
}

/// With what was read, as long as its user waits.
void Queue::Implementation::give_back_copy(Record& record) noexcept {
    if (record.request.is_read() && !record.is(mark::given_up | mark::forgotten)) {
        const std::span parts{record.vectors.data(), parts_of(record)};
        count_what_was_asked_for(record, bytes_in(parts));
        for_each_part(parts.data(), parts.size(), record.done,
                      [&record](std::byte* part, std::size_t at, std::size_t length) {
                          std::memcpy(part, record.buffer.data() + record.head + at, length);
                      });
    }
    copies.give_back(std::move(record.buffer));
}

/// Its user is told with the next pass. What the engine still has of it goes on, but no further
/// part of it begins.
void Queue::Implementation::give_up(Record& record) noexcept {
    timers.remove(record);
    record.cancel_requested = true;
    record.marks |= mark::given_up;
    record.given_up_at = ++given_up_count;
    record.next_given_up = nullptr;
    (last_given_up != nullptr ? last_given_up->next_given_up : first_given_up) = &record;
    last_given_up = &record;
    ++quarantined;
}

/// Those that were there when it began. Returns how many.
std::size_t Queue::Implementation::tell_given_up() {
    const std::uint64_t last = given_up_count;
    std::size_t count = 0;
    while (first_given_up != nullptr && first_given_up->given_up_at <= last) {
        Record& record = *first_given_up;
        first_given_up = record.next_given_up;
        if (first_given_up == nullptr) {
            last_given_up = nullptr;
        }
        tell_given_up(record);
        ++count;
        if (is_copy()) [[unlikely]] {
            break;
        }
    }
    return count;
}

/// The callback may have the queue run, so that the operation ends meanwhile.
void Queue::Implementation::tell_given_up(Record& record) {
    const bool late = record.is(mark::timed_out);
    const bool is_over = record.is(mark::ended);
    Completion completion{late ? -ETIMEDOUT : -ECANCELED,
                          0,
                          is_over ? record.done : record.done_so_far(),
                          false,
                          is_over ? std::move(record.buffer) : AlignedBuffer{},
                          record.id()};
    record.marks |= mark::telling;
    count_told(completion.result());
    admit_waiting_for_room();
    const queue::Inside inside{delivering};
    const queue::AtReturn let_go{[this, &record]() noexcept {
        record.reset();
        record.marks |= mark::told;
        if (record.is(mark::ended)) {
            record.marks = 0;
            pool.give_back(record);
        }
    }};
    call(record, completion);
}

void Queue::Implementation::ended_in_quarantine(Record& record) noexcept {
    record.marks |= mark::ended;
    --quarantined;
    ++untold;
    if (record.is(mark::copied)) {
        give_back_copy(record);
        admit_waiting_for_room();
    }
    tell_waiting_for_quarantine(record);
    if (record.is(mark::told)) {
        record.marks = 0;
        pool.give_back(record);
    }
}

/// `exact`: one, whose id is the offset. Otherwise all that there are: the length counts those
/// that have not ended, and the offset tells them from later ones.
void Queue::Implementation::begin_waiting_for_quarantine(Record& record) noexcept {
    quarantine_waits.push_back(record);
    if (record.request.exact) {
        Record* const wanted = pool.find({static_cast<std::uint64_t>(record.request.offset)});
        if (wanted == nullptr || !wanted->is(mark::given_up) || wanted->is(mark::ended)) {
            leave_own_list(record);
            finish_own(record, ENOENT);
        }
        return;
    }
    record.request.length = static_cast<std::size_t>(quarantined.value());
    record.request.offset = static_cast<std::int64_t>(given_up_count);
    if (quarantined.value() == 0) {
        leave_own_list(record);
        finish_own(record, 0);
    }
}

void Queue::Implementation::tell_waiting_for_quarantine(Record& ended) noexcept {
    for (engine::Operation* next = quarantine_waits.front(); next != nullptr;) {
        auto& waiting = static_cast<Record&>(*next);
        next = engine::OperationList::next(*next);
        if (waiting.request.exact) {
            if (static_cast<std::uint64_t>(waiting.request.offset) == ended.id().value) {
                leave_own_list(waiting);
                finish_own(waiting, 0);
                waiting.result = ended.result;
                waiting.result2 = ended.result2;
                waiting.done = ended.done;
                waiting.end_of_file = ended.end_of_file;
                waiting.buffer = std::move(ended.buffer);
            }
        } else if (static_cast<std::uint64_t>(waiting.request.offset) >= ended.given_up_at &&
                   --waiting.request.length == 0) {
            leave_own_list(waiting);
            finish_own(waiting, 0);
        }
    }
}

void Queue::forget(OperationId operation) noexcept {
    Implementation* const queue = Implementation::usable(implementation_);
    if (queue == nullptr) {
        return;
    }
    const queue::Entry entry{queue->owner, "the end of a coroutine"};
    if (queue::Record* const record = queue->pool.find(operation)) {
        queue->forget(*record);
    }
}

/// Nothing else is delivered meanwhile: what completes is left for the next pass.
void Queue::Implementation::forget(Record& record) noexcept {
    record.reset();
    record.marks |= mark::forgotten;
    if (detail::WaitList::has(record) && record.state() == engine::State::completed &&
        record.result == 0) {
        detail::WaitList::of(record).pass_on(record);
        return;
    }
    cancel(record);
    if (record.waits_for_buffer()) {
        record.buffer = AlignedBuffer{}; // which was given to it: others may wait
    }
    while (record.borrows && record.state() != engine::State::completed) {
        while (engine::Operation* const other = engine.take()) {
            other->move_to(engine::State::completed);
            finished.push_back(*other);
        }
        engine.flush();
        std::error_code error; // EINTR: once more
        if (record.state() != engine::State::completed) {
            engine.wait(nullptr, error);
        }
    }
}

AIOXX_NAMESPACE_END
