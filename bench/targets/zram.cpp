// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/targets/target.hpp"

#include "bench/interrupt.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

/// All the guard writes to sysfs; it allocates nothing, as a forked child should not.
bool write_text(const char* path, const char* text) noexcept {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const bool written = fd >= 0 && write(fd, text, std::strlen(text)) > 0;
    if (fd >= 0) {
        close(fd);
    }
    return written;
}

/// The device's number, or -errno.
int add_device() noexcept {
    const int fd = open("/sys/class/zram-control/hot_add", O_RDONLY | O_CLOEXEC);
    std::array<char, 16> text{};
    const bool added = fd >= 0 && read(fd, text.data(), text.size() - 1) > 0;
    const int number = added ? std::atoi(text.data()) : -errno;
    if (fd >= 0) {
        close(fd);
    }
    return number;
}

void remove_device(int number) noexcept {
    std::array<char, 64> path{};
    std::array<char, 16> text{};
    std::snprintf(path.data(), path.size(), "/sys/block/zram%d/reset", number);
    std::snprintf(text.data(), text.size(), "%d", number);
    for (int tries = 0; tries < 100; ++tries) { // busy while a process has it open
        write_text(path.data(), "1");
        if (write_text("/sys/class/zram-control/hot_remove", text.data())) {
            return;
        }
        usleep(50'000);
    }
}

/// A process that adds the device, and removes it when this end of the pipe closes, be it by the
/// destructor or because this process was killed.
class Guard {
public:
    Guard() {
        std::array<int, 2> alive{};
        std::array<int, 2> answer{};
        if (pipe2(alive.data(), O_CLOEXEC) != 0 || pipe2(answer.data(), O_CLOEXEC) != 0) {
            throw_errno("a pipe");
        }
        process_ = fork();
        if (process_ == 0) {
            close(alive[1]);
            close(answer[0]);
            stand(alive[0], answer[1]);
        }
        close(alive[0]);
        close(answer[1]);
        alive_ = Descriptor{alive[1]};
        const Descriptor from{answer[0]};
        if (process_ < 0 || read(from.get(), &number_, sizeof(number_)) != sizeof(number_)) {
            throw_errno("a process to look after the zram device");
        }
        if (number_ < 0) {
            errno = -number_;
            finish();
            throw_errno("adding a zram device");
        }
    }
    ~Guard() { finish(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    [[nodiscard]] int number() const noexcept { return number_; }

private:
    [[noreturn]] static void stand(int alive, int answer) noexcept {
        setsid(); // a Ctrl-C is for the other one
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
            std::signal(signal, SIG_IGN);
        }
        const int number = add_device();
        bool known = write(answer, &number, sizeof(number)) == sizeof(number);
        close(answer);
        char unused = 0;
        while (known && read(alive, &unused, 1) < 0) {
        }
        if (number >= 0) {
            remove_device(number);
        }
        _exit(0);
    }

    void finish() noexcept {
        const int saved = errno;
        alive_ = Descriptor{};
        while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
        }
        errno = saved;
    }

    pid_t process_ = -1;
    int number_ = -1;
    Descriptor alive_;
};

class Zram final : public Target {
public:
    explicit Zram(const Options& options) : size_(options.size_mib << 20) {
        const std::string name = "zram" + std::to_string(guard_.number());
        if (!write_text(("/sys/block/" + name + "/disksize").c_str(),
                        std::to_string(size_).c_str())) {
            throw_errno("the size of " + name);
        }
        fd_ = open_file("/dev/" + name, O_RDWR | direct_flag(options));
        fill(fd_.get(), size_);
    }
    [[nodiscard]] int fd() const noexcept override { return fd_.get(); }
    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

private:
    Guard guard_; // goes last: the device is closed by then
    Descriptor fd_;
    std::uint64_t size_;
};

} // namespace

std::unique_ptr<Target> make_zram(const Options& options) {
    return std::make_unique<Zram>(options);
}

} // namespace bench
