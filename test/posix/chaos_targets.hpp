// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// What the workers of the chaos test do I/O on. Each target belongs to one thread, knows what its
// requests must have done, and checks it.

#include "posix/chaos_slot.hpp"

#include "descriptors.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <string>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace aioxx::test::chaos {

constexpr std::size_t slots_of_target = 16;
using Slots = std::array<Slot, slots_of_target>;

class Target {
public:
    virtual ~Target() = default;
    Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    /// The descriptor that new requests are made on.
    [[nodiscard]] virtual int descriptor() const = 0;
    /// Makes a request of slot `index`, which is free; for lio_listio as well.
    virtual void prepare(std::size_t index, unsigned random, Slot::How how) = 0;
    /// The request of slot `index` has ended.
    virtual void ended(std::size_t index, int error, ssize_t result) = 0;
    /// Does something that lets requests go on which wait, or disturbs them.
    virtual void disturb(unsigned random) = 0;
    /// Lets all requests complete.
    virtual void complete_all() = 0;
    /// All have ended.
    virtual void check_at_the_end() = 0;

    Slots slots;
};

/// A file of sixteen blocks, a slot for each: read and written, and closed and opened under its
/// requests.
class FileTarget final : public Target {
public:
    explicit FileTarget(int flags)
        : flags_(flags), file_(std::string(slots_of_target * block_size, '0'), O_RDWR | flags),
          fd_(::fcntl(file_, F_DUPFD_CLOEXEC, 0)) {
        contents_.fill('0');
    }

    [[nodiscard]] int descriptor() const override { return fd_; }
    void prepare(std::size_t index, unsigned random, Slot::How how) override {
        Slot& slot = slots[index];
        slot.prepare(fd_, block_size, static_cast<off_t>(index * block_size), how);
        const bool writes = random % 2 == 0;
        slot.pattern = writes ? static_cast<char>('a' + random / 2 % 26) : '?';
        slot.buffer.fill(slot.pattern);
        slot.control.aio_lio_opcode = writes ? LIO_WRITE : LIO_READ;
    }
    void ended(std::size_t index, int error, ssize_t result) override {
        const Slot& slot = slots[index];
        if (error == ECANCELED) {
            return;
        }
        tally.expect(error == 0 && result == ssize_t{block_size}, "a transfer of a file failed");
        if (slot.control.aio_lio_opcode == LIO_WRITE || slot.pattern != '?') {
            contents_[index] = slot.pattern;
        } else {
            tally.expect(is_full_of(slot.buffer.data(), contents_[index]), "a block read wrong");
        }
    }
    void disturb(unsigned random) override {
        if (random % 4 != 0) {
            return;
        }
        const std::string path = "/proc/self/fd/" + std::to_string(file_);
        fd_.close();
        fd_ = Descriptor{::open(path.c_str(), O_RDWR | flags_ | O_CLOEXEC)};
    }
    void complete_all() override {}
    void check_at_the_end() override {
        const std::string content = file_.content();
        tally.expect(content.size() == slots_of_target * block_size, "a file of another size");
        for (std::size_t i = 0; i < slots_of_target; ++i) {
            tally.expect(is_full_of(content.data() + i * block_size, contents_[i]),
                         "a block written wrong");
        }
    }

private:
    static bool is_full_of(const char* block, char byte) {
        return std::all_of(block, block + block_size, [byte](char each) { return each == byte; });
    }

    int flags_;
    TemporaryFile file_;
    Descriptor fd_;
    std::array<char, slots_of_target> contents_{};
};

/// Reads of a byte each from a stream; what they get, in their order, is what was written.
class ReadStream final : public Target {
public:
    ReadStream(Descriptor reader, Descriptor writer)
        : reader_(std::move(reader)), writer_(std::move(writer)) {}

    [[nodiscard]] int descriptor() const override { return reader_; }
    void prepare(std::size_t index, unsigned, Slot::How how) override {
        Slot& slot = slots[index];
        slot.prepare(reader_, 1, 0, how);
        slot.number = next_number_++;
        slot.control.aio_lio_opcode = LIO_READ;
    }
    void ended(std::size_t index, int error, ssize_t result) override {
        const Slot& slot = slots[index];
        tally.expect(error == ECANCELED || (error == 0 && result == 1),
                     "a read of a stream failed");
        got_[slot.number] = error == 0 ? static_cast<unsigned char>(slot.buffer[0]) : cancelled;
        while (!got_.empty() && got_.begin()->first == checked_) {
            const int byte = got_.begin()->second;
            if (byte != cancelled) {
                tally.expect(byte == static_cast<int>(read_++ % 251), "a byte out of turn");
            }
            got_.erase(got_.begin());
            ++checked_;
        }
    }
    void disturb(unsigned random) override { write_bytes(random % 8); }
    void complete_all() override {
        write_bytes(next_number_ > written_ - read_ ? slots_of_target : 0);
    }
    void check_at_the_end() override {
        tally.expect(checked_ == next_number_, "reads of a stream are missing");
        std::uint64_t left = 0;
        unsigned char byte = 0;
        ::fcntl(reader_, F_SETFL, O_NONBLOCK);
        while (::read(reader_, &byte, 1) == 1) {
            tally.expect(byte == (read_ + left) % 251, "a byte that is left is out of turn");
            ++left;
        }
        tally.expect(read_ + left == written_, "bytes were lost, or read without a request");
    }

private:
    static constexpr int cancelled = -1;

    void write_bytes(std::uint64_t count) {
        for (; count > 0 && written_ - read_ < 64; --count, ++written_) {
            const auto byte = static_cast<unsigned char>(written_ % 251);
            ssize_t length = 0;
            do {
                length = ::write(writer_, &byte, 1);
            } while (length < 0 && errno == EINTR);
            tally.expect(length == 1, "write(2) failed");
        }
    }

    Descriptor reader_;
    Descriptor writer_;
    std::uint64_t next_number_ = 0;
    std::uint64_t checked_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t read_ = 0;
    std::map<std::uint64_t, int> got_;
};

/// Writes into a pipe of one page: each is there whole, or was cancelled, and they are in order.
class WriteStream final : public Target {
public:
    WriteStream() { ::fcntl(pipe_.writer, F_SETPIPE_SZ, 4096); }

    [[nodiscard]] int descriptor() const override { return pipe_.writer; }
    void prepare(std::size_t index, unsigned, Slot::How how) override {
        Slot& slot = slots[index];
        slot.prepare(pipe_.writer, block_size - 96, 0, how);
        slot.number = next_number_++;
        slot.buffer.fill(static_cast<char>(slot.number % 251));
        slot.control.aio_lio_opcode = LIO_WRITE;
    }
    void ended(std::size_t index, int error, ssize_t result) override {
        tally.expect(error == ECANCELED || (error == 0 && result == ssize_t{block_size} - 96),
                     "a write to a pipe failed");
        went_[slots[index].number] = error == 0;
    }
    void disturb(unsigned) override {
        std::array<char, 3000> part{};
        if (readable_bytes(pipe_.reader) > 0) {
            const ssize_t length = ::read(pipe_.reader, part.data(), part.size());
            received_.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
        }
        check();
    }
    void complete_all() override { disturb(0); }
    void check_at_the_end() override {
        while (readable_bytes(pipe_.reader) > 0) {
            disturb(0);
        }
        check();
        tally.expect(received_.empty() && went_.empty(),
                     "a pipe holds other bytes than were written");
    }

private:
    void check() {
        constexpr std::size_t size = block_size - 96;
        while (!went_.empty() && went_.begin()->first == checked_) {
            if (went_.begin()->second) {
                if (received_.size() < size) {
                    return;
                }
                const auto expected = static_cast<char>(checked_ % 251);
                tally.expect(std::all_of(received_.begin(), received_.begin() + size,
                                         [=](char each) { return each == expected; }),
                             "writes are mixed, or out of turn");
                received_.erase(0, size);
            }
            went_.erase(went_.begin());
            ++checked_;
        }
    }

    Pipe pipe_;
    std::uint64_t next_number_ = 0;
    std::uint64_t checked_ = 0;
    std::map<std::uint64_t, bool> went_;
    std::string received_;
};

} // namespace aioxx::test::chaos
