// The probe as the host uses it: what it says of plugins that misbehave, step by step.
#include "host/kit/probe.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace mimus::kit {
namespace {

using testing::HasSubstr;

/// What the probe says of a sample; "" if it may be loaded.
std::string probed(const std::string& sample, std::chrono::milliseconds timeout = std::chrono::seconds(60),
                   std::string options = "{}") {
  const Status status = probe_image({.file = SAMPLES "/" + sample + ".so",
                                     .options_json = std::move(options),
                                     .program = MIMUS_PROGRAM,
                                     .timeout = timeout});
  return status ? "" : status.error().message;
}

struct Told {
  std::string what;
  std::string said;
};
void PrintTo(const Told& row, std::ostream* out) { *out << row.what; }

class ProbeTells : public testing::TestWithParam<Told> {
 protected:
  ~ProbeTells() override { ::unsetenv("MIMUS_TOLD"); }
};

TEST_P(ProbeTells, TheStep) {
  ::setenv("MIMUS_TOLD", GetParam().what.c_str(), 1);
  if (!GetParam().what.starts_with("hang")) {
    EXPECT_THAT(probed("told"), HasSubstr(GetParam().said));
    return;
  }
  // A busy machine gets as far as the hang only in a longer time.
  std::string said, wanted;
  for (int bound = 1; bound < 60 && said.find(GetParam().said) == said.npos; bound *= 2) {
    said = probed("told", std::chrono::seconds(bound));
    wanted = GetParam().said + " within " + std::to_string(bound) + " s";
  }
  EXPECT_THAT(said, HasSubstr(wanted));
}

/// Each way of misbehaving in each step and hook.
std::vector<Told> everywhere() {
  std::vector<Told> out;
  for (const std::string place :
       {"constructor", "entry", "create", "configure", "self_test", "activate", "check", "bind", "on_request",
        "on_request_body", "on_resume", "on_response", "on_response_body", "on_end", "unbind", "quiesce",
        "destroy"}) {
    const std::string name = place == "constructor" ? "the loading of its code"
                             : place == "entry"     ? "mimus_plugin_entry_v1"
                                                    : place;
    out.push_back({"crash:" + place, "crashed with SIGSEGV in " + name});
    out.push_back({"throw:" + place, "let an exception out of " + name});
    out.push_back({"hang:" + place, "did not return from " + name});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Everywhere, ProbeTells, testing::ValuesIn(everywhere()));
INSTANTIATE_TEST_SUITE_P(
    Misbehaviour, ProbeTells,
    testing::Values(Told{"abort:on_request", "crashed with SIGABRT in on_request"},
                    Told{"exit:on_request", "ended the process (exit code 7) in on_request"},
                    Told{"throw:on_request", "thrown as told"},
                    Told{"refuse:create", "refused to create: error -4"},
                    Told{"refuse:configure", "refused its configuration: told to refuse"},
                    Told{"refuse:self_test", "failed its self-test: told to refuse"},
                    Told{"refuse:activate", "refused to activate: told to refuse"}));

struct Lie {
  const char* sample;
  const char* said;
};
void PrintTo(const Lie& row, std::ostream* out) { *out << row.sample; }

class ProbeRefuses : public testing::TestWithParam<Lie> {};

TEST_P(ProbeRefuses, SayingWhatToMend) { EXPECT_THAT(probed(GetParam().sample), HasSubstr(GetParam().said)); }

INSTANTIATE_TEST_SUITE_P(
    Files, ProbeRefuses,
    testing::Values(
        Lie{"lying_id", R"(says id "com.example.other" in its code but "com.example.told" in its manifest)"},
        Lie{"lying_version", R"(says version "9.9.9" in its code)"},
        Lie{"no_bind", "lacks create, destroy, bind or unbind"}, Lie{"other_abi", "has plugin ABI 7."},
        Lie{"refuses_abi", "refuses plugin ABI"}, Lie{"bad_manifest", "unknown key \"colour\""},
        Lie{"no_entry", "exports no mimus_plugin_entry_v1"},
        Lie{"missing_symbol", "nobody_has_this_function"}, Lie{"there_is_no_such_file", "cannot be read"}));

TEST(Probe, LetsAGoodPluginPass) { EXPECT_EQ(probed("told"), ""); }

TEST(Probe, LetsRefusedBindingsAndFailedRequestsPass) {
  for (const char* what :
       {"refuse:bind", "refuse:check", "refuse:on_request", "refuse:on_response", "refuse:quiesce"}) {
    ::setenv("MIMUS_TOLD", what, 1);
    EXPECT_EQ(probed("told"), "") << what;
  }
  ::unsetenv("MIMUS_TOLD");
}

TEST(Probe, GivesTheOptions) { EXPECT_EQ(probed("told", std::chrono::seconds(60), "not json"), ""); }

TEST(Probe, LetsEveryBuiltInPluginPass) {
  for (const auto& file : std::filesystem::directory_iterator(BUILT_IN)) {
    const Status status = probe_image({.file = file.path(),
                                       .options_json = R"({"geo-db":""})",
                                       .program = MIMUS_PROGRAM,
                                       .timeout = std::chrono::seconds(60)});
    EXPECT_TRUE(status) << file.path() << " " << (status ? "" : status.error().message);
  }
}

TEST(Probe, ReadsACopyThatIsNoFile) {
  const int fd = ::open(SAMPLES "/told.so", O_RDONLY | O_CLOEXEC);
  const Status status = probe_image({.file = "/proc/self/fd/" + std::to_string(fd),
                                     .program = MIMUS_PROGRAM,
                                     .timeout = std::chrono::seconds(60)});
  ::close(fd);
  EXPECT_TRUE(status) << (status ? "" : status.error().message);
}

TEST(Probe, BlamesNoPluginForAProgramThatIsNotThere) {
  const Status status = probe_image({.file = SAMPLES "/told.so", .program = "/nonexistent/mimus"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::unavailable);
}

}  // namespace
}  // namespace mimus::kit
