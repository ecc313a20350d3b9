// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/types.h>

namespace aioxx::test {

/// A device that cannot be had here, and why: not root, a program or a kernel's part is missing.
class Missing : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Something on this machine that one shell command makes and another one unmakes: a mount, a loop
/// device, a directory. It goes with the object; and when the test program ends in any other way,
/// killed or hung in the kernel with its I/O held back, a guardian process unmakes what is left,
/// the last first.
///
/// Both commands are of one line, run by bash in the guardian, as the test's user, in `/`.
class HostChange {
public:
    /// Throws Missing with what `make` printed when that fails; it has to clean up after itself
    /// then. `unmake` finds what it printed in `$made`.
    HostChange(const std::string& make, const std::string& unmake);

    HostChange(HostChange&& other) noexcept
        : number_(std::exchange(other.number_, 0)), owner_(other.owner_),
          output_(std::move(other.output_)) {}
    HostChange& operator=(HostChange&&) = delete;
    /// Does nothing in a forked child. A failure is printed, and counted.
    ~HostChange();

    /// What `make` printed, without the last newline.
    [[nodiscard]] const std::string& output() const noexcept { return output_; }

    /// How many could not be unmade so far in this program.
    static unsigned failures() noexcept;

private:
    unsigned number_ = 0; // 0: moved from
    pid_t owner_ = 0;
    std::string output_;
};

/// A device, or the reason why there is none:
///
///     auto disk = attempt<Zram>(64 * mebibyte);
///     if (!disk) {
///         SKIP_CASE(disk.reason());
///     }
template <typename Device>
class Attempt {
public:
    template <typename... Arguments>
    explicit Attempt(std::in_place_t, Arguments&&... arguments) {
        try {
            device_.emplace(std::forward<Arguments>(arguments)...);
        } catch (const Missing& missing) {
            reason_ = missing.what();
        }
    }

    explicit operator bool() const noexcept { return device_.has_value(); }
    [[nodiscard]] const char* reason() const noexcept { return reason_.c_str(); }
    Device* operator->() noexcept { return &*device_; }
    Device& operator*() noexcept { return *device_; }

private:
    std::optional<Device> device_;
    std::string reason_;
};

template <typename Device, typename... Arguments>
Attempt<Device> attempt(Arguments&&... arguments) {
    return Attempt<Device>{std::in_place, std::forward<Arguments>(arguments)...};
}

inline constexpr long mebibyte = 1L << 20;

} // namespace aioxx::test
