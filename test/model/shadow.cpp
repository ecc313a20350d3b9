// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "model/shadow.hpp"

#include <algorithm>

namespace aioxx::test {

void Shadow::begin_write(std::size_t at, std::size_t length) {
    for (Byte& byte : std::span{bytes_}.subspan(at, length)) {
        byte.mixed = byte.under_way > 0;
        ++byte.under_way;
        byte.changed = now_;
    }
    ++now_;
}

void Shadow::end_write(std::size_t at, std::span<const std::byte> written, std::size_t length,
                       bool rest_is_known) {
    for (std::size_t i = 0; i < length; ++i) {
        Byte& byte = bytes_[at + i];
        --byte.under_way;
        byte.changed = now_;
        if (i < written.size()) {
            byte.value = static_cast<std::uint8_t>(written[i]);
            byte.unknown = byte.mixed;
        } else if (!rest_is_known) {
            byte.unknown = true;
        }
        byte.mixed = byte.mixed && byte.under_way > 0;
    }
    if (!written.empty()) {
        size_ = std::max(size_, at + written.size());
    }
    ++now_;
}

bool Shadow::allows(std::size_t at, std::span<const std::byte> got, std::uint32_t begun) const {
    for (std::size_t i = 0; i < got.size(); ++i) {
        const Byte& byte = bytes_.at(at + i);
        const bool known = !byte.unknown && byte.under_way == 0 && byte.changed < begun;
        if (known && byte.value != static_cast<std::uint8_t>(got[i])) {
            return false;
        }
    }
    return true;
}

} // namespace aioxx::test
