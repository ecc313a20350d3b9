// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "devices/host_change.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

// Reads requests of four lines (verb, number, make, unmake), answers each with two (status,
// output). It ends when no process can write requests any more, or when the program is on its way
// out or has been killed: with I/O held back by a device, it does not get as far as closing files
// before that goes on.
constexpr const char* guardian_script = R"(
trap '' INT TERM HUP QUIT PIPE
cd /
program=$1
unmake=()

is_exiting() {
    local stat fields
    { read -r stat < "/proc/$program/stat"; } 2>/dev/null || return 0
    read -ra fields <<< "${stat##*) }"
    # PF_EXITING, or SIGKILL pending
    (((fields[6] & 4) != 0)) || grep -qE 'Pnd:.*[13579bdf]..$' "/proc/$program/status"
}

verb=
while :; do
    IFS= read -r -t 1 part
    status=$?
    verb+=$part # time may run out in the midst of it
    if ((status > 128)); then
        is_exiting && break
        continue
    fi
    ((status == 0)) && IFS= read -r number && IFS= read -r first && IFS= read -r second || break
    case $verb in
    make)
        output=$(eval "$first" 2>&1 < /dev/null)
        status=$?
        ((status == 0)) && unmake[number]="made=${output@Q}; $second"
        ;;
    unmake)
        output=$(eval "${unmake[number]}" 2>&1 < /dev/null)
        status=$?
        unset "unmake[number]"
        ;;
    *)
        output="not understood: $verb"
        status=1
        ;;
    esac
    verb=
    printf '%s\n%s\n' "$status" "${output//$'\n'/ }" 2>/dev/null
done

numbers=("${!unmake[@]}")
for ((i = ${#numbers[@]} - 1; i >= 0; i--)); do
    (eval "${unmake[numbers[i]]}" < /dev/null)
done
)";

[[noreturn]] void fail(const char* call) {
    throw std::system_error(errno, std::generic_category(), call);
}

/// The process that unmakes. One serves the whole program, from the first change on.
class Guardian {
public:
    struct Answer {
        bool good = false;
        std::string output;
    };

    static Guardian& instance() {
        static Guardian guardian;
        return guardian;
    }

    unsigned next_number() { return ++last_number_; }

    Answer ask(const std::string& verb, unsigned number, const std::string& make = {},
               const std::string& unmake = {}) {
        const std::lock_guard lock{mutex_};
        const std::string request =
            verb + '\n' + std::to_string(number) + '\n' + make + '\n' + unmake + '\n';
        if (::write(requests_, request.data(), request.size()) !=
            static_cast<ssize_t>(request.size())) {
            fail("write to the guardian");
        }
        Answer answer;
        answer.good = read_line() == "0";
        answer.output = read_line();
        return answer;
    }

    ~Guardian() {
        ::close(requests_);
        ::fclose(answers_);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    Guardian() {
        int requests[2];
        int answers[2];
        if (::pipe2(requests, O_CLOEXEC) != 0 || ::pipe2(answers, O_CLOEXEC) != 0) {
            fail("pipe2");
        }
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, requests[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
        // It must not keep alive what the program has open.
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
        const std::string program = std::to_string(::getpid());
        const char* const arguments[] = {"bash",     "--norc",        "-c",   guardian_script,
                                         "guardian", program.c_str(), nullptr};
        errno = ::posix_spawnp(&pid_, "bash", &actions, &attributes,
                               const_cast<char* const*>(arguments), environ);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        ::close(requests[0]);
        ::close(answers[1]);
        requests_ = requests[1];
        answers_ = ::fdopen(answers[0], "r");
        if (errno != 0 || answers_ == nullptr) {
            fail("starting the guardian");
        }
    }

    std::string read_line() {
        std::string line;
        for (int c = std::getc(answers_); c != '\n'; c = std::getc(answers_)) {
            if (c == EOF) {
                throw std::runtime_error("the guardian is gone");
            }
            line += static_cast<char>(c);
        }
        return line;
    }

    std::mutex mutex_;
    unsigned last_number_ = 0;
    pid_t pid_ = -1;
    int requests_ = -1;
    std::FILE* answers_ = nullptr;
};

unsigned failure_count = 0;

} // namespace

HostChange::HostChange(const std::string& make, const std::string& unmake)
    : number_(Guardian::instance().next_number()), owner_(::getpid()) {
    const Guardian::Answer answer = Guardian::instance().ask("make", number_, make, unmake);
    if (!answer.good) {
        throw Missing(answer.output.empty() ? "cannot: " + make : answer.output);
    }
    output_ = answer.output;
}

HostChange::~HostChange() {
    if (number_ == 0 || owner_ != ::getpid()) {
        return;
    }
    const Guardian::Answer answer = Guardian::instance().ask("unmake", number_);
    if (!answer.good) {
        ++failure_count;
        std::fprintf(stderr, "cannot undo what gave '%s': %s\n", output_.c_str(),
                     answer.output.c_str());
    }
}

unsigned HostChange::failures() noexcept {
    return failure_count;
}

} // namespace aioxx::test
