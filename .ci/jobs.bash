# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The jobs of .ci/run: each function job_NAME is one. They run in the top of the tree, with `set -e`,
# their output in a log. $work is theirs to write to, $name is their own name.
# shellcheck disable=SC2034,SC2154 # what the driver reads, and what it sets

# What ./dev does not install by itself.
ci_packages=(git g++-12 gcc-multilib gcc-12-multilib g++-12-multilib meson ninja-build pkg-config libaio-dev
    ccache libcli11-dev libfmt-dev nlohmann-json3-dev doctest-dev clang-14 valgrind cmake python3)

# --- What the jobs share ------------------------------------------------------------------------

# For jobs that share nothing with others. Several sources in one go, and in place of debug
# information -g1, for what reports by file and line: with -g, optimisation and sanitizers take long
# to compile. What is in an anonymous namespace is seen by sources beside it then, of which compilers
# warn.
quickly=(--unity=on -Dunity_size=6 -Ddebug=false '-Dcpp_args=-g1 -Wno-subobject-linkage')
quickly_by_clang=("${quickly[@]::3}" '-Dcpp_args=-g1 -Wno-error=shadow')

# Each matrix job compiles all of it anew, so what takes time is left out: debug information,
# optimisation of the tests, and the programs, which dev-test and the sanitizers have.
configure() { # OPTION...
    meson setup --wrap-mode=nodownload "$AIOXX_BUILD_DIR/$name" . -Dtests=enabled -Dtools=enabled \
        -Dexamples=enabled -Dprograms=disabled -Ddoc=disabled -Dwerror=true "$@"
}

# The headers have a job of their own. $false_warnings: a regular expression.
compile_and_test() { # OPTION OF MESON TEST...
    local build=$AIOXX_BUILD_DIR/$name status=0
    ninja -C "$build" -j "$(nproc)" --quiet | tee "$work/$name.compiled"
    # Also where -Dwerror=false shares what another job has compiled, or will.
    ! grep -e 'warning:' -e '\[-W' "$work/$name.compiled" |
        grep -vE "${false_warnings:-^$}" || return 1
    meson test -C "$build" --no-rebuild --no-suite headers --no-suite glibc --no-suite mutants \
        --print-errorlogs \
        --timeout-multiplier 3 --num-processes $((3 * $(nproc))) "$@" || status=$?
    keep_logs "$build"
    # Said aloud, so that the driver can repeat it.
    grep -h '^SKIPPED:' "$build"/meson-logs/testlog*.txt || true
    rm -rf "${build:?}" # ten of them take much room
    return "$status"
}

# Sets $build to where the library and the examples are: dev-test has made them, or else now.
library() {
    build=$AIOXX_BUILD_DIR/test-raw
    if [ ! -f "$build/src/libaioxx.so" ]; then
        build=$work/library
        [ -f "$build/build.ninja" ] || meson setup "$build" . -Dtests=disabled -Dtools=disabled \
            -Ddoc=disabled
        ninja -C "$build" -j "$(nproc)"
    fi
}

# Sets $build to where the tests are: dev-test has made them, or else now.
tests() {
    build=$AIOXX_BUILD_DIR/test-raw
    if [ ! -f "$build/build.ninja" ]; then
        configure -Dlibaio=disabled
        build=$AIOXX_BUILD_DIR/$name
        ninja -C "$build" -j "$(nproc)" --quiet
    fi
}

# What a build's tests said, whole: for the table that the driver makes, and to look into a
# failure. A job that tests one build more than once gives each time a name.
keep_logs() { # BUILD [NAME]
    local logs=$work/$name.logs/${2:-$(basename "$1")}
    mkdir -p "$logs"
    cp -r "$1"/meson-logs/. "$logs"
    count_cases
}

count_cases() { .ci/count-cases "$work/$name.logs"/*/testlog*.txt >"$work/$name.cases"; }

# The code blocks of a Markdown file in one language, or with a number only that one of them. A
# block after a comment "<!-- not run: REASON -->" is left out.
code_blocks() { # LANGUAGE FILE [NUMBER]
    awk -v language="$1" -v only="${3:-0}" '
        /^```/ && inside { inside = 0; wanted = 0; next }
        /^```/ {
            inside = 1
            wanted = $0 == "```" language && previous !~ /^<!-- not run: .+ -->$/
            if (wanted) wanted = !only || ++number == only
        }
        inside && wanted && !/^```/ { print }
        { previous = $0 }
    ' "$2"
}

# --- The jobs, in the order of .ci/run ----------------------------------------------------------

# g++ on both backends: the command that the README names.
job_dev-test() {
    local status=0
    ./dev test || status=$?
    keep_logs "$AIOXX_BUILD_DIR/test-libaio"
    keep_logs "$AIOXX_BUILD_DIR/test-raw"
    return "$status"
}

job_examples() {
    local source
    for source in examples/*.cpp; do
        [ "$(wc -l <"$source")" -le 80 ]
    done
    for source in examples/programs/*.cpp; do
        [ "$(cat "${source%.cpp}".?pp | wc -l)" -le 250 ]
    done
    library
    meson test -C "$build" --suite examples --verbose
}

# The first C++ block of the README is a whole program.
job_readme-program() {
    library
    code_blocks cpp README.md 1 >"$work/read.cpp"
    g++ -std=c++20 -Wall -Wextra -Werror -I include -I "$build/include" "$work/read.cpp" \
        -o "$work/read" -L "$build/src" -laioxx
    head -c 5000 /dev/zero >"$work/read.input"
    [ "$(LD_LIBRARY_PATH=$build/src "$work/read" "$work/read.input")" = '4096 bytes' ]
    from_libaio
}

# Its blocks follow one another in one source: in C++ what is right, in C what is wrong. It has each
# name of libaio.h.
from_libaio() {
    local page=doc/from-libaio.md names
    code_blocks cpp "$page" >"$work/from-libaio.cpp"
    g++ -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I include -I "$build/include" \
        "$work/from-libaio.cpp"
    code_blocks c "$page" >"$work/from-libaio.c"
    gcc -Wall -Werror -fsyntax-only "$work/from-libaio.c"
    # Not the tags that only their typedefs name.
    names=$(grep -oE '\b(io_[a-z0-9_]+|IO_CMD_[A-Z]+)\b' /usr/include/libaio.h |
        grep -vxE 'io_context|io_iocb_cmd_t' | sort -u)
    ! grep -oE '\b(io_[a-z0-9_]+|IO_CMD_[A-Z]+)\b' "$page" | sort -u |
        comm -23 <(printf '%s\n' "$names") - | grep .
}

job_lint() { ./dev lint; }

# By g++ job dev-test does it.
job_headers() {
    ./dev install musl-dev
    test/headers/check clang++-14
    test/headers/check_musl
    test/refusals/check clang++-14
}

job_doc() {
    ./dev doc
    test/posix/check_sentences
}

job_clang-libaio() {
    CXX='ccache clang++-14' configure -Dlibaio=enabled "${quickly_by_clang[@]}"
    false_warnings='\[-Wshadow\]' compile_and_test
}

# The other backend, with the checks that the option of that name compiles in.
job_clang-checks() {
    CXX='ccache clang++-14' configure -Dlibaio=disabled -Dchecks=enabled "${quickly_by_clang[@]}"
    false_warnings='\[-Wshadow\]' compile_and_test
}

# Programs from elsewhere, unchanged, on the drop-in: on five file systems.
job_posix-programs() {
    ./dev install fio stress-ng xfsprogs btrfs-progs
    library
    test/posix/run_on_file_systems "$build/src/posix/libaioxx-posix.so.0"
}

# Likewise what MPI makes by <aio.h>.
job_mpi-programs() {
    ./dev install openmpi-bin libopenmpi-dev mpich libmpich-dev
    library
    test/posix/run_mpi "$build/src/posix/libaioxx-posix.so.0"
}

# The sanitizers take one backend each: what differs between the two is one small file.
job_asan-ubsan() {
    configure -Dlibaio=enabled -Db_sanitize=address,undefined -Doptimization=1 -Dprograms=enabled \
        "${quickly[@]}"
    AIOXX_KILLS=10 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 compile_and_test
}

# Children of programs with threads make threads as well, and that is meant. And a first worker that
# has ended for idleness is joined when another is wanted: at a program's end it may not have been.
job_tsan() {
    configure -Dlibaio=disabled -Db_sanitize=thread -Doptimization=1 -Dprograms=enabled \
        "${quickly[@]}"
    AIOXX_KILLS=10 TSAN_OPTIONS=halt_on_error=1:die_after_fork=0:report_thread_leaks=0 \
        compile_and_test
}

# Where io_setup is refused, by each of the errors that refuse it: workers alone do the same.
job_no-kernel-aio() {
    local build status=0 error
    tests
    export AIOXX_NO_KERNEL_AIO=1
    for error in ENOSYS EPERM EAGAIN; do
        .ci/refuse io_setup "$error" meson test -C "$build" --no-rebuild --print-errorlogs \
            --suite queue --suite task --suite posix --suite tool --no-suite parts --no-suite glibc \
            --timeout-multiplier 3 --num-processes $((3 * $(nproc))) || status=$?
        keep_logs "$build" "$error"
    done
    grep -h '^SKIPPED:' "$work/$name.logs"/*/testlog.txt || true
    return "$status"
}

# The numbers of the profile's calls are known for that alone.
is_x86_64() {
    [ "$(uname -m)" = x86_64 ] || {
        echo "SKIPPED: the filter of .ci/container is for x86-64"
        return 1
    }
}

# As in a container of the engines' defaults. Root there may not mount and become what it likes, so
# that some cases are skipped.
in_container() { # NAME [--no-kernel-aio] OPTION OF MESON TEST...
    local said=$1 refused=()
    shift
    if [ "$1" = --no-kernel-aio ]; then
        refused=("$1" env AIOXX_NO_KERNEL_AIO=1)
        shift
    fi
    .ci/container "$build" "${refused[@]}" env -u AIOXX_NO_SKIP meson test -C "$build" --no-rebuild \
        --print-errorlogs --no-suite headers --no-suite glibc --no-suite mutants --timeout-multiplier 3 \
        --num-processes $((3 * $(nproc))) "$@" || status=$?
    keep_logs "$build" "$said"
}

# What doc/containers.md says that aioxx probe says there.
container_says() { # [--no-kernel-aio] LINE...
    local option=() line
    [ "$1" != --no-kernel-aio ] || option=("$1")
    .ci/container "$build" "${option[@]}" src/tool/aioxx probe . >"$work/$name.probe"
    for line in "${@:${#option[@]} + 1}"; do
        grep -qxF "$line" "$work/$name.probe" || {
            echo "aioxx probe does not say: $line" >&2
            return 1
        }
    done
}

job_container() {
    local build status=0
    is_x86_64 || return 0
    tests
    ! .ci/container "$build" touch "$PWD/README.md" 2>&1 || return 1 # the root is read-only
    container_says 'io_uring         not available: a seccomp filter refuses it (EPERM)' \
        'kernel AIO       available'
    container_says --no-kernel-aio \
        'kernel AIO       not available: queues and the drop-in work by threads' \
        '                 io_setup: Operation not permitted'
    in_container examples --suite examples
    in_container tests core kernel file task 'posix plain names' 'posix 64 names' 'posix parts' \
        'posix chaos' tool/posix tool/probe_errors
    in_container no-kernel-aio --no-kernel-aio batch_of_blocks cancel_on_interrupt copy_file \
        count_lines hedged_read many_files queue_in_epoll queue_per_thread write_ahead_log task \
        'posix plain names' 'posix 64 names' tool/posix
    grep -h '^SKIPPED:' "$work/$name.logs"/*/testlog.txt || true
    return "$status"
}

# All of the tests there.
job_container-all() {
    local build status=0
    is_x86_64 || return 0
    tests
    in_container all --no-suite parts
    in_container no-kernel-aio --no-kernel-aio --suite queue --suite task --suite posix --suite tool \
        --no-suite parts
    grep -h '^SKIPPED:' "$work/$name.logs"/*/testlog.txt || true
    return "$status"
}

# It knows the calls, but no polls, without which the engine cannot be woken: what stands on the
# engine runs under the sanitizers, and not here.
job_valgrind() {
    configure -Dlibaio=enabled -Dvalgrind=true -Doptimization=1 -Dtools=disabled -Dposix=disabled \
        -Dexamples=disabled "${quickly[@]}"
    AIOXX_VALGRIND=1 compile_and_test --no-suite engine --no-suite queue --no-suite model \
        --no-suite tool --no-suite symbols --no-suite examples --no-suite devices --no-suite posix --wrap \
        'valgrind --quiet --error-exitcode=1 --leak-check=full --fair-sched=yes' 2>&1 |
        sed '/Warning: unhandled io_getevents opcode: 5$/d'
}

# Raw: there is one libaio for each architecture, and this machine has its own.
job_32-bit() {
    CC='gcc-12 -m32' CXX='g++-12 -m32' configure -Dlibaio=disabled "${quickly[@]}"
    compile_and_test
}

# As distributions build: with link-time optimisation, glibc's checks and libstdc++'s; and by the
# next standard. The tests are not optimised, of which glibc warns (-Wcpp). Without sanitizers, and
# therefore with the long runs.
job_hardened() {
    local arguments="-std=c++23 -g1 -Wno-subobject-linkage -Wno-cpp" # no name that Meson 1.0 knows
    arguments+=" -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS"
    configure -Dlibaio=enabled -Db_lto=true -Doptimization=2 -Dcpp_std=none --unity=on \
        -Dunity_size=6 -Ddebug=false "-Dcpp_args=$arguments"
    # gcc names what a coroutine's frame holds by numbers, which differ from source to source.
    false_warnings='\.Frame.* violates the C\+\+ One Definition Rule' \
        AIOXX_RACES=1000000 AIOXX_CHAOS_SECONDS=60 AIOXX_SEEDS=4 compile_and_test
}

# All kernels, and doc/kernels.md anew.
job_matrix() {
    local status=0 results
    AIOXX_BUILD_DIR=$work/$name.build ./dev matrix || status=$?
    for results in "$work/$name.build/matrix/results"/*/; do
        keep_guest_logs "$results"
    done
    return "$status"
}

job_consumers() { test/consumer/run; }

# The release in short: what it refuses, that its tarball builds without a network, and that Debian's
# packages list what is exported.
job_release() {
    ./dev install python3 doctest-dev dpkg-dev xz-utils
    library
    AIOXX_LIBRARY_BUILD=$build test/packaging/run
}

# The release as it is made, and Debian's packages.
job_packages() {
    TMPDIR=$work test/packaging/run tested-release
    AIOXX_BUILD_DIR=$work/$name.build ./dev package
}

# That it runs; not what it measures.
job_bench() { ./dev bench --short; }

# What the README says one needs: a minimal system of that suite with git and sudo, and one command.
# An ordinary user gives it, and sudo installs what it takes (demo: one who wants no more than that);
# root has what the tests need in a chroot as well (root-quick: with one backend, and no demo); root as
# in a container may not mount, and says so. guest: what root-quick has built, on an old kernel.
in_fresh_system() { # SUITE WHO...
    local system=$work/$name.system tree=/home/user/libaioxx status=0
    local suite=$1 who owner confined become commands logs
    shift
    ./dev install debootstrap debian-archive-keyring python3
    .ci/chroot make "$suite" "$system"
    mkdir "$system$tree"
    git -c safe.directory="$PWD" archive HEAD | tar -x -C "$system$tree"
    export AIOXX_MESON_OPTIONS='-Ddebug=false -Doptimization=0 -Dwerror=true'
    AIOXX_MESON_OPTIONS+=' -Dprograms=disabled --unity=on -Dunity_size=6 -Dcpp_args=-Wno-subobject-linkage'
    for who in "$@"; do
        echo "--- $suite, $who"
        owner=root confined=() become=() commands='./dev test; ./dev demo'
        if [ "$who" = guest ]; then
            in_guest "$system" "$tree" build-dev/test-libaio || status=1
            continue
        fi
        case $who in
        user | demo)
            owner=user
            [ "$who" = user ] || commands='./dev demo'
            become=(setpriv --reuid=user --regid=user --init-groups env HOME=/home/user)
            ;;
        root-quick) commands='./dev test libaio' ;;
        container) confined=(--container) ;;
        esac
        chroot "$system" chown -R "$owner:$owner" "$tree"
        .ci/chroot run "$system" "${confined[@]}" "${become[@]}" \
            bash -euc "cd $tree; $commands" || status=1
        for logs in "$system$tree"/build-dev/test-*/; do
            [ ! -d "$logs" ] || keep_logs "$logs" "$who-$(basename "$logs")"
        done
    done
    grep -h '^SKIPPED:' "$work/$name.logs"/*/testlog.txt || true
    # Root has all but valgrind and the compiler for the other number of bits, which nothing here
    # installs, debug information, for which there is no time, and a machine of its own.
    if grep -sh '^SKIPPED:' "$work/$name.logs"/root-*/testlog.txt |
        grep -v -e 'the other number of bits' -e 'needs valgrind' -e 'no debug information' \
            -e 'a machine of its own'; then
        echo "root skipped that in a chroot" >&2
        status=1
    fi
    rm -rf --one-file-system "$system"
    return "$status"
}

# On Linux 5.10: the thin layer, the queue and the drop-in. All programs: job matrix.
in_guest() { # SYSTEM SOURCE BUILD
    local status=0 results=$work/$name.guest/results/5.10
    # One after the other, as set -e does not hold where the caller asks for the status.
    ./dev install qemu-system-x86 seabios busybox-static cpio kmod xz-utils e2fsprogs &&
        .ci/chroot run "$1" "$2/dev" install kmod &&
        MATRIX_TESTS='^(core|queue|posix)$' MATRIX_MINUTES=15 \
            test/matrix/run --built "$1" "$2" "$3" "$work/$name.guest" 5.10 || status=1
    keep_guest_logs "$results"
    [ ! -f "$results/unavailable" ] || return 0
    [ "$status" -eq 0 ] && [ "$(grep -c ' well$' "$results/judged")" -eq 3 ]
}

# What the test programs have said on one kernel.
keep_guest_logs() { # RESULTS
    local logs
    logs=$work/$name.logs/$(basename "$1")
    if [ -f "$1/unavailable" ]; then
        echo "SKIPPED: no mirror has Linux $(basename "$1")"
        return
    fi
    mkdir -p "$logs"
    cp -r "$1/." "$logs"
    if [ -f "$1/programs/ended" ]; then
        cat "$1"/programs/*.* >"$logs/testlog.txt"
        count_cases
    fi
}

job_debian-12() { in_fresh_system bookworm user root container; }

job_debian-13() { in_fresh_system trixie demo root-quick guest; }

job_debian-13-all() { in_fresh_system trixie user root container; }

# All the commands of the README, then those of the pages that it leads to, one after the other, as a
# user would type them after cloning this and saving its program as read.cpp.
job_readme-commands() {
    local clone=$work/clone status=0 page
    # At the same depth as the jobs' builds, and with their cache: ccache looks at relative paths.
    mkdir -p "$clone/build-ci/dev/build" "$CCACHE_DIR"
    ln -s build-ci/dev "$clone/build-dev"
    ln -s build-ci/dev/build "$clone/build"
    ln -s "$CCACHE_DIR" "$clone/build-dev/ccache"
    git -c safe.directory="$PWD" archive HEAD | tar -x -C "$clone"
    code_blocks cpp README.md 1 >"$clone/read.cpp"
    for page in README.md doc/install.md doc/command.md doc/posix.md; do
        code_blocks sh "$page" >>"$work/commands"
    done
    [ "$(grep -cE '^(./dev demo|meson|./read|aioxx (copy|probe|posix)|./posix-aio)' "$work/commands")" = 8 ]
    ./dev install fio # what it moves onto kernel AIO
    if ! command -v sudo >/dev/null; then # for root it changes nothing
        mkdir "$work/bin"
        printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"
        chmod +x "$work/bin/sudo"
        export PATH=$PATH:$work/bin
    fi
    (cd "$clone" && unset AIOXX_BUILD_DIR && bash -eux "$work/commands") || status=$?
    if [ -f "$clone/build/build.ninja" ]; then
        ninja -C "$clone/build" uninstall
        ldconfig
    fi
    return "$status"
}
