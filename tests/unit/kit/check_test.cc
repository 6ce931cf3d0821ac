// `mimus plugin check` on plugins that are bad in one way each: which check finds it, and what it says.
#include "host/kit/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "host/cli/system_clock.h"

namespace mimus::kit {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

using ::testing::HasSubstr;

CheckReport checked(const std::string& sample, std::vector<std::string> names = {},
                    std::chrono::milliseconds timeout = std::chrono::seconds(120)) {
  CheckRequest request;
  request.file = SAMPLES "/" + sample + ".so";
  request.names = std::move(names);
  request.program = MIMUS_PROGRAM;
  request.timeout = timeout;
  auto report = run_checks(request, SystemClock());
  EXPECT_TRUE(report) << (report ? "" : report.error().message);
  return report ? *std::move(report) : CheckReport{};
}

struct Row {
  const char* sample;
  const char* told;
  const char* check;
  Level level;
  const char* said;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.sample << " " << row.told << " " << row.check; }

class Finds : public ::testing::TestWithParam<Row> {
 protected:
  ~Finds() override { ::unsetenv("MIMUS_TOLD"); }
};

TEST_P(Finds, WhatIsBad) {
  const Row& row = GetParam();
  if (sanitized && std::string_view(row.said).starts_with("leaks")) GTEST_SKIP() << "memory is not counted";
  ::setenv("MIMUS_TOLD", row.told, 1);
  const bool hangs = std::string_view(row.told).starts_with("hang");
  CheckReport report = checked(row.sample, {row.check}, std::chrono::seconds(hangs ? 1 : 120));
  // A busy machine gets as far as the hang only in a longer time.
  for (int bound = 2;
       hangs && bound < 60 && written(report, CheckFormat::text, false).find(row.said) == std::string::npos;
       bound *= 2)
    report = checked(row.sample, {row.check}, std::chrono::seconds(bound));
  ASSERT_EQ(report.checks.size(), 1u);
  EXPECT_EQ(report.checks[0].level(), row.level) << written(report, CheckFormat::text, false);
  EXPECT_THAT(written(report, CheckFormat::text, false), HasSubstr(row.said));
}

constexpr Level error = Level::error, warning = Level::warning, note = Level::info;

INSTANTIATE_TEST_SUITE_P(
    File, Finds,
    ::testing::Values(
        Row{"rpath", "", "elf", error, "RPATH or RUNPATH"},
        Row{"execstack", "", "elf", error, "executable stack"},
        Row{"no_entry", "", "elf", error, "exports no function mimus_plugin_entry_v1"},
        Row{"missing_symbol", "", "elf", error, "nobody_has_this_function"},
        Row{"unique", "", "elf", warning, "-fno-gnu-unique"},
        Row{"nodelete", "", "elf", warning, "-z nodelete"},
        Row{"told", "", "elf", warning, "will not load on the edge build"},
        Row{"bad_manifest", "", "manifest", error, "unknown key \"colour\""},
        Row{"told", "", "signature", note, "is not signed"},
        Row{"exports_more", "", "exports", warning, "crc32): build with -fvisibility=hidden"},
        Row{"thread_local", "", "tls", warning, "thread_local variables with destructors"},
        Row{"told", "doze:constructor", "load", warning, "µs to load: do less in static constructors"},
        Row{"told", "crash:constructor", "load", error, "crashed with SIGSEGV in the loading of its code"},
        Row{"missing_symbol", "", "load", error, "does not load"},
        Row{"lying_id", "", "table", error, "says id \"com.example.other\""},
        Row{"other_abi", "", "table", error, "has plugin ABI 7"},
        Row{"told", "any:major", "table", warning, "return NULL for another major"},
        Row{"told", "refuse:minor", "table", error, "refuses a host of a later minor version"}));

INSTANTIATE_TEST_SUITE_P(
    Life, Finds,
    ::testing::Values(
        Row{"told", "crash:create", "life", error, "crashed with SIGSEGV in create"},
        Row{"told", "refuse:configure", "life", error, "refused its configuration: told to refuse"},
        Row{"told", "refuse:self_test", "life", error, "failed its self-test"},
        Row{"told", "hang:destroy", "life", error, "did not return from destroy within "},
        Row{"told", "throw:quiesce", "quiesce", error, "let an exception out of quiesce"},
        Row{"told", "leak:create", "instance-leak", error, "leaks 5"},
        Row{"told", "leak:on_end", "request-leak", error, "leaks "},
        Row{"told", "thread:create", "residue", error, "has a thread that runs on after destroy"},
        Row{"told", "open:create", "residue", error, "leaves a descriptor open"},
        Row{"nodelete", "", "unload", error, "stays mapped after dlclose"},
        Row{"never_unloaded", "", "unload", note, "its manifest says so"},
        Row{"thread_local", "", "unload", error, "stays mapped after dlclose"},
        Row{"unique", "", "unload", error, "stays mapped after dlclose"},
        Row{"thread_local", "", "swap", error, "stays mapped after a swap with requests in flight"}));

INSTANTIATE_TEST_SUITE_P(
    Shown, Finds,
    ::testing::Values(
        Row{"told", "crash:on_response_body", "requests", error, "crashed with SIGSEGV in on_response_body"},
        Row{"told", "throw:on_request", "requests", error, "thrown as told"},
        Row{"told", "exit:on_resume", "requests", error, "ended the process (exit code 7) in on_resume"},
        Row{"told", "twice:on_request", "requests", error, "answered twice"},
        Row{"told", "bare-suspend:on_request", "requests", error, "MIMUS_SUSPEND without a live hold"},
        Row{"told", "keep:on_request", "requests", error, "a resume handle was never released"},
        Row{"told", "late:on_request", "cancel", error, "crashed with SIGABRT in a timer's callback"},
        Row{"told", "late:on_request", "resume", error, "crashed with SIGABRT in a timer's callback"},
        Row{"told", "wrong:admin", "admin", error, "answers an admin request with status 42"},
        Row{"told", "no-json:admin", "admin", error, "with a body that is no JSON"},
        Row{"told", "crash:admin", "admin", error, "crashed with SIGSEGV in admin.handle"},
        Row{"told", "alone:on_request", "threads", error, "crashed with SIGABRT in on_request"},
        Row{"told", "toil:on_request", "budget", warning, "on_request takes "}));

INSTANTIATE_TEST_SUITE_P(
    Host, Finds,
    ::testing::Values(
        Row{"told", "trust:on_request", "refusals", error, "(async.hold gives "},
        Row{"told", "any:extension", "extensions", error, "gives a table for the unknown extension"},
        Row{"told", "overread:tables", "older-host", error, "crashed with SIGSEGV in create"},
        Row{"told", "exact:minor", "newer-host", error, "refused to create"},
        Row{"told", "wrong:bind", "definitions", error, "bind answers 5"},
        Row{"told", "mute:bind", "definitions", warning, "refuses a binding without a reason"},
        Row{"told", "crash:check", "definitions", error, "crashed with SIGSEGV in check (fields {}"}));

TEST(Check, FindsNothingInAGoodPlugin) {
  const CheckReport report = checked("told");
  EXPECT_EQ(report.id, "com.example.told");
  EXPECT_EQ(report.version, "1.0.0");
  EXPECT_EQ(report.checks.size(), known_checks().size());
  EXPECT_TRUE(report.passed(false)) << written(report, CheckFormat::text, false);
}

TEST(Check, RunsOnWhenOneCheckCrashes) {
  ::setenv("MIMUS_TOLD", "crash:on_request", 1);
  const CheckReport report = checked("told", {"life", "requests", "admin"});
  ::unsetenv("MIMUS_TOLD");
  ASSERT_EQ(report.checks.size(), 3u);
  EXPECT_EQ(report.checks[0].level(), Level::info);
  for (const CheckResult& check : report.checks)
    EXPECT_EQ(check.level(), check.name == "requests" ? Level::error : Level::info) << check.name;
}

TEST(Check, WaitsLessForAPluginThatHungBefore) {
  ::setenv("MIMUS_TOLD", "hang:on_request", 1);
  CheckRequest request;
  request.file = SAMPLES "/told.so";
  request.names = {"requests", "request-leak"};
  request.program = MIMUS_PROGRAM;
  request.timeout = std::chrono::seconds(6);
  request.at_once = 1;
  const auto report = run_checks(request, SystemClock());
  ::unsetenv("MIMUS_TOLD");
  ASSERT_TRUE(report);
  const std::string text = written(*report, CheckFormat::text, false);
  EXPECT_THAT(text, HasSubstr("did not return from on_request within 6 s"));
  EXPECT_THAT(text, HasSubstr("did not return from on_request within 1 s"));
}

TEST(Check, KnowsItsNames) {
  CheckRequest request;
  request.file = SAMPLES "/told.so";
  request.names = {"life", "colour"};
  const auto report = run_checks(request, SystemClock());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::invalid);
  EXPECT_THAT(report.error().message, HasSubstr("no check called colour; there are elf, manifest"));
  request.file = SAMPLES "/nothing.so";
  EXPECT_EQ(run_checks(request, SystemClock()).error().code, Code::not_found);
}

CheckReport odd_report() {
  CheckReport out;
  out.file = "/tmp/a\"<b>&.so";
  out.checks = {
      {"elf", "its <headers>", {{Level::error, "bad \xff \"bytes\" & <tags>"}, {Level::info, "fine"}}, {}},
      {"life", "lives", {{Level::warning, "slow"}}, std::chrono::microseconds(1500)}};
  return out;
}

TEST(Written, IsJson) {
  const std::string text = written(odd_report(), CheckFormat::json, true);
  EXPECT_THAT(text, HasSubstr(R"("text": "bad � \"bytes\" & <tags>")"));
  EXPECT_THAT(text, HasSubstr(R"("passed": false)"));
  EXPECT_THAT(text, HasSubstr(R"("micros": 1500)"));
}

TEST(Written, IsJunitWithEverythingEscaped) {
  const std::string text = written(odd_report(), CheckFormat::junit, false);
  EXPECT_THAT(text, HasSubstr(R"(<testsuites tests="2" failures="1" errors="0")"));
  EXPECT_THAT(text, HasSubstr("bad � &quot;bytes&quot; &amp; &lt;tags&gt;"));
  EXPECT_THAT(text, HasSubstr("<system-out>warning: slow"));
  EXPECT_THAT(written(odd_report(), CheckFormat::junit, true), HasSubstr(R"(failures="2")"));
}

TEST(Written, FailsOnWarningsOnlyWhenStrict) {
  CheckReport report = odd_report();
  report.checks.erase(report.checks.begin());
  EXPECT_TRUE(report.passed(false));
  EXPECT_FALSE(report.passed(true));
  EXPECT_THAT(written(report, CheckFormat::text, false), HasSubstr("warn  life"));
  EXPECT_THAT(written(report, CheckFormat::text, true), HasSubstr("FAIL  life"));
}

}  // namespace
}  // namespace mimus::kit
