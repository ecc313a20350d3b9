// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// A call made in two ways: through the seam, whichever backend it is, and as the raw system call,
// which is the reference for what the seam has to answer.

#include "descriptors.hpp"
#include "kernel/kernel.hpp"
#include "skip.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aioxx::test {

using kernel::EventLayout;
using kernel::Handle;
using kernel::IocbLayout;
using kernel::Timeout;

struct ThroughSeam {
    static int setup(unsigned events, Handle* handle) { return kernel::setup(events, handle); }
    static int destroy(Handle handle) { return kernel::destroy(handle); }
    static int submit(Handle handle, long count, IocbLayout** iocbs) {
        return kernel::submit(handle, count, iocbs);
    }
    static int cancel(Handle handle, IocbLayout* iocb, EventLayout* event) {
        return kernel::cancel(handle, iocb, event);
    }
    static int get_events(Handle handle, long min, long max, EventLayout* events, Timeout timeout,
                          const sigset_t* mask) {
        return kernel::get_events(handle, min, max, events, timeout, mask);
    }
};

/// Written without the library's own raw_call.hpp, so that the two can differ.
struct RawCall {
    static int answer(long result) { return result < 0 ? -errno : static_cast<int>(result); }
    static int setup(unsigned events, Handle* handle) {
        return answer(::syscall(SYS_io_setup, events, handle));
    }
    static int destroy(Handle handle) { return answer(::syscall(SYS_io_destroy, handle)); }
    static int submit(Handle handle, long count, IocbLayout** iocbs) {
        return answer(::syscall(SYS_io_submit, handle, count, iocbs));
    }
    static int cancel(Handle handle, IocbLayout* iocb, EventLayout* event) {
        return answer(::syscall(SYS_io_cancel, handle, iocb, event));
    }
    static int get_events(Handle handle, long min, long max, EventLayout* events, Timeout timeout,
                          const sigset_t* mask) {
        struct {
            long seconds;
            long nanoseconds;
        } limit{static_cast<long>(timeout / 1'000'000'000),
                static_cast<long>(timeout % 1'000'000'000)};
        void* const time = timeout == kernel::forever ? nullptr : &limit;
        if (mask == nullptr) {
            return answer(::syscall(SYS_io_getevents, handle, min, max, events, time));
        }
        struct {
            const sigset_t* mask;
            std::size_t size;
        } sigset{mask, 8};
        return answer(::syscall(SYS_io_pgetevents, handle, min, max, events, time, &sigset));
    }
};

/// A page of memory with these rights.
struct Page {
    explicit Page(int rights)
        : at(::mmap(nullptr, size, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        REQUIRE(at != MAP_FAILED);
    }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    ~Page() { ::munmap(at, size); }

    static constexpr std::size_t size = 4096;
    void* const at;
};

/// What the rows of every table act on. One context serves them all: giving one back takes some
/// 40 ms.
struct ActedOn {
    ActedOn() {
        REQUIRE(kernel::setup(8, &live) == 0);
        REQUIRE(kernel::setup(1, &destroyed) == 0);
        REQUIRE(kernel::destroy(destroyed) == 0);
    }
    ActedOn(const ActedOn&) = delete;
    ActedOn& operator=(const ActedOn&) = delete;
    ~ActedOn() { kernel::destroy(live); }

    Handle live = 0;
    Handle destroyed = 0;
    Pipe pipe;
    IocbLayout iocb;
};

/// One line of a table: what is done, and the answer that is expected.
template <typename Fixture>
struct Row {
    const char* what;
    int expected;
    int (*through_seam)(Fixture&);
    int (*raw_call)(Fixture&);
};

/// `body(calls, fixture)` makes the call through `calls`, and returns its result.
template <typename Fixture, typename Body>
constexpr Row<Fixture> row(const char* what, int expected, Body) {
    return {what, expected, [](Fixture& fixture) { return Body{}(ThroughSeam{}, fixture); },
            [](Fixture& fixture) { return Body{}(RawCall{}, fixture); }};
}

inline std::string name_of(int result) {
    const char* const error = result < 0 && result > -4096 ? ::strerrorname_np(-result) : nullptr;
    return error != nullptr ? std::string{"-"} + error : std::to_string(result);
}

/// Both ways of each row have the expected answer, and the seam leaves errno alone.
template <typename Fixture, std::size_t size>
void check_rows(const Row<Fixture> (&rows)[size], Fixture& fixture) {
    for (const Row<Fixture>& line : rows) {
        INFO(line.what);
        constexpr int untouched = 4711;
        errno = untouched;
        const int seam = line.through_seam(fixture);
        const int errno_after = errno;
        CHECK(name_of(seam) == name_of(line.expected));
        CHECK(errno_after == untouched);
        CHECK(name_of(line.raw_call(fixture)) == name_of(line.expected));
    }
}

} // namespace aioxx::test
