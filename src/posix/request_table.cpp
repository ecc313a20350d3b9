// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/request_table.hpp"

#include <new>

AIOXX_NAMESPACE_BEGIN
namespace posix {

Request* RequestTable::first_since(std::uint64_t number) const noexcept {
    Request* first = nullptr;
    for (Request* each = newest(); each != nullptr && each->number >= number;
         each = before(*each)) {
        first = each;
    }
    return first;
}

RequestList* RequestTable::make_list(bool awaited, const sigevent* notification) noexcept {
    RequestList* list = nullptr;
    try {
        list = &lists_.take();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    list->notification = {};
    list->notification.sigev_notify = SIGEV_NONE;
    if (notification != nullptr) {
        list->notification = *notification;
    }
    list->unfinished = 1;
    list->failed = false;
    list->awaited = awaited;
    return list;
}

} // namespace posix
AIOXX_NAMESPACE_END
