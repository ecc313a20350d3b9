// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <aioxx/kernel/namespace.hpp>

#include <cstddef>

AIOXX_NAMESPACE_BEGIN
namespace engine {

/// A place in one doubly linked list. `Tag` tells the lists apart that one object can be in.
template <typename T, int Tag = 0>
struct Link {
    T* next = nullptr;
    T* previous = nullptr;
    bool linked = false;
};

/// First in, first out, and out from the middle; owns nothing, allocates nothing.
template <typename T, int Tag = 0>
class List {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] T* front() const noexcept { return first_; }
    [[nodiscard]] T* back() const noexcept { return last_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void push_back(T& item) noexcept {
        Link<T, Tag>& link = item;
        link = {nullptr, last_, true};
        if (last_ != nullptr) {
            at(*last_).next = &item;
        } else {
            first_ = &item;
        }
        last_ = &item;
        ++size_;
    }

    void push_front(T& item) noexcept {
        Link<T, Tag>& link = item;
        link = {first_, nullptr, true};
        if (first_ != nullptr) {
            at(*first_).previous = &item;
        } else {
            last_ = &item;
        }
        first_ = &item;
        ++size_;
    }

    /// Behind all that are not behind it: `before(a, b)` says that a goes before b.
    template <typename Before>
    void insert(T& item, Before before) noexcept {
        T* behind = last_;
        while (behind != nullptr && before(item, *behind)) {
            behind = at(*behind).previous;
        }
        if (behind == last_) {
            push_back(item);
        } else if (behind == nullptr) {
            push_front(item);
        } else {
            T* const follower = at(*behind).next;
            static_cast<Link<T, Tag>&>(item) = {follower, behind, true};
            at(*behind).next = &item;
            at(*follower).previous = &item;
            ++size_;
        }
    }

    void remove(T& item) noexcept {
        Link<T, Tag>& link = item;
        (link.previous != nullptr ? at(*link.previous).next : first_) = link.next;
        (link.next != nullptr ? at(*link.next).previous : last_) = link.previous;
        link = {};
        --size_;
    }

    /// Takes the first `count` off, of which `visit` is told one by one; it may not change the
    /// list.
    template <typename Visit>
    void drop_front(std::size_t count, Visit visit) noexcept {
        T* item = first_;
        for (std::size_t i = 0; i < count; ++i) {
            T* const next = at(*item).next;
            static_cast<Link<T, Tag>&>(*item) = {};
            visit(*item);
            item = next;
        }
        first_ = item;
        (item != nullptr ? at(*item).previous : last_) = nullptr;
        size_ -= count;
    }

    T* pop_front() noexcept {
        T* const item = first_;
        if (item != nullptr) {
            Link<T, Tag>& link = *item;
            first_ = link.next;
            (first_ != nullptr ? at(*first_).previous : last_) = nullptr;
            link = {};
            --size_;
        }
        return item;
    }

    static T* previous(const T& item) noexcept {
        return static_cast<const Link<T, Tag>&>(item).previous;
    }
    static T* next(const T& item) noexcept { return static_cast<const Link<T, Tag>&>(item).next; }

private:
    static Link<T, Tag>& at(T& item) noexcept { return item; }

    T* first_ = nullptr;
    T* last_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace engine
AIOXX_NAMESPACE_END
