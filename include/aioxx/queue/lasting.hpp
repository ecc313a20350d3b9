// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

AIOXX_NAMESPACE_BEGIN
namespace detail {

/// For a static_assert that fails wherever it is reached.
template <typename...>
inline constexpr bool never = false;

template <typename T, typename Own>
concept OtherThan = !std::is_same_v<std::remove_cvref_t<T>, Own>;

/// A File as an operation takes it: any but a temporary, which is gone before the operation begins.
class LastingFile {
public:
    template <OtherThan<LastingFile> Given>
    LastingFile(Given&& given) noexcept { // NOLINT(bugprone-forwarding-reference-overload)
        if constexpr (!std::is_convertible_v<Given&, const File&>) {
            static_assert(never<Given>, "an operation is on an aioxx::File: File::borrow or "
                                        "File::adopt makes one of a descriptor");
        } else if constexpr (!std::is_lvalue_reference_v<Given> &&
                             std::is_base_of_v<File, std::remove_cv_t<Given>>) {
            static_assert(never<Given>, "the File is a temporary: give it a name that lives until "
                                        "the operation has been started");
        } else {
            const File& file = given;
            file_ = std::addressof(file);
        }
    }

    [[nodiscard]] const File* get() const noexcept { return file_; }

private:
    const File* file_ = nullptr;
};

/// Memory as an operation borrows it: what std::span<T> is made of, and no temporary. `{pointer,
/// size}` does as well.
template <typename T>
class Lasting {
public:
    Lasting(T* data, std::size_t size) noexcept : span_(data, size) {}
    template <OtherThan<Lasting> Given>
    Lasting(Given&& given) noexcept { // NOLINT(bugprone-forwarding-reference-overload)
        using Plain = std::remove_cvref_t<Given>;
        using Named = std::remove_reference_t<Given>&;
        if constexpr (std::is_convertible_v<Plain, const char*>) {
            static_assert(never<Given>,
                          "a string literal has a NUL at its end: pass "
                          "std::as_bytes(std::span{text}) of a std::string_view or std::string "
                          "that lives until the completion");
        } else if constexpr (std::is_convertible_v<Named, std::span<T>>) {
            static_assert(std::is_lvalue_reference_v<Given> ||
                              std::ranges::enable_borrowed_range<Plain>,
                          "the memory is a temporary: give it a name that lives until the "
                          "completion, or move an AlignedBuffer in");
            span_ = given;
        } else if constexpr (std::is_convertible_v<Named, std::span<const T>>) {
            static_assert(never<Given>, "what is read into has to be writable: this is const");
        } else {
            static_assert(never<Given>,
                          "memory is a contiguous range of std::byte (of iovec for readv and "
                          "writev): std::as_bytes and std::as_writable_bytes make one of a span");
        }
    }

    [[nodiscard]] T* data() const noexcept { return span_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return span_.size(); }

private:
    std::span<T> span_;
};

} // namespace detail
AIOXX_NAMESPACE_END
