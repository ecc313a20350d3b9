// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "posix/own_descriptors.hpp"

#include "descriptors.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>

namespace aioxx::test {
namespace {

using posix::AnonymousFiles;
using posix::OwnDescriptors;

TEST_CASE("another file on the own descriptor is not the own one, and stays that") {
    Descriptor own{::eventfd(0, EFD_CLOEXEC)};
    AnonymousFiles anonymous;
    REQUIRE(anonymous.open(own));
    OwnDescriptors descriptors{anonymous};
    CHECK(!descriptors.are_closed());
    CHECK(descriptors.allow_request(false));
    const Descriptor original{::fcntl(own, F_DUPFD_CLOEXEC, 0)};
    const Descriptor other{::eventfd(0, EFD_CLOEXEC)};
    REQUIRE(::dup3(other, own, O_CLOEXEC) == int{own});
    CHECK(descriptors.are_closed());
    CHECK(!descriptors.allow_request(false));
    REQUIRE(::dup3(original, own, O_CLOEXEC) == int{own});
    CHECK(descriptors.are_closed());
}

TEST_CASE("while requests are in progress only every eighth request looks") {
    Descriptor own{::eventfd(0, EFD_CLOEXEC)};
    AnonymousFiles anonymous;
    REQUIRE(anonymous.open(own));
    OwnDescriptors descriptors{anonymous};
    CHECK(descriptors.allow_request(true)); // the first one looks
    own.close();
    int allowed = 0;
    while (descriptors.allow_request(true)) {
        ++allowed;
    }
    CHECK(allowed == 7);
}

TEST_CASE("with no request in progress each request looks") {
    Descriptor own{::eventfd(0, EFD_CLOEXEC)};
    AnonymousFiles anonymous;
    REQUIRE(anonymous.open(own));
    OwnDescriptors descriptors{anonymous};
    CHECK(descriptors.allow_request(false));
    own.close();
    CHECK(!descriptors.allow_request(false));
}

TEST_CASE("files without an inode of their own are told apart by descriptor and open file") {
    const Descriptor own{::eventfd(0, EFD_CLOEXEC)};
    AnonymousFiles anonymous;
    REQUIRE(anonymous.open(own));
    const Descriptor one{::eventfd(0, EFD_CLOEXEC)};
    const Descriptor other{::eventfd(0, EFD_CLOEXEC)};
    CHECK(!anonymous.is_the_same(one)); // seen for the first time
    CHECK(anonymous.is_the_same(one));
    REQUIRE(::dup3(other, one, O_CLOEXEC) == int{one});
    CHECK(!anonymous.is_the_same(one));
    CHECK(anonymous.is_the_same(one));
}

} // namespace
} // namespace aioxx::test
