// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "run_one.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include <poll.h>

using namespace aioxx::test;
using aioxx::Context;
using aioxx::Event;
using aioxx::Iocb;
using aioxx::IoPriority;
using aioxx::Opcode;
using aioxx::RwFlags;

namespace {

static_assert(!std::is_copy_constructible_v<Iocb> && !std::is_move_constructible_v<Iocb>);
static_assert(!std::is_copy_assignable_v<Iocb> && !std::is_move_assignable_v<Iocb>);
static_assert(std::is_standard_layout_v<Iocb> && !std::is_polymorphic_v<Iocb>);

struct iovec vector_of(std::span<std::byte> bytes) {
    return {bytes.data(), bytes.size()};
}

TEST_CASE("a write, then a read at an offset") {
    const TemporaryFile file;
    Context context{1};
    Iocb iocb;
    iocb.prepare_write(file, bytes_of("0123456789"), 0);
    CHECK(run_one(context, iocb).result() == 10);
    CHECK(file.content() == "0123456789");
    iocb.prepare_write(file, bytes_of("AB"), 4);
    CHECK(run_one(context, iocb).result() == 2);
    CHECK(file.content() == "0123AB6789");

    std::array<char, 4> buffer{};
    iocb.prepare_read(file, bytes_of(buffer), 3);
    const Event event = run_one(context, iocb);
    CHECK(event.result() == 4);
    CHECK(event.result2() == 0);
    CHECK(!event.error());
    CHECK(std::string_view{buffer.data(), 4} == "3AB6");
}

TEST_CASE("a read across the end is short, one at the end gives 0") {
    const TemporaryFile file{"0123456789"};
    std::array<char, 8> buffer{};
    Context context{1};
    Iocb iocb;
    iocb.prepare_read(file, bytes_of(buffer), 7);
    CHECK(run_one(context, iocb).result() == 3);
    CHECK(std::string_view{buffer.data()} == "789");
    iocb.prepare_read(file, bytes_of(buffer), 10);
    CHECK(run_one(context, iocb).result() == 0);
}

TEST_CASE("an offset beyond 4 GiB is a place in the file") {
    const TemporaryFile file;
    constexpr std::int64_t far = (std::int64_t{1} << 32) + 5;
    Context context{1};
    Iocb iocb;
    iocb.prepare_write(file, bytes_of("far"), far);
    CHECK(run_one(context, iocb).result() == 3);
    std::array<char, 4> buffer{};
    iocb.prepare_read(file, bytes_of(buffer), far);
    CHECK(run_one(context, iocb).result() == 3);
    CHECK(std::string_view{buffer.data()} == "far");
    iocb.prepare_read(file, bytes_of(buffer), 5); // where a truncated offset would be
    CHECK(run_one(context, iocb).result() == 4);
    CHECK(buffer[0] == '\0');
}

TEST_CASE("writev gathers two buffers, readv scatters into two") {
    const TemporaryFile file;
    std::string first = "gather";
    std::string second = "ed";
    std::array<iovec, 2> vectors{vector_of(bytes_of(first)), vector_of(bytes_of(second))};
    Context context{1};
    Iocb iocb;
    iocb.prepare_writev(file, vectors, 2);
    CHECK(run_one(context, iocb).result() == 8);
    CHECK(file.content() == std::string_view{"\0\0gathered", 10});

    std::array<char, 3> one{};
    std::array<char, 5> other{};
    vectors = {vector_of(bytes_of(one)), vector_of(bytes_of(other))};
    iocb.prepare_readv(file, vectors, 2);
    CHECK(run_one(context, iocb).result() == 8);
    CHECK(std::string_view{one.data(), 3} == "gat");
    CHECK(std::string_view{other.data(), 5} == "hered");
}

TEST_CASE("readv scatters into memory from anywhere") {
    const TemporaryFile file{"stack, heap, aligned, vector"};
    std::array<char, 7> on_stack{};
    const auto on_heap = std::make_unique<char[]>(6);
    aioxx::AlignedBuffer aligned{9, 4096};
    std::vector<char> in_vector(6);
    const std::array<iovec, 4> vectors{
        {{on_stack.data(), 7}, {on_heap.get(), 6}, {aligned.data(), 9}, {in_vector.data(), 6}}};
    Context context{1};
    Iocb iocb;
    iocb.prepare_readv(file, vectors, 0);
    CHECK(run_one(context, iocb).result() == 28);
    CHECK(std::string_view{on_stack.data(), 7} == "stack, ");
    CHECK(std::string_view{on_heap.get(), 6} == "heap, ");
    CHECK(std::memcmp(aligned.data(), "aligned, ", 9) == 0);
    CHECK(std::string_view{in_vector.data(), 6} == "vector");
}

TEST_CASE("1024 vectors are accepted, 1025 are EINVAL") {
    const TemporaryFile file;
    std::string text(1025, 'v');
    std::vector<iovec> vectors;
    for (char& letter : text) {
        vectors.push_back({&letter, 1});
    }
    Context context{1};
    Iocb iocb;
    iocb.prepare_writev(file, std::span{vectors}.first(1024), 0);
    CHECK(run_one(context, iocb).result() == 1024);
    iocb.prepare_writev(file, vectors, 0);
    CHECK(submit_error(context, iocb) == EINVAL);
}

TEST_CASE("fsync and fdatasync give 0") {
    const TemporaryFile file;
    Context context{1};
    Iocb iocb;
    iocb.prepare_write(file, bytes_of("log"), 0);
    CHECK(run_one(context, iocb).result() == 3);
    iocb.prepare_fsync(file);
    CHECK(run_one(context, iocb).result() == 0);
    iocb.prepare_fdatasync(file);
    CHECK(run_one(context, iocb).result() == 0);
}

TEST_CASE("an operation's failure is in its event, and not thrown") {
    Context context{1};
    Iocb iocb;
    std::array<char, 1> byte{};
    const Pipe pipe{O_NONBLOCK};
    iocb.prepare_read(pipe.reader, bytes_of(byte), 0);
    const Event event = run_one(context, iocb);
    CHECK(event.result() == -EAGAIN);
    CHECK(event.error() == std::errc::resource_unavailable_try_again);
    CHECK(event.error().category() == std::generic_category());
}

TEST_CASE("user data comes back in the event as it was set") {
    const TemporaryFile file;
    Context context{1};
    Iocb iocb;
    struct Operation {
    } operation;
    iocb.prepare_fsync(file);
    iocb.set_data(&operation);
    CHECK(run_one(context, iocb).data_as<Operation>() == &operation);
    iocb.prepare_fsync(file);
    CHECK(iocb.data() == 0); // nothing is left of the earlier use
    iocb.set_data(0xfedcba9876543210U);
    CHECK(iocb.data() == 0xfedcba9876543210U);
    CHECK(run_one(context, iocb).data() == 0xfedcba9876543210U);
}

/// Every field used, and all of them for something else than what comes next.
void use(Iocb& iocb) {
    std::memset(static_cast<void*>(&iocb.raw()), 0xa5, sizeof(iocb));
}

TEST_CASE("an iocb prepared for another opcode keeps nothing of the old one") {
    std::array<char, 8> buffer{};
    const std::array<iovec, 1> vectors{vector_of(bytes_of(buffer))};
    using Prepare = void (*)(Iocb&, std::array<char, 8>&, const std::array<iovec, 1>&);
    const Prepare prepares[] = {
        [](Iocb& i, auto& b, auto&) { i.prepare_read(3, bytes_of(b), 9); },
        [](Iocb& i, auto& b, auto&) { i.prepare_write(3, bytes_of(b), 9); },
        [](Iocb& i, auto&, auto& v) { i.prepare_readv(3, v, 9); },
        [](Iocb& i, auto&, auto& v) { i.prepare_writev(3, v, 9); },
        [](Iocb& i, auto&, auto&) { i.prepare_fsync(3); },
        [](Iocb& i, auto&, auto&) { i.prepare_fdatasync(3); },
        [](Iocb& i, auto&, auto&) { i.prepare_poll(3, POLLIN); },
    };
    const Opcode opcodes[] = {Opcode::read,  Opcode::write,     Opcode::readv, Opcode::writev,
                              Opcode::fsync, Opcode::fdatasync, Opcode::poll};
    for (std::size_t i = 0; i < std::size(prepares); ++i) {
        CAPTURE(i);
        Iocb fresh;
        Iocb used;
        use(used);
        prepares[i](fresh, buffer, vectors);
        prepares[i](used, buffer, vectors);
        CHECK(std::memcmp(&fresh.raw(), &used.raw(), 64) == 0);
        CHECK(used.opcode() == opcodes[i]);
        CHECK(used.fd() == 3);
        CHECK(used.rw_flags() == RwFlags::none);
        CHECK(used.priority() == IoPriority{});
        CHECK(used.data() == 0);
        CHECK(used.raw().flags == 0);
        CHECK(used.raw().key == 0);
    }
}

TEST_CASE("a new iocb reads nothing from descriptor 0") {
    const Iocb iocb;
    CHECK(iocb.opcode() == Opcode::read);
    CHECK(iocb.fd() == 0);
    CHECK(iocb.raw().length == 0);
}

TEST_CASE("what is set after preparing does not disturb the rest") {
    std::array<char, 8> buffer{};
    Iocb iocb;
    iocb.prepare_read(7, bytes_of(buffer), 9);
    iocb.set_event_fd(5);
    iocb.set_priority({IoPriority::Class::best_effort, 3});
    iocb.set_rw_flags(RwFlags::nowait);
    iocb.set_data(std::uint64_t{4});
    CHECK(iocb.opcode() == Opcode::read);
    CHECK(iocb.fd() == 7);
    CHECK(iocb.raw().buffer == reinterpret_cast<std::uintptr_t>(buffer.data()));
    CHECK(iocb.raw().length == 8);
    CHECK(iocb.raw().offset == 9);
    CHECK(iocb.raw().flags == 3);
    CHECK(iocb.raw().event_fd == 5);
    CHECK(iocb.priority() == IoPriority{IoPriority::Class::best_effort, 3});
    CHECK(iocb.rw_flags() == RwFlags::nowait);
    CHECK(iocb.data() == 4);
}

} // namespace
