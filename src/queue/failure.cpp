// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "queue/failure.hpp"

#include "queue/opened_file.hpp"
#include "queue/outstanding.hpp"
#include "queue/record.hpp"

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>

AIOXX_NAMESPACE_BEGIN
namespace queue {
namespace {

using engine::Kind;

/// A std::system_error with a text of its own. Its users know it as the former.
class Failure final : public std::system_error {
public:
    Failure(int error, const std::string& text)
        : std::system_error(error, std::generic_category()), text_(text) {}
    [[nodiscard]] const char* what() const noexcept override { return text_.what(); }

private:
    std::runtime_error text_; // which is copied without allocating
};

const char* name_of(const detail::Request& request) noexcept {
    if (request.exact && request.kind == Kind::read) {
        return "read_full";
    }
    return request.exact && request.kind == Kind::write ? "write_all"
                                                        : queue::name_of(request.kind);
}

std::string described(const detail::Request& request, int descriptor) {
    std::string text = name_of(request);
    if (request.is_transfer()) {
        text += " of " + std::to_string(request.length);
        text += request.is_vectored() ? " parts" : " bytes";
        text += request.needs_stream ? "" : " at " + std::to_string(request.offset);
    }
    if (request.kind == Kind::open) {
        const char* const path = OpenedFile::path_in(request.buffer);
        text += std::string{" of "} + (path != nullptr ? path : "a file");
    } else if (descriptor >= 0) {
        text += ", descriptor " + std::to_string(descriptor);
    }
    return text;
}

/// A time-out is none of a connection's.
std::string reason(int error) {
    return error == ETIMEDOUT ? "timed out" : std::generic_category().message(error);
}

/// Which alignment of direct I/O `request` has broken, in brackets; empty when none.
std::string broken_alignment(const detail::Request& request, const detail::StartedFile& file) {
    if ((file.status_flags & O_DIRECT) == 0 || !request.is_transfer()) {
        return {};
    }
    constexpr std::uint32_t least = 512; // of sectors
    const bool known =
        file.alignment.supported() && file.alignment.source != DirectAlignment::Source::assumed;
    const std::uint32_t unit = known ? file.alignment.offset : least;
    const std::uint32_t memory = known ? file.alignment.memory : least;
    const auto multiples = [known](const char* of_what, std::uint32_t of) {
        return std::string{" (direct I/O here wants "} + of_what + " in multiples of " +
               std::to_string(of) + (known ? ")" : " or more)");
    };
    if (request.offset % static_cast<std::int64_t>(unit) != 0) {
        return multiples("offsets", unit);
    }
    if (!request.is_vectored() && request.length % unit != 0) {
        return multiples("lengths", unit);
    }
    if (!request.is_vectored() && reinterpret_cast<std::uintptr_t>(request.data) % memory != 0) {
        return multiples("memory at addresses", memory);
    }
    return {};
}

const char* refusal(const detail::Request& request, int error) noexcept {
    switch (error) {
    case EAGAIN:
        return request.has_more_to_prepare()
                   ? " (the queue is full: Options::limit, or copy_limit for borrowed memory)"
                   : " (the queue is full: Options::limit)";
    case EBADF:
        return " (the File is not open)";
    case ECANCELED:
        return " (the queue is closed)";
    case EINVAL:
        if (request.needs_stream) {
            return " (no offset was given, and the file is no stream; or the queue is not open)";
        }
        if (request.is_vectored() && request.length > most_parts) {
            return " (more parts than the kernel takes, 1024)";
        }
        if (request.unaligned) {
            return " (more bytes, in whole blocks, than Options::copy_limit; or the queue is not "
                   "open)";
        }
        return request.can_be_given_up ? " (more borrowed memory than Options::copy_limit: move an "
                                         "AlignedBuffer in; or the "
                                         "queue is not open)"
                                       : " (the queue is not open, or another process's)";
    default:
        return "";
    }
}

} // namespace

void throw_failed(const detail::Request& request, const detail::StartedFile& file, int error) {
    const std::string why = error == EINVAL ? broken_alignment(request, file) : std::string{};
    throw Failure{error, described(request, file.descriptor) + ": " + reason(error) + why};
}

void throw_refused(const detail::Request& request, int error) {
    if (request.begun) {
        throw std::logic_error{"aioxx::Operation: " + described(request, -1) +
                               " has begun already, or has been moved from"};
    }
    const bool named = request.file != nullptr && request.file->is_open();
    throw Failure{error, described(request, named ? request.file->fd() : -1) +
                             " is refused: " + reason(error) + refusal(request, error)};
}

} // namespace queue

void detail::throw_behind_end() {
    throw std::out_of_range{"aioxx::Part: behind the end of the memory"};
}

AIOXX_NAMESPACE_END
