// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// The driver's files and pipes.
#include "model/driver.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace aioxx::test {
namespace {

std::byte pattern(std::size_t at) {
    return static_cast<std::byte>(at * 7 + at / 251);
}

} // namespace

std::size_t Driver::open(Subject::Kind kind) {
    Subject& subject = subjects_.emplace_back();
    subject.kind = kind;
    int fd = -1;
    if (kind == Subject::Kind::reader || kind == Subject::Kind::writer) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe2");
        }
        const bool reads = kind == Subject::Kind::reader;
        fd = ends[reads ? 0 : 1];
        subject.watch = ::fcntl(ends[reads ? 1 : 0], F_DUPFD_CLOEXEC, 300);
        ::close(ends[reads ? 1 : 0]);
        ::fcntl(subject.watch, F_SETFL, O_NONBLOCK);
        subject.traits.poll_refused = random_.percent(25);
        subject.traits.nowait_refused = random_.percent(25);
    } else {
        fd = open_regular(subject);
        subject.watch = ::fcntl(fd, F_DUPFD_CLOEXEC, 300);
    }
    subject.file = File::adopt(fd);
    if (subject.file.is_direct()) {
        subject.unit = std::max(subject.file.direct_alignment().offset, 512U);
        subject.traits.unit = subject.unit;
    }
    if (model_ != nullptr) {
        subject.simulated = model_->add(fd, subject.traits);
    }
    return subjects_.size() - 1;
}

int Driver::open_regular(Subject& subject) {
    const int append = subject.kind == Subject::Kind::append && random_.percent(50) ? O_APPEND : 0;
    int fd = -1;
    if (random_.percent(30)) {
        fd = ::memfd_create("model", MFD_CLOEXEC);
        ::fcntl(fd, F_SETFL, append);
        subject.traits.in_memory = true;
        return fd;
    }
    if (subject.kind == Subject::Kind::random && random_.percent(50)) {
        fd = ::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_DIRECT, 0600);
    }
    if (fd < 0) {
        fd = ::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | append, 0600);
    }
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), directory_);
    }
    subject.traits.nowait_refused = random_.percent(20);
    subject.traits.nowait_fails = random_.percent(20);
    return fd;
}

/// The number is free then, and often the next one's; what is under way stays with the old file.
void Driver::reopen(std::size_t& place) {
    Subject& old = subjects_[place];
    old.file.close();
    place = open(old.kind);
}

/// Brings data to what waits for it, and makes room; whether that was possible.
bool Driver::move_pipes() {
    bool any = false;
    for (Subject& subject : subjects_) {
        if (subject.kind == Subject::Kind::reader) {
            std::array<std::byte, 500> bytes{};
            for (std::size_t i = 0; i < bytes.size(); ++i) {
                bytes[i] = pattern(subject.fed + i);
            }
            const ssize_t count =
                ::write(subject.watch, bytes.data(), 1 + random_.below(bytes.size()));
            subject.fed += count > 0 ? static_cast<std::size_t>(count) : 0;
            any |= count > 0;
        } else if (subject.kind == Subject::Kind::writer) {
            std::array<std::byte, 4096> bytes{};
            ssize_t count = 0;
            while ((count = ::read(subject.watch, bytes.data(), bytes.size())) > 0) {
                subject.drained.insert(subject.drained.end(), bytes.begin(), bytes.begin() + count);
                any = true;
            }
        }
    }
    return any;
}

std::vector<std::byte> Driver::contents(const Subject& subject) {
    if (subject.simulated != nullptr) {
        return subject.simulated->bytes;
    }
    struct stat status {};
    ::fstat(subject.watch, &status);
    const auto size = static_cast<std::size_t>((status.st_size + 4095) / 4096 * 4096);
    AlignedBuffer buffer{std::max<std::size_t>(size, 4096), 4096};
    const ssize_t count = ::pread(subject.watch, buffer.data(), buffer.size(), 0);
    return {buffer.begin(), buffer.begin() + std::max<ssize_t>(count, 0)};
}

/// When all is over.
void Driver::check_contents(Subject& subject) {
    if (subject.kind == Subject::Kind::reader || subject.unknown) {
        return;
    }
    if (subject.kind == Subject::Kind::random) {
        const std::vector<std::byte> bytes = contents(subject);
        expect(bytes.size() >= subject.shadow.size(), "a file is shorter than what was written");
        expect(subject.shadow.allows(0, bytes, ~std::uint32_t{0}),
               "a file does not hold what was written");
        return;
    }
    move_pipes();
    std::vector<std::byte> wanted;
    for (const std::size_t index : subject.writes) {
        const Started& write = started_[index];
        wanted.insert(wanted.end(), write.content.begin(),
                      write.content.begin() + static_cast<std::ptrdiff_t>(write.bytes));
    }
    const bool appends = subject.kind == Subject::Kind::append;
    expect((appends ? contents(subject) : subject.drained) == wanted,
           appends ? "appends are not in the order of their calls"
                   : "a pipe's bytes are not in the order of the writes");
}

void Driver::check_read(Started& started, const Completion& completion, const std::byte* data) {
    Subject& subject = subjects_[started.subject];
    const std::span got{data, data == nullptr ? 0 : completion.bytes()};
    if (subject.kind == Subject::Kind::reader) {
        for (const std::byte one : got) {
            if (!subject.unknown && one != pattern(subject.received)) {
                expect(false, "a pipe's bytes are out of order");
                subject.unknown = true;
            }
            ++subject.received;
        }
        expect(!completion.end_of_file(), "the end of a pipe that has a writer");
        return;
    }
    expect(subject.shadow.allows(started.offset, got, started.begun),
           "a read got what was not written there");
    if (completion.end_of_file()) {
        expect(started.offset + completion.bytes() >= started.size_at_least,
               "the end of the file is behind the end that was read");
    } else if (!completion.error() && started.length > 0) {
        expect(completion.bytes() == started.length || !started.exact,
               "an exact read is short, and not at the end");
    }
}

} // namespace aioxx::test
