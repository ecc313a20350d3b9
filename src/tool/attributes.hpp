// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/open_file.hpp"
#include "tool/remarks.hpp"

#include <string>

#include <sys/stat.h>

namespace tool {

/// What a copy has of its source beside the data. The permission bits it has always.
struct Preserve {
    bool mode = false; ///< With access control lists; also in place.
    bool ownership = false;
    bool timestamps = false;
    bool xattr = false; ///< With capabilities.
};

/// "mode,ownership,timestamps,xattr", "all". False, with the word in `word`, for another one.
[[nodiscard]] bool parse_preserve(const std::string& list, Preserve& preserve, std::string& word);

/// Gives `target` what `preserve` says, and the permission bits unless it `has_mode` already. The
/// owner comes first, as its change takes capabilities and set-user-ID away, and the times last.
/// What is refused is remarked on; what goes wrong throws a Failure.
void keep_attributes(const OpenFile& source, const struct stat& status, const OpenFile& target,
                     const Preserve& preserve, bool has_mode, Remarks& remarks);

/// The times alone.
void keep_times(const struct stat& status, const OpenFile& target, Remarks& remarks);

} // namespace tool
