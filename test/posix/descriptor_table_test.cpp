// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/descriptor_table.hpp"

#include "descriptors.hpp"
#include "posix/pins_made.hpp"

#include <cstddef>
#include <system_error>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using posix::PerCallDescriptor;

/// A table with an engine, as a layer has them.
struct Table {
    Table() : engine(options(), error) {
        REQUIRE(!error);
        pins.attach(engine.workers(), engine.mailbox(), engine.wake_fd(), engine.event_fd());
        REQUIRE(anonymous.open(engine.wake_fd()));
    }
    engine::Engine::Options options() {
        engine::Engine::Options chosen;
        chosen.high_descriptors = true;
        chosen.table = &pins;
        return chosen;
    }
    PerCallDescriptor* find(int fd) {
        int unused = 0;
        return descriptors.find(fd, unused);
    }

    std::error_code error;
    posix::DuplicateTable duplicates;
    posix::PinTable pins;
    posix::FileLists files;
    engine::Engine engine;
    posix::AnonymousFiles anonymous;
    posix::DirectPath direct_path;
    posix::DescriptorTable descriptors{engine, duplicates, pins, files, anonymous, direct_path};
};

TEST_CASE("files that have come and gone on a number leave nothing behind") {
    Table table;
    std::size_t pins_at_first = 0;
    for (int round = 0; round < 200; ++round) {
        const Pipe pipe; // has the numbers of the one before
        CHECK(table.find(pipe.reader) != nullptr);
        CHECK(table.find(pipe.writer) != nullptr);
        CHECK(table.engine.files() == 2);
        pins_at_first = round == 0 ? pins_made(table.pins) : pins_at_first;
    }
    CHECK(pins_made(table.pins) == pins_at_first);
}

TEST_CASE("a file that is done with is freed with the next that is added, and by nothing before") {
    Table table;
    const Pipe pipe;
    PerCallDescriptor* const file = table.find(pipe.reader);
    REQUIRE(file != nullptr);
    table.engine.close(*file); // as in the reap of a signal handler, when its last request ends
    CHECK(table.files.retired.front() == file);
    CHECK(table.engine.files() == 0);

    PerCallDescriptor* const named = table.find(pipe.writer);
    REQUIRE(named != nullptr);
    CHECK(table.files.retired.empty());
    posix::NamedFiles in_call;
    named->name(in_call);
    table.engine.close(*named);
    CHECK(table.files.retired.empty()); // its call has not ended
    named->end_of_call(table.engine, in_call);
    CHECK(in_call.empty());
    CHECK(table.files.retired.front() == named);
}

TEST_CASE("a descriptor is the same file until another one is open there") {
    Table table;
    Pipe pipe;
    PerCallDescriptor* const first = table.find(pipe.reader);
    CHECK(first != nullptr);
    CHECK(table.find(pipe.reader) == first);
    const Pipe other;
    REQUIRE(::dup2(other.reader, pipe.reader) == pipe.reader);
    CHECK(table.find(pipe.reader) != nullptr);
    CHECK(table.engine.files() == 1);
    const int number = pipe.reader;
    pipe.reader.close();
    int error = 0;
    CHECK(table.descriptors.find(number, error) == nullptr);
    CHECK(error == EBADF);
}

} // namespace
} // namespace aioxx::test
