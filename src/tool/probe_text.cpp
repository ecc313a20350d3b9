// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe.hpp"

#include "tool/probe_words.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace tool {
namespace {

constexpr std::size_t most_holders = 2;

/// A line of its own, whatever a name holds.
std::string entry(const char* label, std::string text) {
    std::replace_if(
        text.begin(), text.end(),
        [](char c) { return std::iscntrl(static_cast<unsigned char>(c)) != 0; }, '?');
    return fmt::format("{:<17}{}\n", label, text);
}

std::string title(const ProbeReport& report) {
    std::string text = name_of(report.kind);
    if (report.kind != aioxx::FileKind::directory) {
        text += " of " + std::to_string(report.size) + " bytes";
    }
    if (report.kind == aioxx::FileKind::directory) {
        text += ", tried with a temporary file in it";
    } else if (report.no_writes.empty()) {
        text += report.reads_temporary ? "; all is tried with a temporary file beside it"
                                       : "; writes are tried with a temporary file beside it";
    }
    return entry("path", report.path) + entry("", text);
}

/// "2 of qemu[123], 1 of mysqld[99] and of 3 more; 7 not readable": processes
std::string holders(const ContextHolders& holders) {
    std::string text = holders.seen.empty() ? "none to be seen" : "";
    const std::size_t shown = std::min(holders.seen.size(), most_holders);
    for (std::size_t i = 0; i < shown; ++i) {
        const ContextHolder& each = holders.seen[i];
        text += (i == 0 ? "" : ", ") + std::to_string(each.contexts) + " of " + each.command + '[' +
                std::to_string(each.process) + ']';
    }
    if (holders.seen.size() > shown) {
        text += " and of " + std::to_string(holders.seen.size() - shown) + " more";
    }
    if (holders.unreadable > 0) {
        text += "; " + std::to_string(holders.unreadable) + " not readable";
    }
    return text;
}

std::string system_lines(const SystemReport& system) {
    std::string text = entry("kernel", system.system + ' ' + system.release + ' ' + system.machine);
    text += entry("aioxx", system.version + ", backend: " + system.backend);
    text += entry("aio-nr", system.limits ? std::to_string(system.limits->used) +
                                                " operations reserved, of aio-max-nr " +
                                                std::to_string(system.limits->allowed)
                                          : "unknown: /proc/sys/fs cannot be read");
    text += entry("contexts", holders(system.holders));
    return text + entry("io_uring", system.io_uring.available
                                        ? "available"
                                        : "not available: " + system.io_uring.detail);
}

std::string direct_line(const ProbeReport& report) {
    if (report.direct_error != 0) {
        return "refused: " + name_of_error(report.direct_error);
    }
    const aioxx::DirectAlignment& alignment = report.alignment;
    if (!alignment.supported()) {
        return "taken, but not supported (statx says so)";
    }
    const char* const learnt =
        alignment.source == aioxx::DirectAlignment::Source::statx    ? "by statx"
        : alignment.source == aioxx::DirectAlignment::Source::device ? "by the device"
                                                                     : "assumed, not known";
    return "addresses in multiples of " + std::to_string(alignment.memory) +
           ", offsets and lengths of " + std::to_string(alignment.offset) + " (" + learnt + ")";
}

std::string file_system_line(const FileSystemReport& report) {
    if (report.mount_point.empty()) {
        return report.type;
    }
    return report.type + " on " + report.source + ", mounted at " + report.mount_point;
}

/// "read write fsync; EINVAL: poll"
std::string text_of(const std::vector<Answer>& all) {
    std::string accepted;
    std::vector<int> errors;
    for (const Answer& each : all) {
        if (each.error == 0) {
            accepted += accepted.empty() ? "" : " ";
            accepted += each.name;
        } else if (std::find(errors.begin(), errors.end(), each.error) == errors.end()) {
            errors.push_back(each.error);
        }
    }
    std::string text = accepted.empty() ? "none" : accepted;
    for (const int error : errors) {
        text += "; " + name_of_error(error) + ':';
        for (const Answer& each : all) {
            if (each.error == error) {
                text += ' ';
                text += each.name;
            }
        }
    }
    return text;
}

const FlagAnswers* find(const std::vector<FlagAnswers>& all, bool direct, bool writing) {
    const auto found = std::find_if(all.begin(), all.end(), [=](const FlagAnswers& each) {
        return each.direct == direct && each.writing == writing;
    });
    return found == all.end() ? nullptr : &*found;
}

std::string flag_lines(const ProbeReport& report) {
    std::string text;
    for (const bool writing : {false, true}) {
        const FlagAnswers* const direct = find(report.flags, true, writing);
        const FlagAnswers* const buffered = find(report.flags, false, writing);
        const std::string what = writing ? "write" : "read";
        const std::string of_direct = direct != nullptr ? text_of(direct->answers) : "";
        const std::string of_buffered = buffered != nullptr ? text_of(buffered->answers) : "";
        if (of_direct == of_buffered && !of_direct.empty()) {
            text += entry((what + " flags").c_str(), of_direct);
            continue;
        }
        if (!of_direct.empty()) {
            text += entry(("direct " + what).c_str(), of_direct);
        }
        if (!of_buffered.empty()) {
            text += entry(("buffered " + what).c_str(), of_buffered);
        }
    }
    return text;
}

const char* words_for(QueueRoute route) noexcept {
    switch (route) {
    case QueueRoute::plain:
        return "plain submit";
    case QueueRoute::call:
        return "plain call at once";
    case QueueRoute::nowait_first:
        return "NOWAIT first, else worker";
    case QueueRoute::worker:
        return "worker";
    case QueueRoute::moved_to_workers:
        return "measured, moved to workers";
    case QueueRoute::moved_at_times:
        return "plain, at times workers";
    }
    return "";
}

std::string nowait_column(const AccessReport& measured) {
    switch (measured.nowait) {
    case AccessReport::Nowait::taken:
        return std::to_string(in_thousand(measured.nowait_refusals, measured.nowait_tries));
    case AccessReport::Nowait::not_taken:
        return "no";
    default:
        return "-";
    }
}

std::string row(const AccessReport& measured) {
    const std::string name = label_of(measured);
    if (measured.error != 0) {
        return fmt::format("{:<24} refused: {}\n", name, name_of_error(measured.error));
    }
    return fmt::format("{:<24} {:>8.1f} {:>8.1f} {:>6} {:>6}  {:<20} {}\n", name,
                       microseconds(measured.in_submit), microseconds(measured.to_completion),
                       in_thousand(measured.slept, measured.submits), nowait_column(measured),
                       name_of(measured.verdict), words_for(measured.route));
}

const char* words_for_cause(const ProbeReport& report) noexcept {
    return report.aio_cause == "sysctl"    ? "fs.aio-max-nr is used up, or memory"
           : report.aio_cause == "seccomp" ? "a seccomp filter or a security module refuses it"
           : report.aio_cause == "kernel"  ? "the kernel is built without it"
                                           : "no known cause";
}

std::string flush_line(const ProbeReport& report) {
    std::string text;
    if (const auto time = flush_by_kernel(report)) {
        text = fmt::format("{:.1f} µs by kernel AIO, ", microseconds(*time));
    }
    return text + fmt::format("{:.1f} µs by a thread, as queues do it",
                              microseconds(*report.flush_by_thread));
}

/// What is below is about a file system whose server may be slow.
std::string fuse_lines(const ProbeReport& report) {
    if (!report.on_fuse) {
        return {};
    }
    const std::vector<std::string> blocking = blocking_accesses(report);
    return entry("FUSE", report.accesses.empty() ? "submits were not tried"
                         : blocking.empty()
                             ? "no kind of submit was seen to block"
                             : "submits block: " + fmt::format("{}", fmt::join(blocking, "; "))) +
           entry("", "a queue has workers make all transfers there");
}

std::string table(const ProbeReport& report) {
    std::string text;
    if (!report.accesses.empty()) {
        constexpr const char* head = "{:<24} {:>8} {:>8} {:>6} {:>6}  {:<20} {}\n";
        text += '\n' + fmt::format(head, "", "submit", "done", "slept", "EAGAIN", "", "") +
                fmt::format(head, "", "µs", "µs", "/1000", "/1000", "submission", "the queue");
        for (const AccessReport& each : report.accesses) {
            text += row(each);
        }
        text += "\nsubmit, done: time inside the call, and until completion; one at a time, "
                "medians\n"
                "slept: submits that went to sleep, eight in flight; EAGAIN: what RWF_NOWAIT "
                "refuses\n";
    }
    if (!report.no_reads.empty()) {
        text += entry("reads", "not tried: " + report.no_reads);
    }
    if (!report.no_writes.empty()) {
        text += entry("writes", "not tried: " + report.no_writes);
    }
    return text;
}

} // namespace

std::string as_text(const ProbeReport& report) {
    std::string text = title(report);
    if (!report.file_system.type.empty()) {
        text += entry("file system", file_system_line(report.file_system));
    }
    text += system_lines(report.system);
    text += entry("direct I/O", direct_line(report));
    if (report.flush_by_thread) {
        text += entry("flush", flush_line(report));
    }
    if (!report.aio_error.empty()) {
        return text + entry("kernel AIO", "not available: queues and the drop-in work by threads") +
               entry("", report.aio_error) + entry("", words_for_cause(report)) +
               fuse_lines(report);
    }
    text += entry("kernel AIO", "available") + fuse_lines(report);
    text += entry("opcodes", text_of(report.opcodes));
    return text + flag_lines(report) + table(report);
}

} // namespace tool
