// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// What a copy keeps beside the data.
#include "command.hpp"
#include "files.hpp"
#include "skip.hpp"

#include <initializer_list>
#include <optional>

#include <sys/xattr.h>

using namespace aioxx::test;

namespace {

/// An access control list as the kernel has it in an extended attribute: the owner's rights, one
/// other user's, the group's, the mask, the others'.
std::string access_list(std::uint16_t for_one_user) {
    std::string bytes{"\2\0\0\0", 4};
    const auto entry = [&](std::uint16_t tag, std::uint16_t rights, std::uint32_t id) {
        const auto append = [&](const auto& value) {
            bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
        };
        append(tag);
        append(rights);
        append(id);
    };
    constexpr std::uint32_t none = 0xffffffff;
    entry(0x01, 6, none);
    entry(0x02, for_one_user, 4242);
    entry(0x04, 4, none);
    entry(0x10, 6, none);
    entry(0x20, 0, none);
    return bytes;
}

/// cap_net_raw=ep
std::string capability() {
    const std::array<std::uint32_t, 5> words{0x02000001, 1U << 13U, 0, 0, 0};
    return {reinterpret_cast<const char*>(words.data()), sizeof(words)};
}

std::optional<std::string> attribute_of(const std::string& path, const char* name) {
    std::array<char, 256> value{};
    const ssize_t length = ::getxattr(path.c_str(), name, value.data(), value.size());
    if (length < 0) {
        return std::nullopt;
    }
    return std::string{value.data(), static_cast<std::size_t>(length)};
}

bool set_attribute(const std::string& path, const char* name, const std::string& value) {
    return ::setxattr(path.c_str(), name, value.data(), value.size(), 0) == 0;
}

bool same(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool has_times_of(const std::string& target, const struct stat& source) {
    const struct stat status = status_of(target);
    return same(status.st_mtim, source.st_mtim) && same(status.st_atim, source.st_atim);
}

constexpr const char* acl = "system.posix_acl_access";
constexpr const char* default_acl = "system.posix_acl_default";
constexpr const char* own = "user.aioxx";
constexpr const char* capabilities = "security.capability";

/// A file of another user's with all that can be kept; false where that cannot be made.
bool make_source(const std::string& source) {
    const timespec times[] = {{1'000'000'000, 123'456'789}, {1'100'000'000, 987'654'321}};
    return ::chown(source.c_str(), 12345, 54321) == 0 && set_attribute(source, own, "value") &&
           set_attribute(source, "user.empty", "") &&
           set_attribute(source, capabilities, capability()) &&
           set_attribute(source, acl, access_list(6)) && ::chmod(source.c_str(), 06751) == 0 &&
           ::utimensat(AT_FDCWD, source.c_str(), times, 0) == 0;
}

constexpr const char* no_source = "another user's file with an access control list takes root "
                                  "and a file system that has them";

} // namespace

TEST_CASE("--preserve keeps mode, owner and times, and all keeps attributes and capabilities") {
    const Workspace here;
    for (const std::size_t size : {0U, 10U, 3'000'000U}) {
        const std::string source = here.file("source", size);
        if (!make_source(source)) {
            SKIP_CASE(no_source);
        }
        const struct stat before = status_of(source);
        for (const std::string option :
             {"--preserve", "--preserve=all", "--preserve=mode,ownership,timestamps,xattr"}) {
            for (const char* const verify : {"--verify", "--quiet"}) {
                CAPTURE(size);
                CAPTURE(option);
                const Outcome end = copy({option, verify, source, here / "target"});
                CAPTURE(end.errors);
                CHECK(end.status == 0);
                CHECK(end.errors.empty());
                const struct stat status = status_of(here / "target");
                CHECK(status.st_mode == before.st_mode);
                CHECK(status.st_uid == 12345);
                CHECK(status.st_gid == 54321);
                CHECK(has_times_of(here / "target", before));
                CHECK(attribute_of(here / "target", acl) == attribute_of(source, acl));
                const bool all = option != "--preserve";
                CHECK(attribute_of(here / "target", own).has_value() == all);
                CHECK(attribute_of(here / "target", "user.empty").has_value() == all);
                CHECK(attribute_of(here / "target", capabilities).has_value() == all);
                const timespec times[] = {before.st_atim, before.st_mtim};
                REQUIRE(::utimensat(AT_FDCWD, source.c_str(), times, 0) == 0); // it was read
            }
        }
    }
}

TEST_CASE("without --preserve, and with one word of it, nothing else is kept") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    if (!make_source(source)) {
        SKIP_CASE(no_source);
    }
    const auto kept = [&](const std::vector<std::string>& options) {
        std::vector<std::string> words = options;
        const struct stat before = status_of(source);
        words.insert(words.end(), {source, here / "target"});
        CHECK(copy(words).status == 0);
        const struct stat status = status_of(here / "target");
        std::string all;
        all += (status.st_mode & 06000U) == 06000 ? "set-id " : "";
        all += status.st_uid == 12345 ? "owner " : "";
        all += same(status.st_mtim, before.st_mtim) ? "times " : "";
        all += attribute_of(here / "target", own) ? "xattr " : "";
        all += attribute_of(here / "target", acl) ? "acl " : "";
        CHECK((status.st_mode & 0777U) == 0751);
        return all;
    };
    CHECK(kept({}).empty());
    CHECK(kept({"--preserve=mode"}) == "acl ");
    CHECK(kept({"--preserve=ownership"}) == "set-id owner ");
    CHECK(kept({"--preserve=timestamps"}) == "times ");
    CHECK(kept({"--preserve=xattr"}) == "xattr ");
}

TEST_CASE("--preserve=mode takes the list away that a directory gives to its files") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    if (!set_attribute(here.path(), default_acl, access_list(7))) {
        SKIP_CASE("no access control lists here");
    }
    CHECK(copy({source, here / "inherited"}).status == 0);
    CHECK(attribute_of(here / "inherited", acl).has_value());
    CHECK(copy({"--preserve=mode", source, here / "target"}).status == 0);
    CHECK_FALSE(attribute_of(here / "target", acl).has_value());
    CHECK((status_of(here / "target").st_mode & 07777U) == 0644);
}

TEST_CASE(
    "a write-protected source's attributes are kept, and its mode is the last but the times") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    if (!make_source(source) || ::chmod(source.c_str(), 0444) != 0) {
        SKIP_CASE(no_source);
    }
    std::vector<long> order;
    const Tool tool{{"copy", "--preserve=all", source, here / "target"}};
    const Outcome end = tool.trace([&](const Stop& stop) {
        for (const long number : std::initializer_list<long>{
                 call_fchown, SYS_fsetxattr, SYS_fchmod, call_utimensat, SYS_fsync, SYS_linkat}) {
            if (stop.number == number && (order.empty() || order.back() != number)) {
                order.push_back(number);
            }
        }
        return Then::go_on;
    });
    CHECK(end.status == 0);
    if (order.size() > 2 && order[2] == call_utimensat) {
        order.insert(order.begin() + 2, SYS_fchmod); // the list has set the mode already
    }
    // The directory is synced at the end.
    CHECK(order == std::vector<long>{call_fchown, SYS_fsetxattr, SYS_fchmod, call_utimensat,
                                     SYS_fsync, SYS_linkat, SYS_fsync});
    CHECK((status_of(here / "target").st_mode & 07777U) == 0444);
    CHECK(attribute_of(here / "target", own) == "value");
}

TEST_CASE("what could not be kept is said, in one line, and the copy stays") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    if (!make_source(source)) {
        SKIP_CASE(no_source);
    }
    struct Refusal {
        long call;
        int error;
        std::vector<std::string> parts;
    };
    const std::vector<Refusal> refusals{
        {call_fchown, EPERM, {"owner and group", "not permitted"}},
        {SYS_fsetxattr, EOPNOTSUPP, {own, capabilities, "access control list", "not supported"}},
        {SYS_fsetxattr, ENOSPC, {own, "No space left"}},
        {call_utimensat, EPERM, {"times", "not permitted"}},
        {SYS_flistxattr, EACCES, {"extended attributes", "Permission denied"}},
    };
    for (const Refusal& refusal : refusals) {
        CAPTURE(refusal.call);
        Tool tool{{"copy", "--preserve=all", source, here / "target"}};
        tool.before_exec = [&] { refuse_call(refusal.call, refusal.error); };
        const Outcome end = tool.run();
        CAPTURE(end.errors);
        CHECK(end.status == 0);
        CHECK(end.is_one_line_with({here / "target", "is copied, but"}));
        CHECK(end.is_one_line_with(refusal.parts));
        CHECK(content_of(here / "target") == content_of(source));
        // Without its owner it has no set-user-ID either.
        CHECK(((status_of(here / "target").st_mode & 06000U) == 0) ==
              (refusal.call == call_fchown));
        ::unlink((here / "target").c_str());
    }
    Tool tool{{"copy", "--preserve=all", source, here / "target"}};
    tool.before_exec = [] { refuse_call(SYS_fsetxattr, EIO); };
    CHECK(tool.run().status == 1);
    CHECK(here.names() == std::vector<std::string>{"source"});
}

TEST_CASE("--preserve=mode sets the mode in place as well") {
    const Workspace here;
    const std::string source = here.file("source", 10);
    REQUIRE(::chmod(source.c_str(), 0751) == 0);
    write_file(here / "target", "old");
    REQUIRE(::chmod((here / "target").c_str(), 0600) == 0);
    CHECK(copy({"--in-place", source, here / "target"}).status == 0);
    CHECK((status_of(here / "target").st_mode & 07777U) == 0600);
    CHECK(copy({"--in-place", "--preserve=mode", source, here / "target"}).status == 0);
    CHECK((status_of(here / "target").st_mode & 07777U) == 0751);
}
