// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_file.hpp"

#include "tool/failure.hpp"
#include "tool/signals.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <random>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr std::size_t usual_block = 4096;
constexpr std::size_t most_blocks = 256;
constexpr std::size_t fewest_blocks = 16;
constexpr std::size_t most_bytes = 4 << 20;
constexpr unsigned private_mode = 0600;

std::size_t count_of_blocks(std::size_t block_size) {
    return std::clamp(most_bytes / block_size, fewest_blocks, most_blocks);
}

/// Under a name for as long as it takes to remove it again: nothing comes between, no signals
/// either.
aioxx::File create_named(int directory, std::error_code& error) {
    constexpr unsigned most_tries = 16; // there are file systems on which every name exists
    constexpr int flags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC;
    const SignalsBlocked blocked;
    std::random_device random;
    for (unsigned i = 0; i < most_tries; ++i) {
        const std::string name = ".aioxx-" + std::to_string(random()) + std::to_string(random());
        const int fd = ::openat(directory, name.c_str(), flags, private_mode);
        const bool removed = fd >= 0 && ::unlinkat(directory, name.c_str(), 0) == 0;
        error.assign(removed ? 0 : errno, std::generic_category());
        if (removed) {
            return aioxx::File::adopt(fd, error);
        }
        if (fd >= 0) {
            ::close(fd);
        }
        if (error.value() != EEXIST) {
            break;
        }
    }
    return {};
}

aioxx::File create_nameless(const std::string& path, const std::string& name) {
    std::error_code error;
    const aioxx::File directory = aioxx::File::open(path.c_str(), O_PATH | O_DIRECTORY, 0, error);
    if (error) {
        throw Failure(name, "cannot open the directory", error.value());
    }
    aioxx::File file =
        aioxx::File::open_at(directory.fd(), ".", O_TMPFILE | O_RDWR, private_mode, error);
    if (error) {
        file = create_named(directory.fd(), error);
    }
    if (error) {
        throw Failure(name, "cannot make a temporary file in this directory", error.value());
    }
    return file;
}

void fill(aioxx::AlignedBuffer& buffer) {
    std::generate(buffer.begin(), buffer.end(), [random = std::minstd_rand{1}]() mutable {
        return static_cast<std::byte>(random() >> 16U);
    });
}

/// The start of the first data at or behind `offset`, or else of the first in the file; -1 where
/// there is none.
std::int64_t data_at(int fd, std::int64_t offset) {
    off_t at = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (at < 0 && errno == ENXIO) {
        at = ::lseek(fd, 0, SEEK_DATA);
        return at < 0 ? -1 : at;
    }
    return at < 0 ? offset : at; // not every file knows its holes
}

/// A file as memory, to see what of it is in the page cache; nothing where it cannot be mapped.
class Mapping {
public:
    Mapping(int fd, std::size_t size)
        : size_(size),
          at_(size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0)) {}
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() {
        if (at_ != MAP_FAILED) {
            ::munmap(at_, size_);
        }
    }
    [[nodiscard]] bool is_cached() const {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        std::vector<unsigned char> pages(size_ / page + 1);
        return at_ != MAP_FAILED && ::mincore(at_, size_, pages.data()) == 0 &&
               std::any_of(pages.begin(), pages.end(),
                           [](unsigned char one) { return (one & 1U) != 0; });
    }

private:
    std::size_t size_;
    void* at_;
};

} // namespace

ProbeFile::ProbeFile(aioxx::File file, std::string name)
    : file_(std::move(file)), as_set_(aioxx::File::borrow(file_.fd())), name_(std::move(name)),
      block_size_(std::max<std::size_t>(usual_block, file_.direct_alignment().offset)),
      buffer_(block_size_, std::max<std::size_t>(usual_block, file_.direct_alignment().memory)) {
    fill(buffer_);
    ::posix_fadvise(fd(), 0, 0, POSIX_FADV_RANDOM); // each read for itself
    find_blocks();
}

ProbeFile ProbeFile::temporary(const std::string& directory, const std::string& name) {
    ProbeFile file{create_nameless(directory, name), name};
    for (std::size_t i = 0; i < count_of_blocks(file.block_size_); ++i) {
        file.blocks_.push_back(static_cast<std::int64_t>(i * file.block_size_));
    }
    std::shuffle(file.blocks_.begin(), file.blocks_.end(), std::minstd_rand{1});
    file.write_data();
    return file;
}

void ProbeFile::find_blocks() {
    std::error_code error;
    const auto size = static_cast<std::uint64_t>(file_.size(error));
    if (error || size == 0) {
        return;
    }
    const std::uint64_t last = (size - 1) / block_size_;
    std::random_device device;
    std::mt19937_64 random{device()};
    const auto block = static_cast<std::int64_t>(block_size_);
    for (std::size_t i = 0; i < count_of_blocks(block_size_); ++i) {
        const auto wanted = static_cast<std::int64_t>(random() % (last + 1)) * block;
        const std::int64_t found = data_at(fd(), wanted);
        if (found < 0) {
            blocks_.clear();
            return;
        }
        blocks_.push_back(found / block * block);
    }
}

aioxx::AlignedBuffer ProbeFile::make_block() const {
    aioxx::AlignedBuffer block{buffer_.size(), buffer_.alignment()};
    fill(block);
    return block;
}

int ProbeFile::set_direct(bool direct) {
    const int flags = ::fcntl(fd(), F_GETFL) & ~O_DIRECT; // O_NOATIME may be among them
    if (::fcntl(fd(), F_SETFL, flags | (direct ? O_DIRECT : 0)) != 0) {
        return errno;
    }
    as_set_ = aioxx::File::borrow(fd());
    return 0;
}

void ProbeFile::forget(std::int64_t block) const noexcept {
    ::posix_fadvise(fd(), static_cast<off_t>(block), static_cast<off_t>(block_size_),
                    POSIX_FADV_DONTNEED);
}

void ProbeFile::forget_all() const {
    constexpr unsigned most_tries = 100;
    constexpr timespec pause{0, 1'000'000};
    std::error_code error;
    const auto size = static_cast<std::size_t>(file_.size(error));
    const Mapping mapping{fd(), error ? 0 : size};
    for (unsigned tried = 0; tried < most_tries; ++tried) {
        ::posix_fadvise(fd(), 0, 0, POSIX_FADV_DONTNEED);
        if (file_.is_in_memory() || !mapping.is_cached()) {
            return;
        }
        ::nanosleep(&pause, nullptr);
    }
}

void ProbeFile::remember(std::int64_t block) {
    if (::pread(fd(), buffer_.data(), buffer_.size(), static_cast<off_t>(block)) < 0) {
        throw Failure(name_, "cannot read", errno);
    }
}

void ProbeFile::fail(int error) const {
    throw Failure(name_, "cannot write a temporary file", error);
}

void ProbeFile::resize(std::int64_t size) const {
    if (::ftruncate(fd(), static_cast<off_t>(size)) != 0) {
        fail(errno);
    }
    if (::fsync(fd()) != 0 && errno != EINVAL && errno != ENOSYS) { // not every one can
        fail(errno);
    }
}

void ProbeFile::write_data() {
    if (holds_data_) {
        return;
    }
    if (const int error = set_direct(false); error != 0) {
        fail(error);
    }
    std::vector<std::int64_t> in_order = blocks_;
    std::sort(in_order.begin(), in_order.end());
    resize(0);
    for (const std::int64_t block : in_order) {
        dirty(block);
    }
    resize(static_cast<std::int64_t>(blocks_.size() * block_size_));
    forget_all();
    holds_data_ = true;
}

void ProbeFile::make_hole() {
    holds_data_ = false;
    resize(0);
    resize(static_cast<std::int64_t>(blocks_.size() * block_size_));
}

void ProbeFile::make_empty() {
    holds_data_ = false;
    resize(0);
}

void ProbeFile::dirty(std::int64_t block) {
    std::size_t done = 0;
    while (done < buffer_.size()) { // short where the disk ends, or the limit on files
        const ssize_t count = ::pwrite(fd(), buffer_.data() + done, buffer_.size() - done,
                                       static_cast<off_t>(block) + static_cast<off_t>(done));
        if (count <= 0) {
            fail(count < 0 ? errno : ENOSPC);
        }
        done += static_cast<std::size_t>(count);
    }
}

} // namespace tool
