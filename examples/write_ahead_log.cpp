// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A write-ahead log with group commit: many writers, few flushes: write_ahead_log FILE

#include <aioxx/aioxx.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>

namespace {

class Log {
public:
    Log(aioxx::Queue& queue, const char* path)
        : queue_(queue), file_(aioxx::File::open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) {}

    /// Returns when `record` is on disk. Appends go out in the order of the calls. Those that
    /// come while a flush is under way share the next one.
    aioxx::Task<> commit(std::string record) {
        check();
        check(co_await queue_.write_all(file_, std::as_bytes(std::span{record}), 0).completion());
        const std::uint64_t mine = ++written_;
        for (; durable_ < mine; check()) {
            if (covered_ > durable_) { // by a flush that is under way
                co_await queue_.sleep_for(std::chrono::microseconds{100});
                continue;
            }
            covered_ = written_;
            check(co_await queue_.fdatasync(file_).completion());
            durable_ = covered_;
            ++flushes_;
        }
    }

    [[nodiscard]] std::uint64_t flushes() const { return flushes_; }

private:
    /// Once a write or a flush has failed, no later success proves anything: all commits fail.
    void check(const aioxx::Completion& done = {}) {
        if (failure_ || (failure_ = done.error())) {
            throw std::system_error(failure_, "the log is broken");
        }
    }

    aioxx::Queue& queue_;
    aioxx::File file_;
    std::uint64_t written_ = 0; // records
    std::uint64_t covered_ = 0; // by the last flush that was begun
    std::uint64_t durable_ = 0;
    std::uint64_t flushes_ = 0;
    std::error_code failure_;
};

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) {
            throw std::invalid_argument("usage: write_ahead_log FILE");
        }
        constexpr int writers = 100;
        aioxx::Queue queue;
        Log log{queue, argv[1]};
        std::vector<aioxx::Task<>> commits;
        commits.reserve(writers);
        for (int i = 0; i < writers; ++i) {
            commits.push_back(log.commit("record " + std::to_string(i) + '\n'));
        }
        aioxx::run(queue, aioxx::when_all(std::move(commits)));
        std::cout << writers << " records, " << log.flushes() << " flushes\n";
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
