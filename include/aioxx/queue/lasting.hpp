// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/file/file.hpp>
#include <aioxx/queue/memory.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
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

/// Memory as an operation borrows it, and no temporary: what std::span<T> is made of; where T is
/// std::byte any contiguous range of what is trivially copyable. `{pointer, size}` does as well.
template <typename T>
class Lasting {
public:
    Lasting(T* data, std::size_t size) noexcept : span_(data, size) {}
    template <OtherThan<Lasting> Given>
    Lasting(Given&& given) noexcept { // NOLINT(bugprone-forwarding-reference-overload)
        using Named = std::remove_reference_t<Given>&;
        if constexpr (is_text<std::remove_reference_t<Given>>) {
            static_assert(never<Given>, "a string literal has a NUL at its end: pass a "
                                        "std::string_view, or a std::string that lives until the "
                                        "completion");
        } else if constexpr (std::is_convertible_v<Named, std::span<T>>) {
            static_assert(
                lasts<Given>,
                "the memory is a temporary: give it a name that lives until the completion, or "
                "move an AlignedBuffer, a std::vector or a std::string in");
            span_ = given;
        } else if constexpr (is_byte && std::ranges::contiguous_range<Named> &&
                             std::ranges::sized_range<Named>) {
            using Element = ElementOf<Named>;
            static_assert(
                lasts<Given>,
                "the memory is a temporary: give it a name that lives until the completion, or "
                "move an AlignedBuffer, a std::vector or a std::string in");
            static_assert(is_plain<Element>, "memory is a contiguous range of bytes, or of what is "
                                             "trivially copyable and no pointer; parts (iovec) are "
                                             "for readv and writev");
            static_assert(std::is_const_v<T> || !std::is_const_v<Element>,
                          "what is read into has to be writable: this is const");
            if constexpr (is_plain<Element> && (std::is_const_v<T> || !std::is_const_v<Element>)) {
                span_ = {reinterpret_cast<T*>(std::ranges::data(given)),
                         std::ranges::size(given) * sizeof(Element)};
            }
        } else {
            static_assert(never<Given>, "memory is a contiguous range of bytes, or of what is "
                                        "trivially copyable (of iovec for readv and writev)");
        }
    }

    [[nodiscard]] T* data() const noexcept { return span_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return span_.size(); }

private:
    static constexpr bool is_byte = std::is_same_v<std::remove_const_t<T>, std::byte>;
    /// A literal, or something else that ends with its NUL.
    template <typename Given>
    static constexpr bool is_text = std::is_convertible_v<std::remove_cv_t<Given>, const char*> &&
                                    !(std::is_array_v<Given> && !std::is_const_v<Given>);
    template <typename Given>
    static constexpr bool lasts = std::is_lvalue_reference_v<Given> ||
                                  std::ranges::enable_borrowed_range<std::remove_cvref_t<Given>>;

    std::span<T> span_;
};

/// Where in a file a transfer begins: in bytes from the start, or nowhere, which is for streams.
class Offset {
public:
    Offset() noexcept = default;
    Offset(std::int64_t bytes) noexcept : bytes_(bytes), is_given_(true) {}

    [[nodiscard]] std::int64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool is_given() const noexcept { return is_given_; }

private:
    std::int64_t bytes_ = 0;
    bool is_given_ = false;
};

} // namespace detail
AIOXX_NAMESPACE_END
