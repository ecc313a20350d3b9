// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/list.hpp"

#include <string>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

struct Item : engine::Link<Item, 0>, engine::Link<Item, 1> {
    explicit Item(char given) : name(given) {}

    char name;
};
using First = engine::List<Item, 0>;
using Second = engine::List<Item, 1>;

template <typename List>
std::string names(const List& list) {
    std::string all;
    for (const Item* item = list.front(); item != nullptr; item = List::next(*item)) {
        all += item->name;
    }
    return all;
}

TEST_CASE("a list gives back in the order in which it was given") {
    Item a{'a'};
    Item b{'b'};
    Item c{'c'};
    First list;
    CHECK(list.empty());
    list.push_back(b);
    list.push_back(c);
    list.push_front(a);
    CHECK(list.size() == 3);
    CHECK(names(list) == "abc");
    CHECK(list.pop_front() == &a);
    CHECK(list.pop_front() == &b);
    CHECK(list.pop_front() == &c);
    CHECK(list.pop_front() == nullptr);
    CHECK(list.size() == 0);
}

TEST_CASE("an item leaves a list from its front, its middle and its end") {
    Item items[] = {Item{'a'}, Item{'b'}, Item{'c'}, Item{'d'}, Item{'e'}};
    First list;
    for (Item& item : items) {
        list.push_back(item);
    }
    list.remove(items[2]);
    CHECK(names(list) == "abde");
    list.remove(items[0]);
    CHECK(names(list) == "bde");
    list.remove(items[4]);
    CHECK(names(list) == "bd");
    list.push_back(items[0]);
    CHECK(names(list) == "bda");
    CHECK(list.front() == &items[1]);
}

TEST_CASE("an item knows whether it is in a list, and is in two of different tags at once") {
    Item a{'a'};
    Item b{'b'};
    First first;
    Second second;
    first.push_back(a);
    first.push_back(b);
    second.push_back(b);
    second.push_back(a);
    CHECK(names(first) == "ab");
    CHECK(names(second) == "ba");
    first.remove(a);
    CHECK_FALSE(static_cast<const engine::Link<Item, 0>&>(a).linked);
    CHECK(static_cast<const engine::Link<Item, 1>&>(a).linked);
    CHECK(names(second) == "ba");
}

TEST_CASE("an item is inserted behind all that it does not go before") {
    const auto before = [](const Item& one, const Item& other) { return one.name < other.name; };
    Item items[] = {Item{'c'}, Item{'a'}, Item{'e'}, Item{'c'}, Item{'d'}};
    First list;
    for (Item& item : items) {
        list.insert(item, before);
    }
    CHECK(names(list) == "accde");
    CHECK(list.size() == 5);
    CHECK(list.front() == &items[1]);
    CHECK(First::next(items[1]) == &items[0]); // first in, first out among equals
    CHECK(First::previous(items[4]) == &items[3]);
    CHECK(list.back() == &items[2]);
    for (Item& item : items) {
        list.remove(item);
        CHECK_FALSE(static_cast<const engine::Link<Item, 0>&>(item).linked);
    }
    CHECK(list.empty());
    CHECK(list.back() == nullptr);
}

} // namespace
} // namespace aioxx::test
