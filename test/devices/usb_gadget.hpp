// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "descriptors.hpp"
#include "devices/host_change.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace aioxx::test {

/// A USB device that a program of this machine is, and its host, which is the same machine:
/// FunctionFS on the kernel's dummy_hcd. One at a time. Throws Missing where the kernel has none.
class UsbGadget {
public:
    UsbGadget();

    /// Where FunctionFS is mounted: it holds ep0, and the endpoints when that has been told of
    /// them.
    [[nodiscard]] std::string directory() const { return made_.output() + "/function"; }
    /// Tells ep0 of two bulk endpoints, ep1 from the host and ep2 to it. As long as what this
    /// returns is open the function is there.
    [[nodiscard]] Descriptor describe() const;
    /// Plugs it in. The function has to be there.
    void bind();
    void unbind();

private:
    HostChange made_;
};

/// The host's side of the gadget that is plugged in.
class UsbHost {
public:
    /// Waits until the host has configured it.
    UsbHost();

    /// Bytes transferred, or a negative errno, after `milliseconds` at the latest.
    int send(std::string text, unsigned milliseconds = 30'000);
    /// What came, of at most `most` bytes; nothing: why not, in errno.
    std::optional<std::string> receive(std::size_t most, unsigned milliseconds = 30'000);

private:
    Descriptor device_;
    unsigned out_ = 0; // the endpoints' addresses
    unsigned in_ = 0;
};

} // namespace aioxx::test
