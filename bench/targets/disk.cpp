// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "bench/targets/target.hpp"

#include <fcntl.h>

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

} // namespace

std::unique_ptr<Target> make_disk(const Options& options) {
    return std::make_unique<Disk>(options);
}

} // namespace bench
