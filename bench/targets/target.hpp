// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "bench/options.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace bench {

/// A descriptor that is closed with it.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// What is read from and written to; set up when made, gone with the object or the process.
class Target {
public:
    Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    virtual ~Target() = default;

    [[nodiscard]] virtual int fd() const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
    /// Drops what the page cache holds of it.
    void make_cold() const;
};

/// Throws std::system_error where the machine or the user's rights do not allow it.
std::unique_ptr<Target> make_target(const std::string& name, const Options& options);

std::unique_ptr<Target> make_zram(const Options& options);
std::unique_ptr<Target> make_loop(const Options& options);
std::unique_ptr<Target> make_memory(const Options& options);
std::unique_ptr<Target> make_disk(const Options& options);

// For the targets.
[[noreturn]] void throw_errno(const std::string& what);
Descriptor open_file(const std::string& path, int flags);
/// O_DIRECT or 0.
int direct_flag(const Options& options) noexcept;
/// Fills it with bytes that neither compress nor repeat, and waits until they are stored.
void fill(int fd, std::uint64_t size);

} // namespace bench
