// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/destination.hpp"

#include "tool/failure.hpp"
#include "tool/temporary_file.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

/// The file that has the name already, or a new one: what is in it so far is what the target has.
class FileInPlace final : public Destination {
public:
    FileInPlace(const Directory& directory, const std::string& base, std::string name,
                bool readable)
        : name_(std::move(name)) {
        constexpr unsigned private_mode = 0600; // until it is complete
        std::error_code error;
        file_ = aioxx::File::open_at(directory.fd(), base.c_str(), O_RDWR, 0, error);
        if (error.value() == ENOENT) {
            is_new_ = true;
            file_ = aioxx::File::open_at(directory.fd(), base.c_str(), O_CREAT | O_EXCL | O_RDWR,
                                         private_mode, error);
        } else if (error.value() == EACCES && !readable) {
            file_ = aioxx::File::open_at(directory.fd(), base.c_str(), O_WRONLY, 0, error);
        }
        if (error) {
            throw Failure(name_, "cannot open", error.value());
        }
    }

    [[nodiscard]] int fd() const noexcept override { return file_.fd(); }
    [[nodiscard]] bool has_mode() const noexcept override { return !is_new_; }
    [[nodiscard]] bool changes_directory() const noexcept override { return is_new_; }
    void empty() override {
        if (!is_new_ && ::ftruncate(fd(), 0) != 0) {
            throw Failure(name_, "cannot empty it", errno);
        }
    }
    void commit() override {}

private:
    std::string name_;
    aioxx::File file_;
    bool is_new_ = false;
};

} // namespace

std::unique_ptr<Destination> make_replacement(const Directory& directory, const std::string& base) {
    return std::make_unique<TemporaryFile>(directory, base);
}

std::unique_ptr<Destination> open_in_place(const Directory& directory, const std::string& base,
                                           const std::string& name, bool readable) {
    return std::make_unique<FileInPlace>(directory, base, name, readable);
}

} // namespace tool
