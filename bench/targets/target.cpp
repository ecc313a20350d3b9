// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/targets/target.hpp"

#include "bench/interrupt.hpp"

#include <aioxx/file/aligned_buffer.hpp>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <random>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace bench {
namespace {

class Zero final : public Target {
public:
    explicit Zero(const Options& options) : size_(options.size_mib << 20) {
        if (options.operation != Operation::read) {
            throw std::runtime_error("/dev/zero is for reading");
        }
    }
    [[nodiscard]] int fd() const noexcept override { return fd_.get(); }
    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

private:
    Descriptor fd_ = open_file("/dev/zero", O_RDONLY);
    std::uint64_t size_;
};

} // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

void Target::make_cold() const {
    fdatasync(fd());
    posix_fadvise(fd(), 0, 0, POSIX_FADV_DONTNEED);
}

void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

Descriptor open_file(const std::string& path, int flags) {
    const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) {
        throw_errno(path);
    }
    return Descriptor{fd};
}

int direct_flag(const Options& options) noexcept {
    return options.access == Access::direct ? O_DIRECT : 0;
}

void fill(int fd, std::uint64_t size) {
    constexpr std::size_t piece = 1 << 20;
    aioxx::AlignedBuffer buffer{piece, 4096};
    auto* const words = reinterpret_cast<std::uint64_t*>(buffer.data());
    std::mt19937_64 random{1};
    for (std::uint64_t at = 0; at < size; at += piece) {
        stop_if_interrupted();
        std::generate_n(words, piece / sizeof(*words), std::ref(random));
        const std::size_t length = std::min<std::uint64_t>(piece, size - at);
        if (pwrite(fd, buffer.data(), length, static_cast<off_t>(at)) !=
            static_cast<ssize_t>(length)) {
            throw_errno("filling the target");
        }
    }
    if (fsync(fd) != 0) {
        throw_errno("filling the target");
    }
}

std::unique_ptr<Target> make_target(const std::string& name, const Options& options) {
    if (name == "zram") {
        return make_zram(options);
    }
    if (name == "loop") {
        return make_loop(options);
    }
    if (name == "tmpfs") {
        return make_memory(options);
    }
    if (name == "disk") {
        return make_disk(options);
    }
    return std::make_unique<Zero>(options);
}

} // namespace bench
