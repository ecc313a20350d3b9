// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/copy.hpp"

#include "tool/destination.hpp"
#include "tool/failure.hpp"
#include "tool/file_copy.hpp"
#include "tool/progress.hpp"
#include "tool/several_copies.hpp"
#include "tool/target_name.hpp"
#include "tool/transfer.hpp"

#include <string>

namespace tool {
namespace {

void copy_one(const CopyOptions& options) {
    Directories directories;
    LazyQueue queue;
    FileCopy file{options, options.sources.front(), options.target, directories};
    Progress progress{options.quiet};
    progress.begin("copy", file.size());
    file.copy(queue, progress);
    progress.finish(file.is_clone() ? "clone" : "copy");
    file.finish();
    file.flush();
    if (options.verify) {
        progress.begin("verify", file.copied_size());
        file.verify(queue, progress);
        progress.finish("verify");
    }
    file.commit();
    if (const Directory* const directory = file.changed_directory()) {
        directory->flush(file.name(), file.remarks());
    }
    file.remarks().tell_user_of(file.name());
}

} // namespace

bool copy(const CopyOptions& options) {
    if (is_directory(options.target)) {
        return SeveralCopies{options}.run();
    }
    if (options.sources.size() > 1) {
        throw Failure(options.target + ": is not a directory, where several files could go");
    }
    copy_one(options);
    return true;
}

} // namespace tool
