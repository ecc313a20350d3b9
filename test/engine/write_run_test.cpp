// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#include "descriptors.hpp"
#include "engine/plain_file.hpp"
#include "engine/write_run.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

namespace aioxx::test {
namespace {

using engine::Kind;
using engine::WriteRun;

TEST_CASE("adjacent writes are one run up to 256 KiB, and a longer one is a run by itself") {
    constexpr std::size_t unit = std::size_t{64} << 10U;
    struct Row {
        std::vector<std::size_t> lengths;
        std::size_t in_run; // of those from the first on
    };
    const std::vector<Row> rows{
        {{unit, unit, unit, unit}, 4}, {{unit, unit, unit, unit, 1}, 4}, {{2 * unit, 3 * unit}, 1},
        {{4 * unit, 4 * unit}, 1},     {{4 * unit - 1, 1, 1}, 2},        {{8 * unit, 1}, 1},
    };
    const TemporaryFile content;
    PlainFile file{content};
    for (const Row& row : rows) {
        CAPTURE(&row - rows.data());
        std::array<WorkerOperation, 5> writes;
        std::int64_t offset = 0;
        for (std::size_t i = 0; i < row.lengths.size(); ++i) {
            writes[i].length = row.lengths[i]; // nothing is written
            writes[i].set(Kind::write, file);
            writes[i].request.offset = offset;
            offset += static_cast<std::int64_t>(row.lengths[i]);
        }
        WriteRun run{writes[0]};
        std::size_t next = 1;
        while (next < row.lengths.size() && run.add(writes[next])) {
            ++next;
        }
        CHECK(next == row.in_run);
        CHECK(run.all().size() == row.in_run);
    }
}

} // namespace
} // namespace aioxx::test
