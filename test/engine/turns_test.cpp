// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What would only wait for its like in the kernel is made by one helper, one after the other. And a
// file that is let go is closed when one was told so.

#include "crew.hpp"
#include "descriptors.hpp"

#include <array>

#include <fcntl.h>
#include <sys/file.h>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

/// A read of one byte that is a holder more of the pin.
void hand_over(Crew& crew, Transfer& read, Pin& pin, bool in_turn) {
    Helpers::hold(pin);
    read.length_wanted = 1;
    read.in_turn = in_turn;
    crew.hand_over(read, &pin);
}

Transfer* next_of(Crew& crew) {
    return crew.next().data_as<Transfer>();
}

TEST_CASE("operations in turn go one after the other, beside those of other files") {
    Crew crew;
    Pipe pipe;
    Pipe other;
    Pin& pin = *crew.pin(pipe.reader);
    Pin& pin_of_other = *crew.pin(other.reader);
    std::array<Transfer, 4> reads;
    Transfer of_other;
    for (Transfer& read : reads) {
        hand_over(crew, read, pin, true);
    }
    hand_over(crew, of_other, pin_of_other, true);
    other.fill("x");
    CHECK(next_of(crew) == &of_other);
    // None of them is with the kernel but the first: each gets the byte of its turn.
    CHECK(crew.helpers.take_back(reads[2]));
    CHECK_FALSE(reads[2].waits_for_turn);
    for (const std::size_t i : {0U, 1U, 3U}) {
        pipe.fill(std::string(1, static_cast<char>('0' + i)));
        CHECK(next_of(crew) == &reads[i]);
        CHECK(reads[i].bytes[0] == static_cast<std::byte>('0' + i));
    }
    hand_over(crew, reads[2], pin, true); // and the turn is free again
    pipe.fill("2");
    CHECK(next_of(crew) == &reads[2]);
    crew.helpers.let_go(pin);
    crew.helpers.let_go(pin_of_other);
}

TEST_CASE("the turn is passed on when the one who has it is taken back") {
    Crew crew{{.limit = 1}};
    Pipe blocking;
    Pipe pipe;
    Pin& busy = *crew.pin(blocking.reader);
    Pin& pin = *crew.pin(pipe.reader);
    Transfer keeps_it_busy;
    std::array<Transfer, 3> reads;
    hand_over(crew, keeps_it_busy, busy, false);
    for (Transfer& read : reads) {
        hand_over(crew, read, pin, true);
    }
    REQUIRE(crew.helpers.take_back(reads[0]));
    blocking.fill("x");
    CHECK(next_of(crew) == &keeps_it_busy);
    for (const std::size_t i : {1U, 2U}) {
        pipe.fill("y");
        CHECK(next_of(crew) == &reads[i]);
    }
    crew.helpers.let_go(busy);
    crew.helpers.let_go(pin);
}

TEST_CASE("a file is closed when letting go of it has waited") {
    Crew crew;
    for (int i = 0; i < 100; ++i) {
        const TemporaryFile file{"content"};
        const std::string path = "/proc/self/fd/" + std::to_string(int{file});
        const Descriptor rival{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        Descriptor holder{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        REQUIRE(::flock(holder, LOCK_EX) == 0);
        Pin& pin = *crew.pin(holder);
        Transfer read;
        hand_over(crew, read, pin, false);
        CHECK(next_of(crew) == &read);
        holder.close();
        CHECK(::flock(rival, LOCK_EX | LOCK_NB) < 0); // it is held for us
        crew.helpers.let_go_and_wait(pin);
        CHECK(::flock(rival, LOCK_EX | LOCK_NB) == 0);
    }
}

} // namespace
} // namespace aioxx::test
