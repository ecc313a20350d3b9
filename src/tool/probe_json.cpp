// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe.hpp"

#include "tool/probe_words.hpp"

#include <nlohmann/json.hpp>

namespace tool {
namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) {
    return text.empty() ? Json{} : Json(text);
}

Json error_or_null(int error) {
    return error == 0 ? Json{} : Json(name_of_error(error));
}

Json limits(const std::optional<aioxx::Limits>& limits) {
    if (!limits) {
        return {};
    }
    return Json{{"aio_nr", limits->used}, {"aio_max_nr", limits->allowed}};
}

Json contexts(const ContextHolders& holders) {
    Json seen = Json::array();
    for (const ContextHolder& each : holders.seen) {
        seen.push_back(
            {{"process", each.process}, {"command", each.command}, {"contexts", each.contexts}});
    }
    return Json{{"holders", seen}, {"processes_not_readable", holders.unreadable}};
}

Json io_uring(const IoUringReport& report) {
    return Json{{"available", report.available},
                {"error", error_or_null(report.error)},
                {"cause", text_or_null(report.cause)},
                {"detail", text_or_null(report.detail)}};
}

Json file_system(const FileSystemReport& report) {
    return Json{{"type", text_or_null(report.type)},
                {"source", text_or_null(report.source)},
                {"mount_point", text_or_null(report.mount_point)}};
}

Json direct_io(const ProbeReport& report) {
    return Json{{"error", error_or_null(report.direct_error)},
                {"memory_alignment", report.alignment.memory},
                {"offset_alignment", report.alignment.offset},
                {"learnt_from", name_of(report.alignment.source)}};
}

/// By name: null for what is accepted, else the error.
Json json_of(const std::vector<Answer>& all) {
    Json object = Json::object();
    for (const Answer& each : all) {
        object[each.name] = error_or_null(each.error);
    }
    return object;
}

Json flags(const std::vector<FlagAnswers>& all) {
    Json object = Json::object();
    for (const FlagAnswers& each : all) {
        object[each.direct ? "direct" : "buffered"][each.writing ? "write" : "read"] =
            json_of(each.answers);
    }
    return object;
}

const char* word_for(QueueRoute route) noexcept {
    switch (route) {
    case QueueRoute::plain:
        return "plain";
    case QueueRoute::call:
        return "call";
    case QueueRoute::nowait_first:
        return "nowait-first";
    case QueueRoute::worker:
        return "worker";
    case QueueRoute::moved_to_workers:
        return "moved-to-workers";
    case QueueRoute::moved_at_times:
        return "moved-at-times";
    }
    return "";
}

Json nowait(const AccessReport& measured) {
    if (measured.nowait == AccessReport::Nowait::not_applicable) {
        return {};
    }
    return Json{
        {"taken", measured.nowait == AccessReport::Nowait::taken},
        {"tries", measured.nowait_tries},
        {"refusals", measured.nowait_refusals},
        {"refusals_per_1000", in_thousand(measured.nowait_refusals, measured.nowait_tries)}};
}

Json access(const AccessReport& measured) {
    Json object{{"access", name_of(measured.access)},
                {"direct", measured.direct},
                {"error", error_or_null(measured.error)}};
    if (measured.error != 0) {
        return object;
    }
    object["one_at_a_time"] = {
        {"operations", measured.operations},
        {"submit_us", microseconds(measured.in_submit)},
        {"completion_us", microseconds(measured.to_completion)},
        {"complete_on_return_per_1000", in_thousand(measured.at_once, measured.operations)}};
    object["eight_in_flight"] = {{"submits", measured.submits},
                                 {"voluntary_switches", measured.switches},
                                 {"slept_per_1000", in_thousand(measured.slept, measured.submits)}};
    object["nowait"] = nowait(measured);
    object["verdict"] = name_of(measured.verdict);
    object["queue"] = word_for(measured.route);
    return object;
}

Json microseconds_or_null(const std::optional<std::chrono::nanoseconds>& time) {
    return time ? Json(microseconds(*time)) : Json{};
}

Json flush(const ProbeReport& report) {
    return Json{{"kernel_aio_us", microseconds_or_null(flush_by_kernel(report))},
                {"thread_us", microseconds_or_null(report.flush_by_thread)}};
}

/// Null elsewhere.
Json fuse(const ProbeReport& report) {
    if (!report.on_fuse) {
        return {};
    }
    return Json{{"submits_block", blocking_accesses(report)}, {"queue", "worker"}};
}

} // namespace

std::string as_json(const ProbeReport& report) {
    Json object{{"path", report.path},
                {"kind", name_of(report.kind)},
                {"size", report.kind == aioxx::FileKind::directory ? Json{} : Json(report.size)},
                {"file_system", file_system(report.file_system)},
                {"kernel",
                 {{"system", report.system.system},
                  {"release", report.system.release},
                  {"machine", report.system.machine}}},
                {"version", report.system.version},
                {"backend", report.system.backend},
                {"limits", limits(report.system.limits)},
                {"contexts", contexts(report.system.holders)},
                {"io_uring", io_uring(report.system.io_uring)},
                {"direct_io", direct_io(report)},
                {"kernel_aio", report.aio_error.empty()},
                {"kernel_aio_error", text_or_null(report.aio_error)},
                {"kernel_aio_cause", text_or_null(report.aio_cause)},
                {"flush", flush(report)},
                {"fuse", fuse(report)},
                {"opcodes", json_of(report.opcodes)},
                {"flags", flags(report.flags)},
                {"reads_of_temporary_file", report.reads_temporary},
                {"reads_not_tried", text_or_null(report.no_reads)},
                {"writes_not_tried", text_or_null(report.no_writes)}};
    Json accesses = Json::array();
    for (const AccessReport& each : report.accesses) {
        accesses.push_back(access(each));
    }
    object["accesses"] = accesses;
    constexpr int indentation = 2;
    // A path may hold any bytes; JSON may not.
    return object.dump(indentation, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace tool
