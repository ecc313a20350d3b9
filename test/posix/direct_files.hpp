// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Files for direct I/O that the drop-in knows: requests go by its DirectPath.

#include "posix/block.hpp"

#include "devices/block_devices.hpp"

#include <string>

#include <aio.h>
#include <doctest/doctest.h>
#include <fcntl.h>

namespace aioxx::test {

constexpr int direct_page = 4096;

/// `pages` of them, each of one letter.
inline std::string lettered(std::size_t pages, char first = 'a') {
    std::string text;
    for (std::size_t i = 0; i < pages; ++i) {
        text.append(direct_page, static_cast<char>(first + static_cast<int>(i % 26)));
    }
    return text;
}

inline ssize_t read_page(int fd, std::size_t number, std::string* text = nullptr) {
    const Block block{fd, direct_page, static_cast<off_t>(number) * direct_page};
    if (::aio_read(block) != 0) {
        return -1;
    }
    const ssize_t result = block.await_result();
    if (text != nullptr) {
        *text = block.text();
    }
    return result;
}

inline ssize_t write_page(int fd, std::size_t number, char letter) {
    const Block block{fd, std::string(direct_page, letter),
                      static_cast<off_t>(number) * direct_page};
    return ::aio_write(block) == 0 ? block.await_result() : -1;
}

/// Reads, and writes if `writes`, the first page so often that requests go without the engine.
/// False where they do not come to that.
inline bool learn(int fd, bool writes) {
    const Block content{fd, direct_page};
    if (::aio_read(content) != 0 || content.await_result() != direct_page) {
        return false;
    }
    for (int i = 0; i < 100; ++i) {
        if (read_page(fd, 0) != direct_page ||
            (writes && write_page(fd, 0, content.text().front()) != direct_page)) {
            return false;
        }
    }
    return true;
}

/// A file that is open for direct I/O, and known.
struct KnownFile : TemporaryFile {
    explicit KnownFile(std::size_t pages = 8, int flags = O_RDWR)
        : TemporaryFile(lettered(pages), flags | O_DIRECT) {
        REQUIRE(learn(*this, flags == O_RDWR));
    }
};

/// A block device in memory on which all can be held back.
struct HeldDevice {
    HeldDevice() : device(1L << 20U), gate(device.path()) {
        file = Descriptor{::open(device.path().c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
        REQUIRE(learn(file, true));
    }
    LoopDevice device;
    Descriptor file;
    Gate gate;
};

} // namespace aioxx::test
