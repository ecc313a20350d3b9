// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include <aioxx/file/buffer_pool.hpp>

#include "file/buffer_store.hpp"

AIOXX_NAMESPACE_BEGIN

BufferPool::BufferPool(std::size_t count, std::size_t size, std::size_t alignment)
    : store_(new detail::BufferStore{count, size, alignment}) {}

BufferPool::~BufferPool() {
    store_->close();
}

AlignedBuffer BufferPool::try_take() noexcept {
    return store_->try_take();
}

std::size_t BufferPool::count() const noexcept {
    return store_->count();
}

std::size_t BufferPool::buffer_size() const noexcept {
    return store_->size();
}

std::size_t BufferPool::alignment() const noexcept {
    return store_->alignment();
}

std::size_t BufferPool::available() const noexcept {
    return store_->available();
}

std::size_t BufferPool::waiting() const noexcept {
    return store_->waiting();
}

BufferPool::Pages BufferPool::pages() const noexcept {
    return store_->pages();
}

AIOXX_NAMESPACE_END
