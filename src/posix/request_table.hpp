// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "posix/request.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>

AIOXX_NAMESPACE_BEGIN
namespace posix {

/// Owns the records of requests and of lists, and knows which requests are in progress. Records are
/// made once and used again; none is freed, so that giving one back is async-signal-safe. Used
/// with the CriticalSection held.
class RequestTable {
public:
    /// A record that is not in progress yet. Throws std::bad_alloc.
    Request& take() { return requests_.take(); }
    /// Of a request that is not in progress.
    void give_back(Request& request) noexcept { requests_.give_back(request); }

    /// The request is in progress, from here until end().
    void begin(Request& request) noexcept {
        request.number = next_number_++;
        in_progress_.push_back(request);
    }
    void end(Request& request) noexcept { in_progress_.remove(request); }

    [[nodiscard]] bool empty() const noexcept { return in_progress_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return in_progress_.size(); }
    /// The number that the next request gets.
    [[nodiscard]] std::uint64_t next_number() const noexcept { return next_number_; }
    /// The requests in progress in the order of starting, null at either end.
    [[nodiscard]] Request* newest() const noexcept { return in_progress_.back(); }
    static Request* before(const Request& request) noexcept { return Requests::previous(request); }
    static Request* after(const Request& request) noexcept { return Requests::next(request); }
    /// The oldest of those with `number` or a later one. Takes time for each of them.
    [[nodiscard]] Request* first_since(std::uint64_t number) const noexcept;

    /// For one lio_listio. Counts one request that there is not, until all have been started. Null
    /// when there is no memory. `notification`: null for none.
    RequestList* make_list(bool awaited, const sigevent* notification) noexcept;
    void give_back(RequestList& list) noexcept { lists_.give_back(list); }

private:
    template <typename T, typename Free>
    class Pool {
    public:
        T& take() { return free_.empty() ? all_.emplace_back() : *free_.pop_front(); }
        void give_back(T& item) noexcept { free_.push_back(item); }

    private:
        std::deque<T> all_;
        Free free_;
    };

    Pool<Request, Requests> requests_;
    Pool<RequestList, RequestLists> lists_;
    Requests in_progress_;
    std::uint64_t next_number_ = 1;
};

} // namespace posix
AIOXX_NAMESPACE_END
