// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "engine/slots.hpp"

#include "child.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::FileSystems;
using engine::SlotHolder;
using engine::Slots;

TEST_CASE("without kernel AIO there are no slots") {
    const Slots slots;
    CHECK(slots.used() == 0);
    CHECK_FALSE(slots.available());
}

TEST_CASE("there are as many slots as the capacity says, and those given back count again") {
    Slots slots;
    slots.set_capacity(2);
    SlotHolder disk;
    slots.take(disk);
    CHECK(slots.available());
    slots.take(disk);
    CHECK_FALSE(slots.available());
    CHECK(slots.used() == 2);
    CHECK(disk.held() == 2);
    slots.give_back(disk);
    CHECK(slots.available());
    slots.take(disk);
    CHECK_FALSE(slots.available());
}

TEST_CASE("what is under way keeps its slots when the capacity falls; more come when it rises") {
    Slots slots;
    SlotHolder disk;
    slots.set_capacity(3);
    slots.take(disk);
    slots.take(disk);
    slots.set_capacity(1);
    CHECK(slots.used() == 2);
    CHECK_FALSE(slots.available());
    slots.give_back(disk);
    CHECK_FALSE(slots.available());
    slots.set_capacity(2);
    CHECK(slots.available());
    slots.set_capacity(0);
    slots.give_back(disk);
    CHECK_FALSE(slots.available());
}

TEST_CASE("what is on a server leaves the last quarter of the slots, rounded up") {
    struct Row {
        std::size_t capacity;
        std::size_t share;
    };
    for (const Row row : {Row{0, 0}, Row{1, 0}, Row{2, 1}, Row{4, 3}, Row{5, 3}, Row{128, 96}}) {
        CAPTURE(row.capacity);
        Slots slots;
        slots.set_capacity(row.capacity);
        SlotHolder disk;
        SlotHolder server;
        slots.set_slow(server, true);
        std::size_t taken = 0;
        for (; slots.available_to_slow(); ++taken) {
            slots.take(server);
        }
        CHECK(taken == row.share);
        CHECK(slots.used() == row.share);
        for (; slots.available(); ++taken) {
            slots.take(disk);
        }
        CHECK(taken == row.capacity);
        CHECK(slots.used_by_slow() == row.share);
        CHECK_FALSE(slots.are_short());
        if (row.share > 0) {
            slots.give_back(server);
            CHECK(slots.available_to_slow());
            CHECK(slots.used() == row.capacity - 1);
            CHECK(slots.used_by_slow() == row.share - 1);
        }
    }
}

TEST_CASE("what falls silent keeps the slots that it has, and then they are short for the others") {
    Slots slots;
    slots.set_capacity(4);
    SlotHolder disk;
    SlotHolder other;
    for (int i = 0; i < 4; ++i) {
        slots.take(disk);
    }
    CHECK(slots.set_slow(disk, true));
    CHECK_FALSE(slots.set_slow(disk, true));
    CHECK(slots.used() == 4);
    CHECK(slots.used_by_slow() == 4);
    CHECK(slots.are_short());

    slots.give_back(disk);
    CHECK_FALSE(slots.are_short()); // three are its share
    CHECK_FALSE(slots.available_to_slow());
    slots.take(other);
    CHECK(slots.set_slow(disk, false));
    CHECK(slots.used_by_slow() == 0);
    CHECK(slots.used() == 4);
    slots.give_back(disk);
    slots.give_back(other);
    CHECK(slots.used() == 2);
}

TEST_CASE(
    "a file system that holds slots is silent when it has given none back since the last look") {
    Slots slots;
    slots.set_capacity(4);
    SlotHolder disk;
    CHECK_FALSE(disk.look());
    CHECK_FALSE(disk.look()); // it holds none
    slots.take(disk);
    CHECK_FALSE(disk.look()); // it may have taken it just now
    CHECK(disk.look());
    slots.take(disk);
    CHECK(disk.look());
    slots.give_back(disk);
    CHECK_FALSE(disk.look());
    CHECK(disk.look());
    slots.give_back(disk);
    CHECK_FALSE(disk.look());
}

TEST_CASE("file systems are looked at once a second at most") {
    FileSystems<SlotHolder> holders;
    SlotHolder& disk = holders.enter(7);
    SlotHolder& other = holders.enter(8);
    CHECK(&holders.enter(7) == &disk);
    CHECK(&disk != &other);
    int looks = 0;
    const auto look = [&](SlotHolder&) { ++looks; };
    const FileSystems<SlotHolder>::Time start{std::chrono::hours{1}};
    holders.look(start, look);
    CHECK(looks == 2);
    holders.look(start + std::chrono::milliseconds{999}, look);
    CHECK(looks == 2);
    holders.look(start + std::chrono::seconds{1}, look);
    CHECK(looks == 4);
}

TEST_CASE("the record of a file system is used again when no file and no slot refers to it") {
    Slots slots;
    slots.set_capacity(4);
    FileSystems<SlotHolder> holders;
    SlotHolder& disk = holders.enter(7);
    slots.take(disk);
    FileSystems<SlotHolder>::leave(disk);
    CHECK(&holders.enter(8) != &disk);
    slots.give_back(disk);
    CHECK(&holders.enter(9) == &disk);
    CHECK(disk.device == 9);
}

#ifndef NDEBUG
TEST_CASE("a slot that there is not, and one that was not taken, end a program with assertions") {
    CHECK(run_in_child([] {
              Slots slots;
              SlotHolder disk;
              slots.take(disk);
              return 0;
          }).signal == SIGABRT);
    CHECK(run_in_child([] {
              Slots slots;
              SlotHolder disk;
              slots.set_capacity(1);
              slots.give_back(disk);
              return 0;
          }).signal == SIGABRT);
}
#endif

} // namespace
} // namespace aioxx::test
