// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "command.hpp"

#include "privileges.hpp"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace aioxx::test {
namespace {

std::string content_of(int fd) {
    std::string all;
    std::array<char, 4096> part{};
    ssize_t length = 0;
    while ((length = ::pread(fd, part.data(), part.size(), static_cast<off_t>(all.size()))) > 0) {
        all.append(part.data(), static_cast<std::size_t>(length));
    }
    return all;
}

struct Outputs {
    Descriptor out{::memfd_create("out", MFD_CLOEXEC)};
    Descriptor errors{::memfd_create("errors", MFD_CLOEXEC)};
};

Outcome outcome_of(int raw, const Outputs& outputs) {
    Outcome outcome;
    outcome.status = WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
    outcome.signal = WIFSIGNALED(raw) ? WTERMSIG(raw) : 0;
    outcome.out = content_of(outputs.out);
    outcome.errors = content_of(outputs.errors);
    return outcome;
}

int wait_for(pid_t child) {
    int raw = 0;
    while (::waitpid(child, &raw, 0) < 0) {
        if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "waitpid");
        }
    }
    return raw;
}

bool is_stop_at_call(int raw) {
    return WIFSTOPPED(raw) && WSTOPSIG(raw) == (SIGTRAP | 0x80);
}

} // namespace

bool Outcome::is_one_line_with(const std::vector<std::string>& parts) const {
    return !errors.empty() && std::count(errors.begin(), errors.end(), '\n') == 1 &&
           errors.back() == '\n' && errors.rfind("aioxx: ", 0) == 0 &&
           std::all_of(parts.begin(), parts.end(), [this](const std::string& part) {
               return errors.find(part) != std::string::npos;
           });
}

const char* Tool::built() {
    return AIOXX_TOOL;
}

pid_t Tool::spawn(int out, int errors, bool traced) const {
    std::vector<std::string> words{program.empty() ? built() : program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);

    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (child != 0) {
        return child;
    }
    for (int number = 1; number < NSIG; ++number) {
        ::signal(number, SIG_DFL); // nohup, for one, has one ignored
    }
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::alarm(120); // a command that hangs ends by SIGALRM
    ::dup2(out, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    if (traced) {
        ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); // it traces, too, and only one can
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    }
    before_exec();
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
}

Outcome Tool::run() const {
    const Outputs outputs;
    const int errors = error_descriptor < 0 ? static_cast<int>(outputs.errors) : error_descriptor;
    return outcome_of(wait_for(spawn(outputs.out, errors, false)), outputs);
}

Outcome Tool::trace(const std::function<Then(const Stop&)>& visit) const {
    const Outputs outputs;
    const pid_t child = spawn(outputs.out, outputs.errors, true);
    int raw = wait_for(child); // stopped by exec
    if (!WIFSTOPPED(raw)) {
        return outcome_of(raw, outputs);
    }
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    Stop stop;
    stop.pid = child;
    while (WIFSTOPPED(raw)) {
        long signal = is_stop_at_call(raw) || WSTOPSIG(raw) == SIGTRAP ? 0 : WSTOPSIG(raw);
        __ptrace_syscall_info info{};
        if (is_stop_at_call(raw) &&
            ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            stop.number = static_cast<long>(info.entry.nr);
            std::copy(std::begin(info.entry.args), std::end(info.entry.args),
                      stop.arguments.begin());
            if (visit(stop) == Then::let_go) {
                ::ptrace(PTRACE_DETACH, child, nullptr, nullptr);
                // Where it was killed, kernels such as 5.10 tell of a stop on its way out.
                do {
                    raw = wait_for(child);
                } while (WIFSTOPPED(raw));
                return outcome_of(raw, outputs);
            }
            ++stop.index;
        }
        ::ptrace(PTRACE_SYSCALL, child, nullptr, signal);
        raw = wait_for(child);
    }
    return outcome_of(raw, outputs);
}

Outcome copy(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "copy");
    Tool tool;
    tool.arguments = std::move(arguments);
    return tool.run();
}

std::size_t cached_pages(const std::string& path) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    const auto size = static_cast<std::size_t>(::lseek(file, 0, SEEK_END));
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> resident(size / page + 1);
    void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED || ::mincore(memory, size, resident.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "mincore");
    }
    ::munmap(memory, size);
    return static_cast<std::size_t>(
        std::count_if(resident.begin(), resident.end(), [](unsigned char c) { return c & 1U; }));
}

bool takes_direct_io(const std::string& path) {
    // The flag alone is no sign: tmpfs takes it, and goes on to use the page cache.
    return copy({"--direct=always", path, path + ".probe"}).status == 0 &&
           cached_pages(path + ".probe") == 0 && ::unlink((path + ".probe").c_str()) == 0;
}

void refuse_call(long number, int error, unsigned argument, std::uint32_t mask) {
    // The low half of an argument; which half comes first is the machine's business.
    constexpr std::uint32_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
    const auto argument_at =
        static_cast<std::uint32_t>(offsetof(seccomp_data, args)) + 8 * argument + low;
    std::array<sock_filter, 7> filter{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, static_cast<std::uint32_t>(number)},
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, argument_at},
        {BPF_ALU | BPF_AND | BPF_K, 0, 0, mask},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, mask},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        ::_exit(126);
    }
}

void refuse_nameless_files() {
    refuse_call(SYS_openat, EOPNOTSUPP, 2, O_TMPFILE & ~O_DIRECTORY);
}

void refuse_threads() {
    refuse_call(SYS_clone3, EAGAIN);
    refuse_call(SYS_clone, EAGAIN);
}

void obey_permissions() {
    for (const int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) {
        if (has_capability(capability) && ::prctl(PR_CAPBSET_DROP, capability) != 0) {
            ::_exit(126);
        }
    }
}

} // namespace aioxx::test
