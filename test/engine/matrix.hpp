// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

// Operations of one kind on one kind of file, by the hundred: how often the queue's thread went to
// sleep inside the calls that start them, by which routes they went, and whether the data is right.

#include <aioxx/aioxx.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace aioxx::test {

constexpr std::size_t block_size = 4096;
constexpr std::size_t block_count = 512;
constexpr unsigned in_flight_at_a_time = 32;

/// How often this thread has gone to sleep by itself.
long voluntary_switches() noexcept;

/// What one cell of the matrix came to.
struct Measured {
    std::size_t operations = 0;
    long switches = 0; // across the calls that start operations
    std::size_t failed = 0;
    bool data_right = false;
    QueueStatistics statistics;

    [[nodiscard]] double switches_an_operation() const {
        return static_cast<double>(switches) / static_cast<double>(operations);
    }
};

/// Keeps so many operations going until all are done: `start(i, slot)` starts the i-th, in a
/// counted() call, with ending(slot) as its callback.
class Load {
public:
    explicit Load(const Queue::Options& options) : queue_(options) {}

    Queue& queue() noexcept { return queue_; }
    /// A callback that expects `result`, and frees the slot.
    auto ending(unsigned slot, std::int64_t result) {
        return [this, slot, result](const Completion& done) {
            failed_ += done.result() == result ? 0U : 1U;
            free_.push_back(slot);
        };
    }
    /// Counts the switches across `call()`.
    template <typename Call>
    void counted(Call&& call) {
        const long before = voluntary_switches();
        call();
        switches_ += voluntary_switches() - before;
    }
    void free(unsigned slot) { free_.push_back(slot); }
    void run(std::size_t operations, const std::function<void(std::size_t, unsigned)>& start);

    [[nodiscard]] Measured measured() const;

private:
    std::vector<unsigned> free_;
    std::size_t operations_ = 0;
    std::size_t failed_ = 0;
    long switches_ = 0;
    Queue queue_;
};

/// Files in one directory, or one block device.
class Matrix {
public:
    /// What is in the file before.
    enum class Before { cold, warm, nothing, hole };

    Matrix(std::string name, std::string directory)
        : name_(std::move(name)), directory_(std::move(directory)) {}
    static Matrix on_device(std::string name, std::string path) {
        Matrix matrix{std::move(name), {}};
        matrix.device_ = std::move(path);
        return matrix;
    }

    Queue::Options options;

    Measured read(int flags, Before before);
    Measured write(int flags, Before before);
    Measured fsync();

    /// Runs a cell and checks what has to hold in each; prints it.
    void check(const char* what, const Measured& measured) const;

private:
    [[nodiscard]] File prepare(int flags, Before before);

    std::string name_;
    [[nodiscard]] std::string path() const {
        return device_.empty() ? directory_ + "/matrix" + std::to_string(files_) : device_;
    }

    std::string directory_;
    std::string device_;
    unsigned files_ = 0;
};

} // namespace aioxx::test
