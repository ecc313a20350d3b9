// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include <string>

namespace tool {

/// The file that execvp(3) runs for `name`; empty where it finds none.
[[nodiscard]] std::string find_program(const std::string& name);

/// Why the dynamic linker does not load `library` (a path) into the program in the file `program`,
/// or into what runs it, if it is a script: "it is statically linked". Empty where nothing is known
/// to be in the way.
[[nodiscard]] std::string why_not_reached(const std::string& program, const std::string& library);

} // namespace tool
