// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/request_table.hpp"

#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::Request;
using posix::RequestList;
using posix::RequestTable;

/// Requests in progress, in the order of starting.
std::vector<const Request*> in_progress(const RequestTable& table) {
    std::vector<const Request*> found;
    for (const Request* each = table.first_since(0); each != nullptr;
         each = RequestTable::after(*each)) {
        found.push_back(each);
    }
    return found;
}

TEST_CASE("requests in progress are in the order of starting, whichever of them end") {
    RequestTable table;
    Request& first = table.take();
    Request& second = table.take();
    Request& third = table.take();
    for (Request* const request : {&first, &second, &third}) {
        table.begin(*request);
    }
    CHECK(in_progress(table) == std::vector<const Request*>{&first, &second, &third});
    table.end(second);
    CHECK(in_progress(table) == std::vector<const Request*>{&first, &third});
    CHECK(table.newest() == &third);
    CHECK(RequestTable::before(third) == &first);
    table.end(third);
    table.end(first);
    CHECK(table.empty());
    CHECK(table.newest() == nullptr);
}

TEST_CASE("the requests since a number are those that were begun after it was asked for") {
    RequestTable table;
    Request& before = table.take();
    table.begin(before);
    const std::uint64_t number = table.next_number();
    CHECK(table.first_since(number) == nullptr);
    Request& one = table.take();
    Request& other = table.take();
    table.begin(one);
    table.begin(other);
    CHECK(table.first_since(number) == &one);
    table.end(before);
    CHECK(table.first_since(number) == &one);
    table.end(one);
    CHECK(table.first_since(number) == &other);
    table.end(other);
    CHECK(table.first_since(number) == nullptr);
}

TEST_CASE("a record that was given back is used again") {
    RequestTable table;
    Request& request = table.take();
    table.give_back(request);
    CHECK(&table.take() == &request);
    CHECK(&table.take() != &request);
    RequestList* const list = table.make_list(false, nullptr);
    table.give_back(*list);
    CHECK(table.make_list(true, nullptr) == list);
}

TEST_CASE("a list counts one request at first, and begins anew when its record is used again") {
    RequestTable table;
    sigevent signal{};
    signal.sigev_notify = SIGEV_SIGNAL;
    signal.sigev_signo = SIGUSR1;
    RequestList* const list = table.make_list(false, &signal);
    CHECK(list->unfinished == 1);
    CHECK(list->notification.sigev_signo == SIGUSR1);
    list->failed = true;
    list->unfinished = 0;
    table.give_back(*list);
    REQUIRE(table.make_list(true, nullptr) == list);
    CHECK(list->unfinished == 1);
    CHECK(!list->failed);
    CHECK(list->awaited);
    CHECK(list->notification.sigev_notify == SIGEV_NONE);
}

} // namespace
} // namespace aioxx::test
