// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
// A write-ahead log with group commit: many writers, few flushes: write_ahead_log FILE

#include <aioxx/aioxx.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <fcntl.h>

namespace {

class Log {
public:
    Log(aioxx::Queue& queue, const char* path)
        : queue_(queue), file_(aioxx::File::open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) {}

    /// Returns when `record` is on disk. Those that come while a flush is under way share the next.
    aioxx::Task<> commit(std::string record) {
        check();
        check(co_await queue_.write_all(file_, record).completion());
        const std::uint64_t mine = ++written_;
        co_await flusher_.acquire(); // one flush at a time
        if (durable_ < mine && !failure_) {
            const std::uint64_t covered = written_;
            failure_ = (co_await queue_.fdatasync(file_).completion()).error();
            durable_ = covered;
            ++flushes;
        }
        flusher_.release();
        check();
    }

    std::uint64_t flushes = 0;

private:
    /// Once a write or a flush has failed, no later success proves anything: all commits fail.
    void check(const aioxx::Completion& done = {}) {
        if (failure_ || (failure_ = done.error())) {
            throw std::system_error(failure_, "the log is broken");
        }
    }

    aioxx::Queue& queue_;
    aioxx::File file_;
    aioxx::Semaphore flusher_{queue_, 1};
    std::uint64_t written_ = 0; // records
    std::uint64_t durable_ = 0;
    std::error_code failure_;
};

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) {
            std::cerr << "usage: write_ahead_log FILE\n";
            return 2;
        }
        aioxx::Queue queue;
        Log log{queue, argv[1]};
        std::vector<aioxx::Task<>> commits;
        commits.reserve(100);
        for (int i = 0; i < 100; ++i) {
            commits.push_back(log.commit("record " + std::to_string(i) + '\n'));
        }
        aioxx::run(queue, aioxx::when_all(std::move(commits)));
        std::cout << "100 records, " << log.flushes << " flushes\n";
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
