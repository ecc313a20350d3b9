// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/core/error.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <system_error>
#include <utility>

AIOXX_NAMESPACE_BEGIN

namespace detail {
class SharedDescriptor;
struct StartedFile;

template <typename Path>
concept HasCStr = requires(const Path& path) {
    { path.c_str() } -> std::convertible_to<const char*>;
};
} // namespace detail

/// What a File is, by fstat(2).
enum class FileKind : std::uint8_t {
    none,             ///< no file: closed or moved-from
    regular,          ///< an ordinary file, of any file system
    directory,        ///< which takes flushes, and no transfers
    block_device,     ///< a disk or a part of one
    character_device, ///< ttys among them
    pipe,             ///< or a fifo
    socket,           ///< of any family
    other,            ///< eventfd, epoll and the like
};

/// What direct I/O (O_DIRECT) asks of a transfer on a file, in bytes. A value.
///
///     const aioxx::DirectAlignment needs = file.direct_alignment();
///     aioxx::AlignedBuffer block{16 * needs.offset, needs.memory};
struct DirectAlignment {
    /// Where that is known from.
    enum class Source : std::uint8_t {
        statx,   ///< STATX_DIOALIGN: the file system said so (Linux 6.1).
        device,  ///< The logical block size of a block device.
        assumed, ///< Not known. 4096 is enough on every device with common sector sizes.
    };

    std::uint32_t memory = 0; ///< The buffer's address is a multiple of this; 0: no direct I/O.
    std::uint32_t offset = 0; ///< And the offset and the length of this; 0: no direct I/O.
    Source source = Source::assumed; ///< How certain it is.

    /// False where the file system has said that this file takes no direct I/O. True is certain
    /// when the source is statx; otherwise only opening it with O_DIRECT tells.
    [[nodiscard]] bool supported() const noexcept { return memory != 0 && offset != 0; }
};

/// An open file with what there is to know about it before I/O is submitted.
///
/// It asks the kernel about the descriptor once, so that the knowledge belongs to this open file
/// and not to a number that may be reused.
///
/// **Ownership.** A File owns its descriptor (open, adopt) or borrows it (borrow). It may be closed
/// or destroyed while operations are under way on it. An owned number stays taken until the last
/// operation of a Queue on it has ended, and is closed then. A borrowed one, and one that release()
/// has given up, is kept open by its owner until those operations are complete. For an Iocb the
/// kernel keeps a reference of its own, from the submit on.
///
/// **Threads.** The const functions may be called by several threads at a time, and operations may
/// be started by them. One thread, any, closes, releases, moves or destroys a File, while no other
/// calls a function of it or starts an operation on it.
///
/// **Errors.** Functions come in two forms: one sets a std::error_code, the other throws
/// std::system_error.
///
///     const auto file = aioxx::File::open(path, O_RDONLY | O_DIRECT);
///     co_await queue.read(file, block, 0);
class AIOXX_API File {
public:
    /// No file: is_open() is false, and operations on it are refused with EBADF.
    File() noexcept = default;

    /// open(2), with O_CLOEXEC added. `mode` is for O_CREAT and O_TMPFILE, before the umask. A null
    /// path is EFAULT.
    static File open(const char* path, int flags, unsigned mode, std::error_code& error) noexcept;
    /// The text of what this throws has the path, and says so where O_DIRECT may be the reason.
    static File open(const char* path, int flags, unsigned mode = 0666);
    /// The same relative to a directory, openat(2).
    static File open_at(int directory, const char* path, int flags, unsigned mode,
                        std::error_code& error) noexcept;
    /// A path is anything with c_str(), too: std::string, std::filesystem::path.
    template <detail::HasCStr Path>
    static File open(const Path& path, int flags, unsigned mode, std::error_code& error) noexcept {
        return open(path.c_str(), flags, mode, error);
    }
    template <detail::HasCStr Path>
    static File open(const Path& path, int flags, unsigned mode = 0666) {
        return open(path.c_str(), flags, mode);
    }
    /// open_at() with such a path.
    template <detail::HasCStr Path>
    static File open_at(int directory, const Path& path, int flags, unsigned mode,
                        std::error_code& error) noexcept {
        return open_at(directory, path.c_str(), flags, mode, error);
    }

    /// Takes `fd` over: it is closed with the File, also when this fails (EBADF).
    static File adopt(int fd, std::error_code& error) noexcept;
    static File adopt(int fd);
    /// Leaves `fd` with its owner, which keeps it open while the File is used, and until the
    /// operations that were started on it are complete.
    static File borrow(int fd, std::error_code& error) noexcept;
    static File borrow(int fd);

    /// Takes the file over; operations that are under way go on. `other` is no file then.
    File(File&& other) noexcept;
    /// Takes the file over; what was here is closed as by the destructor.
    File& operator=(File&& other) noexcept;
    /// Closes an owned descriptor; an error of close(2) is lost here, see close().
    ~File();

    /// Closes an owned descriptor, forgets a borrowed one. While operations of a queue are under
    /// way the number is closed later, with the last of them: then this succeeds, and an error of
    /// close(2) is not told.
    ///
    /// Errors: EIO and ENOSPC are those of writes that failed late (NFS, quotas). The descriptor is
    /// gone in either case.
    void close(std::error_code& error) noexcept;
    void close();
    /// Gives the descriptor up without closing it. The caller keeps it open until the operations
    /// that are under way on it are complete.
    [[nodiscard]] int release() noexcept;

    /// Direct I/O where the file system takes it: O_DIRECT is set, and transfers have to fit
    /// direct_alignment() from then on. Otherwise the file stays as it is. Gives is_direct().
    ///
    /// Before the first operation on it. A borrowed descriptor is changed for its owner as well.
    ///
    ///     aioxx::File file = aioxx::File::open(path, O_RDONLY);
    ///     file.try_direct();
    bool try_direct() noexcept;

    /// Whether there is a file.
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    /// The descriptor, which stays this object's; -1 without a file.
    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// Whether the destructor closes it.
    [[nodiscard]] bool is_owned() const noexcept { return owned_; }
    /// As it was when it was opened; `none` without a file.
    [[nodiscard]] FileKind kind() const noexcept { return kind_; }
    /// A pipe, socket, tty or another file that has no size and may make a read wait.
    [[nodiscard]] bool is_stream() const noexcept;

    /// Opened for reading. This and what follows is as it was opened: F_SETFL through another
    /// descriptor of the same open file is not noticed.
    [[nodiscard]] bool is_readable() const noexcept;
    /// Opened for writing.
    [[nodiscard]] bool is_writable() const noexcept;
    /// O_DIRECT.
    [[nodiscard]] bool is_direct() const noexcept;
    /// O_APPEND: a write goes to the end, wherever it is to begin.
    [[nodiscard]] bool is_append() const noexcept;
    /// O_SYNC or O_DSYNC: a write is on the disk when it is done.
    [[nodiscard]] bool is_synchronous() const noexcept;
    /// O_NONBLOCK.
    [[nodiscard]] bool is_nonblocking() const noexcept;

    /// A regular file on tmpfs, ramfs or hugetlbfs: its transfers wait for no device.
    [[nodiscard]] bool is_in_memory() const noexcept { return in_memory_; }
    /// A regular file on FUSE: a process answers for it, and may be slow to.
    [[nodiscard]] bool is_on_fuse() const noexcept { return on_fuse_; }
    /// A regular file on NFS, SMB, 9p, AFS, Ceph or their like: another machine answers for it.
    [[nodiscard]] bool is_on_network() const noexcept { return on_network_; }
    /// A data endpoint of a USB gadget, on FunctionFS: the host answers. It takes AIO without
    /// O_DIRECT, and what waits there for the host can be cancelled.
    [[nodiscard]] bool is_usb_endpoint() const noexcept { return usb_endpoint_; }

    /// What direct I/O asks of transfers here, also of a file that was opened without O_DIRECT.
    [[nodiscard]] DirectAlignment direct_alignment() const noexcept { return alignment_; }

    /// The present size in bytes, of a block device as well; 0 for streams.
    [[nodiscard]] std::int64_t size(std::error_code& error) const noexcept;
    [[nodiscard]] std::int64_t size() const;

private:
    friend class detail::SharedDescriptor;
    friend struct detail::StartedFile;

    File(int fd, bool owned, std::error_code& error) noexcept;
    [[noreturn]] static void throw_not_opened(const std::error_code& error, const char* path,
                                              int flags);
    void learn(std::error_code& error) noexcept;
    int forget() noexcept;

    int fd_ = -1;
    int status_flags_ = 0; // F_GETFL
    DirectAlignment alignment_;
    FileKind kind_ = FileKind::none;
    bool owned_ = false;
    bool in_memory_ = false;
    bool on_fuse_ = false;
    bool on_network_ = false;
    bool usb_endpoint_ = false;
    mutable std::atomic<detail::SharedDescriptor*> shared_{nullptr}; // when a queue has used it
};

inline File File::open(const char* path, int flags, unsigned mode) {
    std::error_code error = no_error();
    File file = open(path, flags, mode, error);
    if (error) {
        throw_not_opened(error, path, flags);
    }
    return file;
}

inline File File::adopt(int fd) {
    std::error_code error = no_error();
    File file = adopt(fd, error);
    if (error) {
        detail::throw_error(error, "File::adopt");
    }
    return file;
}

inline File File::borrow(int fd) {
    std::error_code error = no_error();
    File file = borrow(fd, error);
    if (error) {
        detail::throw_error(error, "File::borrow");
    }
    return file;
}

inline void File::close() {
    std::error_code error = no_error();
    close(error);
    if (error) {
        detail::throw_error(error, "close");
    }
}

inline std::int64_t File::size() const {
    std::error_code error = no_error();
    const std::int64_t bytes = size(error);
    if (error) {
        detail::throw_error(error, "fstat");
    }
    return bytes;
}

AIOXX_NAMESPACE_END
