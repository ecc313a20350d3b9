// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/aligned_buffer.hpp>
#include <aioxx/file/file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tool {

/// A file that accesses are tried on, block by block: the user's, which is only read, or a
/// temporary one of its own, which has no name from the moment that it is there.
class ProbeFile {
public:
    /// `file` is open for reading.
    ProbeFile(aioxx::File file, std::string name);
    /// Makes a temporary file and fills it with data. `name` is for the Failure.
    static ProbeFile temporary(const std::string& directory, const std::string& name);

    /// As the flags now are.
    [[nodiscard]] const aioxx::File& file() const noexcept { return as_set_; }
    [[nodiscard]] int fd() const noexcept { return file_.fd(); }
    [[nodiscard]] std::size_t block_size() const noexcept { return block_size_; }
    /// A block of what no file system can leave out or compress.
    [[nodiscard]] aioxx::AlignedBuffer make_block() const;

    /// Sets O_DIRECT, or clears it, and returns an errno.
    [[nodiscard]] int set_direct(bool direct);

    /// Where blocks of data start, in random order, some hundred of them. Empty where there is no
    /// data: in an empty file, in one that is all hole.
    [[nodiscard]] const std::vector<std::int64_t>& blocks() const noexcept { return blocks_; }
    /// Drops the block from the page cache, where the file system has such a thing.
    void forget(std::int64_t block) const noexcept;
    /// Drops all of what is on the disk from the page cache. Pages that are in use in the
    /// kernel at the moment go a little later: they are waited for, for up to a tenth of a second.
    void forget_all() const;
    /// Reads it into the page cache.
    void remember(std::int64_t block);

    // For temporary files; each throws a Failure. Buffered, and on disk on return.
    void write_data();
    void make_hole(); ///< Of as many blocks.
    void make_empty();
    /// Writes a block, with the flags as they are, into the page cache or past it.
    void dirty(std::int64_t block);

private:
    void find_blocks();
    void resize(std::int64_t size) const;
    [[noreturn]] void fail(int error) const;

    aioxx::File file_;
    aioxx::File as_set_; // borrowed: a File knows the flags that it was made with
    std::string name_;
    std::size_t block_size_;
    aioxx::AlignedBuffer buffer_;
    std::vector<std::int64_t> blocks_;
    bool holds_data_ = false;
};

} // namespace tool
