// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "tool/probe_access.hpp"

#include "tool/failure.hpp"
#include "tool/probe_verdict.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/resource.h>

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;
using Nowait = AccessReport::Nowait;

constexpr std::chrono::milliseconds time_of_a_pass{50}; // there are thirty of them at the most
constexpr unsigned fewest_operations = 8;

long voluntary_switches() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

bool is_read(Access access) noexcept {
    return access == Access::read || access == Access::cached_read;
}

std::chrono::nanoseconds median(std::vector<std::chrono::nanoseconds>& times) {
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
}

/// Calls `operation(i)` for the blocks one after the other, until it returns false or time is up.
template <typename Operation>
void for_a_while(std::size_t blocks, Operation operation) {
    const Clock::time_point end = Clock::now() + time_of_a_pass;
    for (std::size_t i = 0; i < blocks && (i < fewest_operations || Clock::now() < end); ++i) {
        if (!operation(i)) {
            return;
        }
    }
}

} // namespace

AccessProbe::AccessProbe(ProbeFile* reading, ProbeFile* writing, aioxx::Context context)
    : reading_(reading), writing_(writing), context_(std::move(context)) {
    for (Slot& slot : slots_) {
        free_.push_back(&slot);
    }
}

bool AccessProbe::has_file_for(Access access) const noexcept {
    return (is_read(access) ? reading_ : writing_) != nullptr;
}

ProbeFile& AccessProbe::file_for(Access access) const noexcept {
    return is_read(access) ? *reading_ : *writing_;
}

int AccessProbe::prepare(Access access, bool direct) {
    ProbeFile& file = file_for(access);
    if (access == Access::append) {
        file.make_empty();
    } else if (access == Access::fill) {
        file.make_hole();
    } else if (&file == writing_) {
        file.write_data();
        if (direct) {
            file.forget_all(); // with NOWAIT a direct write over what is cached is refused
        }
    }
    return file.set_direct(direct);
}

void AccessProbe::prepare_one(Access access, Slot& slot, std::size_t index) {
    ProbeFile& file = file_for(access);
    const std::int64_t block = file.blocks()[index];
    switch (access) {
    case Access::read:
        file.forget(block);
        slot.iocb.prepare_read(file.fd(), slot.block, block);
        break;
    case Access::cached_read:
        file.remember(block);
        slot.iocb.prepare_read(file.fd(), slot.block, block);
        break;
    case Access::fsync:
        file.dirty(block);
        slot.iocb.prepare_fsync(file.fd());
        break;
    case Access::append: // in order
        slot.iocb.prepare_write(file.fd(), slot.block,
                                static_cast<std::int64_t>(index * file.block_size()));
        break;
    default:
        slot.iocb.prepare_write(file.fd(), slot.block, block);
    }
}

int AccessProbe::wait_for_one() {
    std::error_code error;
    do {
        context_.wait(events_, 1, error);
    } while (error.value() == EINTR);
    if (error) {
        throw std::system_error(error, "io_getevents");
    }
    return events_[0].error().value();
}

AccessProbe::Sample AccessProbe::carry_out() {
    Sample sample;
    std::error_code error;
    const Clock::time_point begin = Clock::now();
    context_.submit(slots_[0].iocb, error);
    const Clock::time_point returned = Clock::now();
    if (error) {
        sample.error = error.value();
        return sample;
    }
    sample.at_once = context_.reap(events_, error) > 0;
    sample.error = sample.at_once ? events_[0].error().value() : wait_for_one();
    sample.to_completion = Clock::now() - begin;
    sample.in_submit = returned - begin;
    return sample;
}

void AccessProbe::measure_one_at_a_time(AccessReport& report) {
    std::vector<std::chrono::nanoseconds> in_submit;
    std::vector<std::chrono::nanoseconds> to_completion;
    for_a_while(file_for(report.access).blocks().size(), [&](std::size_t i) {
        prepare_one(report.access, slots_[0], i);
        const Sample sample = carry_out();
        if (sample.error != 0) {
            report.error = sample.error;
            return false;
        }
        ++report.operations;
        report.at_once += sample.at_once ? 1U : 0U;
        in_submit.push_back(sample.in_submit);
        to_completion.push_back(sample.to_completion);
        return true;
    });
    if (report.error == 0) {
        report.in_submit = median(in_submit);
        report.to_completion = median(to_completion);
    }
}

void AccessProbe::submit_among_others(AccessReport& report, Slot& slot) {
    std::error_code error;
    const long before = voluntary_switches();
    context_.submit(slot.iocb, error);
    const long switches = voluntary_switches() - before;
    if (error) {
        report.error = error.value();
        free_.push_back(&slot);
        return;
    }
    ++report.submits;
    report.switches += switches;
    report.slept += switches > 0 ? 1U : 0U;
}

void AccessProbe::measure_with_others(AccessReport& report) {
    const auto take_one = [&] {
        const int error = wait_for_one();
        report.error = report.error == 0 ? error : report.error;
        free_.push_back(events_[0].data_as<Slot>());
    };
    for_a_while(file_for(report.access).blocks().size(), [&](std::size_t i) {
        if (free_.empty()) {
            take_one();
        }
        Slot& slot = *free_.back();
        free_.pop_back();
        prepare_one(report.access, slot, i);
        slot.iocb.set_data(&slot);
        submit_among_others(report, slot);
        return report.error == 0;
    });
    while (free_.size() < depth) {
        take_one();
    }
}

void AccessProbe::measure_nowait(AccessReport& report) {
    report.nowait = Nowait::taken;
    for_a_while(file_for(report.access).blocks().size(), [&](std::size_t i) {
        prepare_one(report.access, slots_[0], i);
        slots_[0].iocb.set_rw_flags(aioxx::RwFlags::nowait);
        const Sample sample = carry_out();
        if (sample.error != 0 && sample.error != EAGAIN) {
            report.nowait = Nowait::not_taken; // EOPNOTSUPP, at once or in the event
            return false;
        }
        ++report.nowait_tries;
        report.nowait_refusals += sample.error == EAGAIN ? 1U : 0U;
        return true;
    });
}

AccessReport AccessProbe::measure(Access access, bool direct) {
    AccessReport report;
    report.access = access;
    report.direct = direct;
    ProbeFile& file = file_for(access);
    for (Slot& slot : slots_) {
        slot.block = file.make_block();
    }
    for (const auto pass : {&AccessProbe::measure_one_at_a_time, &AccessProbe::measure_with_others,
                            &AccessProbe::measure_nowait}) {
        if (pass == &AccessProbe::measure_nowait && access == Access::fsync) {
            continue;
        }
        report.error = prepare(access, direct);
        if (report.error == 0) {
            (this->*pass)(report);
        }
        if (report.error != 0) {
            return report;
        }
    }
    report.verdict = verdict_of(report);
    report.route = route_of(report, storage_of(file.file()));
    return report;
}

} // namespace tool
