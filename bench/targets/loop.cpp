// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/targets/target.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace bench {
namespace {

/// A loop device with direct I/O over a file in memory. The file has no name, and the device lets
/// go of it by itself when the last descriptor closes: nothing is left behind, however this ends.
class Loop final : public Target {
public:
    explicit Loop(const Options& options) : size_(options.size_mib << 20) {
        const Descriptor memory{memfd_create("aioxx-bench", MFD_CLOEXEC)};
        if (memory.get() < 0 || ftruncate(memory.get(), static_cast<off_t>(size_)) != 0) {
            throw_errno("a file in memory");
        }
        fill(memory.get(), size_);
        // Opened again by its name in /proc: only so can it take O_DIRECT, which the loop device
        // needs to pass requests on without a copy and without waiting.
        const Descriptor backing =
            open_file("/proc/self/fd/" + std::to_string(memory.get()), O_RDWR | O_DIRECT);
        attach(backing.get(), options);
    }
    [[nodiscard]] int fd() const noexcept override { return fd_.get(); }
    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

private:
    void attach(int backing, const Options& options) {
        const Descriptor control = open_file("/dev/loop-control", O_RDWR);
        loop_config config{};
        config.fd = static_cast<__u32>(backing);
        config.block_size = 4096;
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
        for (int tries = 0;; ++tries) {
            const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
            if (number < 0) {
                throw_errno("a free loop device");
            }
            const std::string path = "/dev/loop" + std::to_string(number);
            fd_ = open_file(path, O_RDWR | direct_flag(options));
            if (ioctl(fd_.get(), LOOP_CONFIGURE, &config) == 0) {
                break;
            }
            if (errno != EBUSY || tries == 20) { // another process was faster
                throw_errno(path);
            }
        }
        loop_info64 info{};
        if (ioctl(fd_.get(), LOOP_GET_STATUS64, &info) != 0 ||
            (info.lo_flags & LO_FLAGS_DIRECT_IO) == 0) {
            errno = EOPNOTSUPP;
            throw_errno("direct I/O of a loop device over memory");
        }
    }

    std::uint64_t size_;
    Descriptor fd_;
};

} // namespace

std::unique_ptr<Target> make_loop(const Options& options) {
    return std::make_unique<Loop>(options);
}

} // namespace bench
