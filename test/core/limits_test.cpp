// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "child.hpp"
#include "run_one.hpp"

#include <cerrno>
#include <cstdio>
#include <string>

#include <sched.h>

using namespace aioxx::test;
using aioxx::Context;
using aioxx::Limits;

namespace {

/// One above what may be asked for; 0 where that is too many to ask for at all.
unsigned one_too_many() {
    const std::uint64_t allowed = aioxx::limits().allowed;
    constexpr std::uint64_t absurd = 0x10000000 / 32 / 2; // where the kernel says EINVAL instead
    return allowed + 1 < absurd ? static_cast<unsigned>(allowed) + 1 : 0;
}

/// In a child without /proc: what `body` returns, and 99 where that cannot be had.
template <typename Body>
int without_proc(Body body) {
    const ScratchDirectory empty;
    return run_in_child([&] {
               if (::geteuid() != 0 && ::unshare(CLONE_NEWUSER) != 0) {
                   return 99;
               }
               return ::chroot(empty.path().c_str()) == 0 ? body() : 99;
           })
        .status;
}

TEST_CASE("the limits are those of /proc/sys/fs") {
    std::FILE* const file = std::fopen("/proc/sys/fs/aio-max-nr", "re");
    REQUIRE(file != nullptr);
    unsigned long long allowed = 0;
    const int read = std::fscanf(file, "%llu", &allowed);
    std::fclose(file);
    REQUIRE(read == 1);
    std::error_code error = std::make_error_code(std::errc::io_error);
    CHECK(aioxx::limits(error).allowed == allowed);
    CHECK(!error);
    CHECK(aioxx::limits().allowed == allowed);
}

// Others make and close contexts meanwhile, so that a single difference proves nothing: it has to
// come out once in a hundred times, and never does when contexts count otherwise.
TEST_CASE("a context counts with exactly the depth that was asked for, until it is closed") {
    constexpr unsigned depth = 97;
    bool grew = false;
    bool shrank = false;
    for (int i = 0; i < 100 && !(grew && shrank); ++i) {
        const std::uint64_t before = aioxx::limits().used;
        Context context{depth};
        const std::uint64_t during = aioxx::limits().used;
        CHECK(during >= depth); // ours is among them in any case
        context.close();
        const std::uint64_t after = aioxx::limits().used;
        grew = grew || during == before + depth;
        shrank = shrank || after + depth == during;
    }
    CHECK(grew);
    CHECK(shrank);
}

TEST_CASE("setup above the limit is EAGAIN, and says asked, used and allowed") {
    const unsigned depth = one_too_many();
    if (depth == 0) {
        SKIP_CASE("fs.aio-max-nr is above what one context may ask for");
    }
    std::error_code error;
    const Context context{depth, error};
    CHECK(error.value() == EAGAIN);
    CHECK(!context.is_open());
    std::string text;
    try {
        const Context thrower{depth};
    } catch (const std::system_error& failure) {
        CHECK(failure.code().value() == EAGAIN);
        text = failure.what();
    }
    CAPTURE(text);
    CHECK(text.find("io_setup") != std::string::npos);
    CHECK(text.find(std::to_string(depth) + " asked for") != std::string::npos);
    CHECK(text.find(", fs.aio-nr ") != std::string::npos);
    CHECK(text.find(", fs.aio-max-nr " + std::to_string(depth - 1)) != std::string::npos);
}

TEST_CASE("without /proc the limits are not known, which is an error and not a zero") {
    const int status = without_proc([] {
        std::error_code error;
        const Limits now = aioxx::limits(error);
        if (error.value() != ENOENT || now.used != 0 || now.allowed != 0) {
            return 1;
        }
        try {
            (void)aioxx::limits();
        } catch (const std::system_error& failure) {
            return failure.code() == error ? 0 : 2;
        }
        return 3;
    });
    if (status == 99) {
        SKIP_CASE("no chroot for this user");
    }
    CHECK(status == 0);
}

TEST_CASE("without /proc the text about the limit leaves out what it does not know") {
    const unsigned depth = one_too_many();
    if (depth == 0) {
        SKIP_CASE("fs.aio-max-nr is above what one context may ask for");
    }
    const int status = without_proc([depth] {
        try {
            const Context context{depth};
        } catch (const std::system_error& failure) {
            const std::string text = failure.what();
            const bool asked = text.find("asked for") != std::string::npos;
            const bool used = text.find("used") != std::string::npos;
            return failure.code().value() == EAGAIN && asked && !used ? 0 : 1;
        }
        return 2;
    });
    if (status == 99) {
        SKIP_CASE("no chroot for this user");
    }
    CHECK(status == 0);
}

} // namespace
