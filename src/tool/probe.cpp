// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe.hpp"

#include "tool/failure.hpp"
#include "tool/probe_access.hpp"
#include "tool/probe_file.hpp"
#include "tool/probe_file_system.hpp"
#include "tool/probe_flush.hpp"
#include "tool/probe_system.hpp"
#include "tool/probe_words.hpp"

#include <aioxx/file/capabilities.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <initializer_list>

#include <fcntl.h>
#include <sys/stat.h>

namespace tool {
namespace {

using Direction = aioxx::Capabilities::Direction;

/// The files that stand for a path.
struct Subject {
    std::optional<ProbeFile> given;     // the path itself, open for reading
    std::optional<ProbeFile> temporary; // beside it, or in it

    ProbeFile& any() { return given ? *given : *temporary; }
    ProbeFile* reading() { return given && !given->blocks().empty() ? &*given : writing(); }
    ProbeFile* writing() { return temporary ? &*temporary : nullptr; }
};

aioxx::File open_for_reading(const std::string& path) {
    std::error_code error;
    // Its time of access is left alone where the user may ask for that.
    aioxx::File file = aioxx::File::open(path.c_str(), O_RDONLY | O_NOATIME, 0, error);
    if (error.value() == EPERM) {
        file = aioxx::File::open(path.c_str(), O_RDONLY, 0, error);
    }
    if (error) {
        throw Failure(path, "cannot open", error.value());
    }
    return file;
}

/// A temporary file in the directory of `path`, and on its file system; or else why there is none.
void add_temporary_beside(const std::string& path, Subject& subject, std::string& reason) {
    std::error_code error;
    const std::filesystem::path resolved = std::filesystem::canonical(path, error);
    const std::string directory = resolved.parent_path().string();
    if (error || directory.empty()) {
        reason = path + ": has no directory for a temporary file";
        return;
    }
    try {
        ProbeFile temporary = ProbeFile::temporary(directory, directory);
        if (mount_of(temporary.fd()) == mount_of(subject.given->fd())) {
            subject.temporary.emplace(std::move(temporary));
        } else {
            reason = directory + ": is on another file system than the file";
        }
    } catch (const Failure& failure) {
        reason = failure.what();
    }
}

Subject open_subject(const std::string& path, ProbeReport& report) {
    struct stat status {};
    // Before it is opened, which has consequences with a device, and may wait for ever with a fifo.
    if (::stat(path.c_str(), &status) != 0) {
        throw Failure(path, "cannot open", errno);
    }
    Subject subject;
    if (S_ISDIR(status.st_mode)) {
        report.kind = aioxx::FileKind::directory;
        subject.temporary.emplace(ProbeFile::temporary(path, path));
        return subject;
    }
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        throw Failure(path + ": is neither a file nor a directory nor a block device");
    }
    subject.given.emplace(open_for_reading(path), path);
    report.kind = subject.given->file().kind();
    std::error_code ignored;
    report.size = subject.given->file().size(ignored);
    if (report.kind == aioxx::FileKind::block_device) {
        report.no_writes = "block devices are only read";
    } else {
        add_temporary_beside(path, subject, report.no_writes);
    }
    return subject;
}

FlagAnswers ask_flags(const aioxx::Capabilities& found, bool direct, bool writing) {
    static constexpr const char* names[] = {"hipri",    "dsync",  "sync",      "nowait",  "append",
                                            "noappend", "atomic", "dontcache", "nosignal"};
    static_assert(std::size(names) == aioxx::Capabilities::flags.size());
    FlagAnswers answers{direct, writing, {}};
    for (std::size_t i = 0; i < std::size(names); ++i) {
        const auto flag = aioxx::Capabilities::flags[i];
        const auto direction = writing ? Direction::write : Direction::read;
        answers.answers.push_back({names[i], found.refusal(flag, direction).value()});
    }
    return answers;
}

void ask_opcodes(const aioxx::Capabilities& found, bool with_writes, std::vector<Answer>& answers) {
    static constexpr const char* names[] = {"read", "write", "fsync", "fdatasync",
                                            "poll", "readv", "writev"};
    static_assert(std::size(names) == aioxx::Capabilities::opcodes.size());
    for (std::size_t i = 0; i < std::size(names); ++i) {
        const aioxx::Opcode opcode = aioxx::Capabilities::opcodes[i];
        if (with_writes || (opcode != aioxx::Opcode::write && opcode != aioxx::Opcode::writev)) {
            answers.push_back({names[i], found.refusal(opcode).value()});
        }
    }
}

/// What reading takes is asked of the path itself, what writing takes of the temporary file.
void ask_capabilities(Subject& subject, ProbeReport& report) {
    for (const bool direct : {false, true}) {
        if (direct && report.direct_error != 0) {
            return;
        }
        ProbeFile* const writing = subject.writing();
        if (writing != nullptr && writing->set_direct(direct) == 0) {
            const auto found = aioxx::Capabilities::probe(writing->file());
            report.flags.push_back(ask_flags(found, direct, true));
            if (!direct) {
                ask_opcodes(found, true, report.opcodes);
            }
            if (!subject.given) {
                report.flags.push_back(ask_flags(found, direct, false));
            }
        }
        if (subject.given && subject.given->set_direct(direct) == 0) {
            const auto found = aioxx::Capabilities::probe(subject.given->file());
            report.flags.push_back(ask_flags(found, direct, false));
            if (!direct && writing == nullptr) {
                ask_opcodes(found, false, report.opcodes);
            }
        }
    }
}

/// Whether the file system has said that there is no room, or no right, to write.
bool is_full(int error) noexcept {
    return error == ENOSPC || error == EDQUOT || error == EROFS || error == EFBIG;
}

void measure_some(std::initializer_list<Access> accesses, AccessProbe& probe, ProbeReport& report) {
    for (const bool direct : {true, false}) {
        for (const Access access : accesses) {
            const bool known =
                !direct || (access != Access::cached_read && report.direct_error == 0);
            if (!known || !probe.has_file_for(access)) {
                continue;
            }
            const AccessReport found = probe.measure(access, direct);
            if (is_full(found.error)) {
                throw Failure(report.path, "cannot write a temporary file", found.error);
            }
            report.accesses.push_back(found);
        }
    }
}

void measure(Subject& subject, aioxx::Context context, ProbeReport& report) {
    AccessProbe probe{subject.reading(), subject.writing(), std::move(context)};
    try {
        measure_some({Access::read, Access::cached_read}, probe, report);
        measure_some({Access::overwrite, Access::append, Access::fill, Access::fsync}, probe,
                     report);
    } catch (const Failure& failure) {
        if (!subject.given) {
            throw;
        }
        report.no_writes = failure.what();
    }
    std::stable_sort(
        report.accesses.begin(), report.accesses.end(),
        [](const AccessReport& a, const AccessReport& b) { return a.direct && !b.direct; });
}

/// The kernel's answer to io_setup does not tell who gave it.
std::string cause_of(int error, const SystemReport& system) {
    switch (error) {
    case EAGAIN:
        return "sysctl"; // fs.aio-max-nr, or a machine that is out of memory
    case EPERM:
    case EACCES:
        return "seccomp";
    case ENOSYS:
        return system.limits ? "seccomp" : "kernel"; // a kernel that has it has its limits
    default:
        return "other";
    }
}

/// A thread's flush beside kernel AIO's, which is one of the accesses.
void measure_flush(Subject& subject, ProbeReport& report) {
    try {
        if (ProbeFile* const file = subject.writing()) {
            report.flush_by_thread = flush_by_thread(*file);
        }
    } catch (const Failure&) {
        report.flush_by_thread.reset(); // the accesses tell why nothing can be written
    }
}

} // namespace

ProbeReport probe(const std::string& path) {
    ProbeReport report;
    report.path = path;
    Subject subject = open_subject(path, report);
    report.system = look_at_system();
    if (report.kind != aioxx::FileKind::block_device) {
        report.file_system = file_system_of(subject.any().fd());
    }
    report.alignment = subject.any().file().direct_alignment();
    report.direct_error = subject.any().set_direct(true);
    report.reads_temporary = subject.given && subject.reading() == subject.writing();
    if (subject.reading() == nullptr) {
        // All hole, or empty; or made up while it is read, as under /proc.
        report.no_reads =
            path + (report.size == 0 ? ": says that its size is 0" : ": holds no data");
    }
    report.on_fuse = subject.any().file().is_on_fuse();
    measure_flush(subject, report);
    std::optional<aioxx::Context> context;
    try {
        context.emplace(AccessProbe::depth);
    } catch (const std::system_error& error) {
        report.aio_error = error.what(); // with the figures, where the limit is reached
        report.aio_cause = cause_of(error.code().value(), report.system);
        return report;
    }
    ask_capabilities(subject, report);
    measure(subject, std::move(*context), report);
    return report;
}

} // namespace tool
