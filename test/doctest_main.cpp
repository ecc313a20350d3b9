// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The libaioxx authors
#define DOCTEST_CONFIG_IMPLEMENT
#include "skip.hpp"

#include <cstdio>

namespace {

unsigned cases_run = 0;

/// Ends the output with one line that a script can add up.
struct Summary : doctest::IReporter {
    explicit Summary(const doctest::ContextOptions&) {}

    void test_run_end(const doctest::TestRunStats& stats) override {
        cases_run = stats.numTestCasesPassingFilters;
        const unsigned skipped = aioxx::test::skipped_cases;
        const unsigned failed = stats.numTestCasesFailed;
        const unsigned passed = cases_run > failed + skipped ? cases_run - failed - skipped : 0;
        std::printf("SUMMARY: %u passed, %u failed, %u skipped\n", passed, failed, skipped);
    }

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_case_start(const doctest::TestCaseData&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("summary", 1, Summary);

} // namespace

int main(int argc, char** argv) {
    // Into a file as well: what is killed has said then where it was.
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    doctest::Context context{argc, argv};
    const int status = context.run();
    const bool all_skipped = cases_run != 0 && aioxx::test::skipped_cases >= cases_run;
    return status == 0 && all_skipped ? 77 : status;
}
