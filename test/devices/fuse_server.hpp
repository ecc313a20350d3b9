// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "devices/mounts.hpp"

#include <string>

namespace aioxx::test {

/// A file system in another process that does what its files' names say. Every name exists (but for
/// those that start with ".aioxx-", which have to be made), and is a file of 1 MiB whose bytes are
/// at first the low ones of their offset divided by 512. Parts of a name, separated by dots:
///
///     gate              transfers and fsyncs wait while the gate is closed
///     close-gate        each close of a descriptor waits while the gate is closed
///     short-N           reads move N bytes at the most (of a short write the kernel makes EIO)
///     slow-N, by-M      N of 100 reads, by chance but always the same, take M milliseconds
///     read-error-N      reads fail with the errno N; likewise write-error-N and fsync-error-N
///
/// Open them with O_DIRECT, and each transfer reaches the server by itself, and asynchronously.
/// Declare it after the Context: it ends what it still holds (ECONNABORTED) when it goes.
class FuseServer {
public:
    /// Above `max_background` requests at a time submit itself blocks (12 by default in the
    /// kernel). Unless it `hears_of_closing` nothing that is closed waits for it. When the kernel
    /// `forgets` what it was told of a file it asks for that before each transfer.
    explicit FuseServer(unsigned max_background = 1024, bool hears_of_closing = false,
                        bool forgets = false);

    [[nodiscard]] const std::string& path() const noexcept { return directory_.path(); }
    [[nodiscard]] std::string file(const std::string& name) const { return directory_.file(name); }

    void close_gate() { command("close"); }
    void open_gate() { command("open"); }
    /// Lets the oldest, or the newest, of the requests pass that wait at the gate.
    void release_oldest() { command("oldest"); }
    void release_newest() { command("newest"); }
    /// Returns when at least so many requests wait at the gate.
    void await_waiting(unsigned count) { command("await " + std::to_string(count)); }

    /// From now on every change of a mode, every fsync of a file, of the directory, fails with an
    /// errno; 0 for no more.
    void fail_modes(int error) { command("fail-mode " + std::to_string(error)); }
    void fail_syncs(int error) { command("fail-sync " + std::to_string(error)); }
    void fail_directory_syncs(int error) {
        command("fail-directory-sync " + std::to_string(error));
    }
    /// How many zeros a file system without holes would have written so far, as sizes were set and
    /// writes left something out.
    [[nodiscard]] unsigned long zeros() const;

    /// From now on what is asked of a file that is open is answered so many milliseconds late.
    void be_late(unsigned milliseconds) { command("late " + std::to_string(milliseconds)); }

    /// SIGSTOP and SIGCONT: storage that hangs, and goes on.
    void stop();
    void resume();
    /// What waits fails with ECONNABORTED, and so does what comes later (open: ENOTCONN).
    void kill();

private:
    void command(const std::string& text);
    void signal(int number);

    TemporaryDirectory directory_;
    HostChange server_;
};

} // namespace aioxx::test
