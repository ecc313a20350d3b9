// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#pragma once

#include "tool/probe_file.hpp"
#include "tool/probe_report.hpp"

#include <aioxx/core/context.hpp>

#include <array>
#include <vector>

namespace tool {

/// Carries out operations of each kind, and looks at what the submitting call does.
class AccessProbe {
public:
    /// What the context has to have room for.
    static constexpr unsigned depth = 8;

    /// Null for a file that there is not; both may be the same. `writing` is a temporary one.
    AccessProbe(ProbeFile* reading, ProbeFile* writing, aioxx::Context context);

    /// Throws a Failure where the temporary file cannot be written.
    [[nodiscard]] AccessReport measure(Access access, bool direct);

    /// Whether there is a file for it.
    [[nodiscard]] bool has_file_for(Access access) const noexcept;

private:
    struct Slot {
        aioxx::Iocb iocb;
        aioxx::AlignedBuffer block;
    };
    struct Sample {
        int error = 0;
        bool at_once = false;
        std::chrono::nanoseconds in_submit{};
        std::chrono::nanoseconds to_completion{};
    };

    [[nodiscard]] ProbeFile& file_for(Access access) const noexcept;
    /// An errno.
    [[nodiscard]] int prepare(Access access, bool direct);
    /// For the `index`-th block.
    void prepare_one(Access access, Slot& slot, std::size_t index);
    /// Waits for an event, takes it, and returns its error.
    int wait_for_one();
    Sample carry_out();
    void measure_one_at_a_time(AccessReport& report);
    void measure_with_others(AccessReport& report);
    void submit_among_others(AccessReport& report, Slot& slot);
    void measure_nowait(AccessReport& report);

    ProbeFile* reading_;
    ProbeFile* writing_;
    std::array<Slot, depth> slots_;
    std::vector<Slot*> free_;
    aioxx::EventBatch events_{1};
    aioxx::Context context_;
};

} // namespace tool
