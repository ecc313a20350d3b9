// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "child.hpp"
#include "privileges.hpp"
#include "run_one.hpp"

#include <array>
#include <cerrno>
#include <csignal>

#include <linux/fs.h>

using namespace aioxx::test;
using aioxx::Context;
using aioxx::Event;
using aioxx::Iocb;
using aioxx::IoPriority;
using aioxx::RwFlags;

namespace {

constexpr std::uint32_t value(RwFlags flags) {
    return static_cast<std::uint32_t>(flags);
}

TEST_CASE("flags have the kernel's numbers") {
    CHECK(value(RwFlags::hipri) == RWF_HIPRI);
    CHECK(value(RwFlags::dsync) == RWF_DSYNC);
    CHECK(value(RwFlags::sync) == RWF_SYNC);
    CHECK(value(RwFlags::nowait) == RWF_NOWAIT);
    CHECK(value(RwFlags::append) == RWF_APPEND);
    // Debian 12's headers end there; these are from Linux 6.18.
    CHECK(value(RwFlags::noappend) == 0x20);
    CHECK(value(RwFlags::atomic) == 0x40);
    CHECK(value(RwFlags::dontcache) == 0x80);
    CHECK(value(RwFlags::nosignal) == 0x100);
}

TEST_CASE("flags combine") {
    RwFlags flags = RwFlags::dsync | RwFlags::append;
    CHECK(value(flags) == 0x12);
    CHECK((flags & RwFlags::append) == RwFlags::append);
    CHECK((flags & RwFlags::nowait) == RwFlags::none);
    flags |= RwFlags::nowait;
    CHECK(value(flags) == 0x1a);
    flags &= ~RwFlags::append;
    CHECK(value(flags) == 0x0a);
}

/// The result of a write with `flags`, or the negative error of its submit.
std::int64_t write_with(Context& context, int fd, std::string_view text, std::int64_t offset,
                        RwFlags flags) {
    Iocb iocb;
    iocb.prepare_write(fd, bytes_of(text), offset);
    iocb.set_rw_flags(flags);
    const int refused = submit_error(context, iocb);
    return refused != 0 ? -refused : next_event(context).result();
}

TEST_CASE("writes that are to be on stable storage say when they are") {
    const TemporaryFile file;
    Context context{1};
    CHECK(write_with(context, file, "data", 0, RwFlags::dsync) == 4);
    CHECK(write_with(context, file, "meta", 4, RwFlags::sync) == 4);
    CHECK(file.content() == "datameta");
}

TEST_CASE("a high priority is accepted and ignored") {
    const TemporaryFile file;
    Context context{1};
    CHECK(write_with(context, file, "data", 0, RwFlags::hipri) == 4);
}

TEST_CASE("an append goes to the end of the file, whatever the offset") {
    const TemporaryFile file{"0123456789"};
    Context context{1};
    CHECK(write_with(context, file, "end", 2, RwFlags::append) == 3);
    CHECK(file.content() == "0123456789end");
}

TEST_CASE("a write that does not append honours its offset in a file that does") {
    const TemporaryFile file{"0123456789", O_RDWR | O_APPEND};
    Context context{1};
    CHECK(write_with(context, file, "end", 2, RwFlags::none) == 3);
    CHECK(file.content() == "0123456789end");
    const std::int64_t result = write_with(context, file, "AT2", 2, RwFlags::noappend);
    if (result == -EOPNOTSUPP) {
        SKIP_CASE("the kernel is older than 6.9: no RWF_NOAPPEND");
    }
    CHECK(result == 3);
    CHECK(file.content() == "01AT256789end");
}

TEST_CASE("a write to a pipe without reader ends the program, unless it asks for no signal") {
    const ChildEnd killed = run_in_child([] {
        Pipe pipe;
        pipe.reader.close();
        Context context{1};
        write_with(context, pipe.writer, "x", 0, RwFlags::none);
        return 0;
    });
    CHECK(killed.signal == SIGPIPE);
    const ChildEnd asked = run_in_child([] {
        Pipe pipe;
        pipe.reader.close();
        Context context{1};
        const std::int64_t result = write_with(context, pipe.writer, "x", 0, RwFlags::nosignal);
        return result == -EPIPE ? 0 : result == -EOPNOTSUPP ? 1 : 2;
    });
    if (asked.status == 1) {
        SKIP_CASE("the kernel is older than 6.18: no RWF_NOSIGNAL");
    }
    CHECK(asked.status == 0);
}

TEST_CASE("a flag that no kernel knows is EOPNOTSUPP at submit") {
    const TemporaryFile file;
    Context context{1};
    CHECK(write_with(context, file, "x", 0, static_cast<RwFlags>(1U << 31)) == -EOPNOTSUPP);
    CHECK(file.content().empty());
}

TEST_CASE("a read that is not to wait says EAGAIN on an empty pipe, and reads a full one") {
    if (!pipes_know_nowait()) {
        SKIP_CASE("the kernel's pipes know no RWF_NOWAIT");
    }
    const Pipe pipe;
    std::array<char, 4> buffer{};
    Context context{1};
    Iocb iocb;
    for (const std::int64_t expected : {std::int64_t{-EAGAIN}, std::int64_t{3}}) {
        iocb.prepare_read(pipe.reader, bytes_of(buffer), 0);
        iocb.set_rw_flags(RwFlags::nowait);
        CHECK(run_one(context, iocb).result() == expected);
        pipe.fill("xyz");
    }
}

// linux/ioprio.h, by hand: since Linux 6.5, and in Debian's stable updates, it is no C++.
constexpr int class_rt = 1;
constexpr int class_be = 2;
constexpr int class_idle = 3;
constexpr int prio_value(int its_class, int level) {
    return its_class << 13 | level; // IOPRIO_CLASS_SHIFT
}

TEST_CASE("a priority is encoded as ioprio_set(2) has it") {
    using Class = IoPriority::Class;
    CHECK(IoPriority{}.value() == 0);
    CHECK(IoPriority{Class::realtime, 0}.value() == prio_value(class_rt, 0));
    CHECK(IoPriority{Class::best_effort, 5}.value() == prio_value(class_be, 5));
    CHECK(IoPriority{Class::idle, 7}.value() == prio_value(class_idle, 7));
    const IoPriority read = IoPriority::from_value(prio_value(class_be, 6));
    CHECK(read.priority_class() == Class::best_effort);
    CHECK(read.level() == 6);
    CHECK(read == IoPriority{Class::best_effort, 6});
    CHECK(read != IoPriority{Class::best_effort, 5});
    // A level that is too large does not become another class.
    CHECK(IoPriority{Class::best_effort, 1U << 13}.priority_class() == Class::best_effort);
}

TEST_CASE("a priority that was set is read back, and accepted") {
    using Class = IoPriority::Class;
    const TemporaryFile file{"x"};
    std::array<char, 1> byte{};
    Context context{1};
    Iocb iocb;
    for (const IoPriority priority :
         {IoPriority{}, IoPriority{Class::best_effort, 0}, IoPriority{Class::best_effort, 7},
          IoPriority{Class::idle, 0}}) {
        CAPTURE(priority.value());
        iocb.prepare_read(file, bytes_of(byte), 0);
        iocb.set_priority(priority);
        CHECK(iocb.priority() == priority);
        CHECK(run_one(context, iocb).result() == 1);
    }
}

TEST_CASE("a priority that is none is refused") {
    const TemporaryFile file;
    std::array<char, 1> byte{};
    Context context{1};
    Iocb iocb;
    iocb.prepare_read(file, bytes_of(byte), 0);
    iocb.set_priority(IoPriority::from_value(0xe000));
    CHECK(submit_error(context, iocb) == EINVAL);
}

TEST_CASE("a real-time priority needs a privilege") {
    if (::geteuid() == 0 && !may_become_another_user()) {
        SKIP_CASE("root without CAP_SETUID cannot become an ordinary user");
    }
    const TemporaryFile file{"x"};
    const ChildEnd end = run_in_child([&] {
        constexpr uid_t nobody = 65534;
        if (::geteuid() == 0 && ::setresuid(nobody, nobody, nobody) != 0) {
            return 1;
        }
        std::array<char, 1> byte{};
        Context context{1};
        Iocb iocb;
        iocb.prepare_read(file, bytes_of(byte), 0);
        iocb.set_priority({IoPriority::Class::realtime, 0});
        return submit_error(context, iocb) == EPERM ? 0 : 2;
    });
    CHECK(end.status == 0);
}

} // namespace
