// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/targets/target.hpp"

#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

namespace bench {
namespace {

/// A file that never has a name, so that nothing can be left behind.
class Disk final : public Target {
public:
    explicit Disk(const Options& options)
        : fd_(open_file(options.directory, O_TMPFILE | O_RDWR | direct_flag(options))),
          size_(options.size_mib << 20) {
        fill(fd_.get(), size_);
    }
    [[nodiscard]] int fd() const noexcept override { return fd_.get(); }
    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

private:
    Descriptor fd_;
    std::uint64_t size_;
};

/// What the user named.
class Named final : public Target {
public:
    explicit Named(const Options& options)
        : fd_(open_file(options.file,
                        direct_flag(options) |
                            (options.operation == Operation::read ? O_RDONLY : O_RDWR))) {
        const off_t end = lseek(fd_.get(), 0, SEEK_END);
        if (end < static_cast<off_t>(options.block_size)) {
            throw std::runtime_error(options.file + " is smaller than a block");
        }
        size_ = static_cast<std::uint64_t>(end);
    }
    [[nodiscard]] int fd() const noexcept override { return fd_.get(); }
    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

private:
    Descriptor fd_;
    std::uint64_t size_ = 0;
};

} // namespace

std::unique_ptr<Target> make_disk(const Options& options) {
    if (!options.file.empty()) {
        return std::make_unique<Named>(options);
    }
    return std::make_unique<Disk>(options);
}

} // namespace bench
