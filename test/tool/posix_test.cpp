// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"
#include "files.hpp"
#include "privileges.hpp"
#include "skip.hpp"

#include <csignal>

#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

using namespace aioxx::test;

namespace {

using Words = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// What follows `start` on the line that begins with it.
std::string line_after(const std::string& text, const std::string& start) {
    const std::size_t at = ('\n' + text).find('\n' + start);
    if (at == std::string::npos) {
        return {};
    }
    const std::size_t begin = at + start.size();
    return text.substr(begin, text.find('\n', begin) - begin);
}

std::string normal(const std::string& path) {
    return std::filesystem::path{path}.lexically_normal();
}

/// The library that the program has it from.
std::string place_of_aio_read(const Outcome& end) {
    return normal(line_after(end.out, "aio_read is in "));
}

/// `aioxx posix WORDS...`, with `variables`, each "NAME=VALUE", in the environment.
Outcome posix(Words words, const Words& variables = {}, bool with_input = true) {
    words.insert(words.begin(), "posix");
    Tool tool;
    tool.arguments = std::move(words);
    tool.before_exec = [&variables, with_input] {
        if (!with_input) {
            ::close(STDIN_FILENO);
        }
        // The drop-in stands in front of a sanitizer's runtime: that wants to be first.
        const char* const options = std::getenv("ASAN_OPTIONS");
        const std::string more = options != nullptr ? std::string{options} + ':' : std::string{};
        ::setenv("ASAN_OPTIONS", (more + "verify_asan_link_order=0").c_str(), 1);
        for (const std::string& variable : variables) {
            const std::size_t sign = variable.find('=');
            ::setenv(variable.substr(0, sign).c_str(), variable.substr(sign + 1).c_str(), 1);
        }
    };
    return tool.run();
}

} // namespace

#ifdef POSIX_LIBRARY

namespace {

void copy_program(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to);
}

/// That the bare program in `path` runs after a warning of one line.
void check_warned(const std::string& path, const std::string& why) {
    const Outcome end = posix({path});
    CAPTURE(end.errors);
    CHECK(end.status == 3);
    CHECK(end.out == "it ran\n");
    CHECK(end.errors.rfind("aioxx: " + path + ": runs without the drop-in: ", 0) == 0);
    CHECK(end.is_one_line_with({why}));
}

/// `posix POSIX_PROGRAM` with a copy of the command that is called `name`.
Outcome run_moved(const Workspace& here, const std::string& name) {
    copy_program(Tool::built(), here / name);
    copy_program(LIBAIOXX, here / "libaioxx.so.0"); // the command needs it
    Tool moved;
    moved.program = here / name;
    moved.arguments = {"posix", POSIX_PROGRAM};
    moved.before_exec = [&here] {
        ::setenv("LD_LIBRARY_PATH", here.path().c_str(), 1);
        ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    };
    return moved.run();
}

} // namespace

TEST_CASE("the program's <aio.h> is the drop-in's, and it ends with its own status") {
    const Outcome end = posix({POSIX_PROGRAM});
    CAPTURE(end.out);
    CHECK(end.status == 3);
    CHECK(end.errors.empty());
    CHECK(place_of_aio_read(end) == POSIX_LIBRARY);
    CHECK(contains(end.out, POSIX_LIBRARY "\n"));
    CHECK(contains(end.out, "AIOXX_POSIX_STATS=(none)\n"));
}

TEST_CASE("what is in LD_PRELOAD is a path for glibc's dynamic linker alone") {
    const Outcome end = posix({POSIX_PROGRAM});
    CHECK(place_of_aio_read(end) == POSIX_LIBRARY);
    const std::string path = line_after(end.out, "LD_PRELOAD=");
    CAPTURE(path);
    CHECK(!path.empty());
    CHECK(!std::filesystem::exists(path));
}

TEST_CASE("alone the program has it from the C library") {
    Tool alone;
    alone.program = POSIX_PROGRAM;
    CHECK(contains(alone.run().out, "aio_read is in "));
    CHECK(!contains(alone.run().out, "libaioxx"));
}

TEST_CASE("--stats tells on one line what the program asked for") {
    const Outcome end = posix({"--stats", POSIX_PROGRAM});
    CHECK(end.status == 3);
    CAPTURE(end.errors);
    CHECK(end.errors.rfind("aioxx posix: 1 requests: ", 0) == 0);
    for (const char* const count : {" done at once", " direct", " offloaded", " polled",
                                    " cancelled", " at most; kernel AIO "}) {
        CHECK(contains(end.errors, count));
    }
    CHECK(std::count(end.errors.begin(), end.errors.end(), '\n') == 1);
}

TEST_CASE("--stats counts what processes have made that end in any way, and adds them up") {
    const Outcome end = posix({"--stats", POSIX_PROGRAM, "ends", "all"});
    CAPTURE(end.errors);
    CHECK(end.status == 4);
    CHECK(end.errors.rfind("aioxx posix: 6 requests: ", 0) == 0); // "other" makes two
    CHECK(contains(end.errors, "; 6 processes\n"));
    CHECK(contains(end.errors, "; kernel AIO "));
    CHECK(std::count(end.errors.begin(), end.errors.end(), '\n') == 1);
}

TEST_CASE("with --stats the command ends by the program's signal, after the line") {
    const Outcome end = posix({"--stats", POSIX_PROGRAM, "ends", "by-signal"});
    CHECK(end.signal == SIGKILL);
    CHECK(end.errors.rfind("aioxx posix: 1 requests: ", 0) == 0);
}

TEST_CASE("a descriptor that the caller has closed is closed in the program") {
    for (const bool stats : {false, true}) {
        Words words{"sh", "-c", "test ! -e /proc/$$/fd/0"};
        words.insert(words.begin(), stats ? "--stats" : "--");
        CHECK(posix(words, {}, false).status == 0);
        CHECK(posix(words).status == 1);
    }
}

TEST_CASE("with --stats a signal for the command goes to the program") {
    const Outcome end = posix({"--stats", "sh", "-c", "kill -TERM $PPID; exec sleep 100"});
    CHECK(end.signal == SIGTERM);
}

TEST_CASE("with --stats a program that is not there is one line and status 127") {
    const Outcome end = posix({"--stats", "no-such-program-in-PATH"});
    CHECK(end.status == 127);
    CHECK(end.is_one_line_with({"no-such-program-in-PATH", "cannot be run"}));
}

TEST_CASE("AIOXX_POSIX_STATS=1 has a process print its own counts at exit") {
    const Outcome end = posix({POSIX_PROGRAM}, {"AIOXX_POSIX_STATS=1"});
    CHECK(end.status == 3);
    CHECK(end.errors.rfind("aioxx posix: 1 requests: ", 0) == 0);
}

TEST_CASE("it writes nothing into a file that has become the program's descriptor 2") {
    const Workspace here;
    const std::string file = here.file("file", 0);
    const Outcome end =
        posix({POSIX_PROGRAM}, {"AIOXX_POSIX_STATS=1", "IN_PLACE_OF_STANDARD_ERROR=" + file});
    CHECK(end.status == 3);
    CHECK(contains(end.out, "AIOXX_POSIX_STATS=1\n"));
    CHECK(content_of(file).empty());
    CHECK(end.errors.empty());
}

TEST_CASE("the program's arguments are passed on untouched, options included") {
    const Words given{"--stats", "", "two words", "--", "[a,b]", "++", "-x", "--help", "copy"};
    std::string wanted;
    for (const std::string& word : given) {
        wanted += "argument <" + word + ">\n";
    }
    for (Words before : {Words{}, Words{"--"}}) {
        before.emplace_back(POSIX_PROGRAM);
        before.insert(before.end(), given.begin(), given.end());
        const Outcome end = posix(before);
        CAPTURE(end.out);
        CHECK(end.status == 3);
        CHECK(contains(end.out, wanted));
        CHECK(contains(end.out, "AIOXX_POSIX_STATS=(none)\n"));
    }
}

TEST_CASE("the environment is kept, and what is in LD_PRELOAD stays in front of the drop-in") {
    const Outcome end =
        posix({POSIX_PROGRAM}, {"LD_PRELOAD=" POSIX_PROFILER, "OF_THE_CALLER=its own"});
    CAPTURE(end.out);
    CHECK(end.status == 3);
    CHECK(contains(end.out, "LD_PRELOAD=" POSIX_PROFILER ":"));
    CHECK(contains(end.out, "the profiler has seen 1 calls\n"));
    CHECK(normal(line_after(end.out, "the next aio_read is in ")) == POSIX_LIBRARY);
    CHECK(contains(end.out, "OF_THE_CALLER=its own\n"));
}

TEST_CASE("a program is looked for in PATH, whatever its name") {
    const Workspace here;
    copy_program(POSIX_BARE_PROGRAM, here / "copy"); // the name of a subcommand, too
    const Outcome end = posix({"copy"}, {"PATH=" + here.path()});
    CHECK(end.status == 3);
    CHECK(end.out == "it ran, preloaded\n");
    CHECK(end.errors.empty());
}

TEST_CASE("a program that is not there is status 127, one that cannot be run 126") {
    const Workspace here;
    const std::string plain = here.file("plain", 100);
    const std::string missing = here / "missing";
    const std::vector<std::pair<std::string, int>> cases{
        {missing, 127}, {"no-such-program-in-PATH", 127}, {plain, 126}, {here.path(), 126}};
    for (const auto& each : cases) {
        CAPTURE(each.first);
        const Outcome end = posix({each.first});
        CHECK(end.status == each.second);
        CHECK(end.is_one_line_with({each.first, "cannot be run"}));
    }
}

TEST_CASE("a library that is not there is told, and nothing is run") {
    const Workspace here;
    const std::string missing = here / "missing.so";
    const Outcome end = posix({POSIX_PROGRAM}, {"AIOXX_POSIX_LIBRARY=" + missing});
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({missing}));
    CHECK(end.out.empty());

    const Outcome alone = run_moved(here, "aioxx"); // without a library beside it
    CHECK(alone.status == 1);
    CHECK(alone.is_one_line_with({"libaioxx-posix.so.0: the drop-in is not there"}));
}

TEST_CASE("AIOXX_POSIX_LIBRARY names another library") {
    const Workspace here;
    const std::string library = here / "libaioxx-posix.so.0";
    copy_program(POSIX_LIBRARY, library);
    const Outcome end = posix({POSIX_PROGRAM}, {"AIOXX_POSIX_LIBRARY=" + library});
    CHECK(end.status == 3);
    CHECK(place_of_aio_read(end) == library);
}

TEST_CASE("a library whose path LD_PRELOAD cannot hold is refused") {
    const Workspace here;
    const std::string library = here / "a b.so";
    copy_program(POSIX_LIBRARY, library);
    const Outcome end = posix({POSIX_PROGRAM}, {"AIOXX_POSIX_LIBRARY=" + library});
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({library, "LD_PRELOAD"}));
}

TEST_CASE("a moved installation finds its own library") {
    const Workspace here;
    const std::string libraries =
        std::filesystem::path{here / "bin"} /
        std::filesystem::path{POSIX_LIBDIR}.lexically_relative(POSIX_BINDIR);
    std::filesystem::create_directories(here / "bin");
    std::filesystem::create_directories(libraries);
    const std::string library =
        std::filesystem::path{libraries + "/libaioxx-posix.so.0"}.lexically_normal();
    copy_program(POSIX_LIBRARY, library);
    const Outcome end = run_moved(here, "bin/aioxx");
    CAPTURE(end.errors);
    CHECK(end.status == 3);
    CHECK(place_of_aio_read(end) == library);
}

TEST_CASE(
    "a program of another C library runs, and nothing is preloaded: what runs a script, too") {
    const Workspace here;
    Dl_info linker{}; // any symbol of it tells where it is
    REQUIRE(::dladdr(::dlsym(RTLD_DEFAULT, "_r_debug"), &linker) != 0);
    std::filesystem::create_symlink(std::filesystem::canonical(linker.dli_fname),
                                    here / "ld-musl-test.so.1");
    write_file(here / "script", "#!" POSIX_FOREIGN_PROGRAM "\n");
    std::filesystem::permissions(here / "script", std::filesystem::perms::owner_all);
    for (const std::string& path : {std::string{POSIX_FOREIGN_PROGRAM}, here / "script"}) {
        Tool tool;
        tool.arguments = {"posix", path};
        tool.before_exec = [&here] { static_cast<void>(!::chdir(here.path().c_str())); };
        const Outcome end = tool.run();
        CAPTURE(end.errors);
        CHECK(end.status == 3);
        CHECK(end.out == "it ran\n");
        CHECK(end.is_one_line_with({path, "runs without the drop-in", "ld-musl-test.so.1"}));
    }
}

TEST_CASE("a statically linked program runs, with a warning") {
#ifdef POSIX_STATIC_PROGRAM
    check_warned(POSIX_STATIC_PROGRAM, "statically linked");
#else
    SKIP_CASE("no static C library");
#endif
}

TEST_CASE("a script counts as what runs it") {
#ifdef POSIX_STATIC_PROGRAM
    const Workspace here;
    write_file(here / "script", "#!" POSIX_STATIC_PROGRAM " with an argument\n");
    std::filesystem::permissions(here / "script", std::filesystem::perms::owner_all);
    check_warned(here / "script", "statically linked");
#else
    SKIP_CASE("no static C library");
#endif
}

TEST_CASE("a program of the other number of bits runs, with a warning") {
#ifdef POSIX_OTHER_BITS_PROGRAM
    check_warned(POSIX_OTHER_BITS_PROGRAM, "-bit program");
#else
    SKIP_CASE("the compiler makes no programs of the other number of bits");
#endif
}

TEST_CASE("a program that is setuid or setgid to another runs, with a warning") {
    const Workspace here;
    struct statvfs mounted {};
    REQUIRE(::statvfs(here.path().c_str(), &mounted) == 0);
    if (!has_capability(CAP_CHOWN) || (mounted.f_flag & ST_NOSUID) != 0) {
        SKIP_CASE("needs root that may chown, and a file system that is not nosuid");
    }
    constexpr unsigned nobody = 65534;
    for (const mode_t mode : {S_ISUID | 0755U, S_ISGID | 0755U}) {
        const std::string path = here / std::to_string(mode);
        copy_program(POSIX_BARE_PROGRAM, path);
        REQUIRE(::chown(path.c_str(), nobody, nobody) == 0);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        check_warned(path, "LD_PRELOAD is ignored");
    }
}

TEST_CASE("a program that is setuid to its caller is reached, and none is warned of") {
    const Workspace here;
    const std::string path = here / "own";
    copy_program(POSIX_PROGRAM, path);
    REQUIRE(::chmod(path.c_str(), S_ISUID | 0755U) == 0);
    const Outcome end = posix({path});
    CHECK(end.errors.empty());
    CHECK(place_of_aio_read(end) == POSIX_LIBRARY);
}

#else

TEST_CASE("built without the drop-in, the command says so, and runs nothing") {
    const Outcome end = posix({POSIX_BARE_PROGRAM});
    CHECK(end.status == 1);
    CHECK(end.is_one_line_with({"-Dposix=disabled"}));
    CHECK(end.out.empty());
}

#endif

TEST_CASE("wrong usage of posix is one line and status 2") {
    for (const Words& words : {Words{}, Words{"--stats"}, Words{"--"}, Words{"--fast", "true"}}) {
        const Outcome end = posix(words);
        CAPTURE(end.errors);
        CHECK(end.status == 2);
        CHECK(end.is_one_line_with({"--help"}));
        CHECK(end.out.empty());
    }
    const Outcome help = posix({"--help"});
    CHECK(help.status == 0);
    CHECK(contains(help.out, "PROGRAM [ARGUMENT...]"));
}
