// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/targets/target.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace bench {
namespace {

/// A file of tmpfs that never has a name.
class Memory final : public Target {
public:
    explicit Memory(const Options& options) : size_(options.size_mib << 20) {
        if (fd_.get() < 0 || ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) {
            throw_errno("a file in memory");
        }
        fill(fd_.get(), size_);
    }
    [[nodiscard]] int fd() const noexcept override { return fd_.get(); }
    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

private:
    Descriptor fd_{memfd_create("aioxx-bench", MFD_CLOEXEC)};
    std::uint64_t size_;
};

} // namespace

std::unique_ptr<Target> make_memory(const Options& options) {
    return std::make_unique<Memory>(options);
}

} // namespace bench
