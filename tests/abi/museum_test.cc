// Plugins of every released ABI, as they were compiled then, in the present fake host.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

std::vector<std::string> releases() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(MUSEUM)) {
    if (entry.is_directory()) out.push_back(entry.path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

class Museum : public ::testing::TestWithParam<std::string> {
 protected:
  static std::string sample(const std::string& language) {
    return MUSEUM "/" + GetParam() + "/museum_" + language + ".so";
  }
};

TEST_P(Museum, TheCPluginStillDoesWhatItDid) {
  FakeHost host(sample("c"));
  ASSERT_EQ(host.rc(), MIMUS_OK) << host.error();
  EXPECT_FALSE(host.bind({}).in_pipeline);
  Bound& bound = host.bind({.config = R"({"value":"kept"})"});
  ASSERT_TRUE(bound.in_pipeline) << bound.error;

  Exchange& plain = host.run(bound, {});
  EXPECT_EQ(plain.answer.header("X-Museum-C"), "kept");
  EXPECT_EQ(plain.answer.header("X-Museum-Hash"), "79f076ab");

  Exchange& responded = host.run(bound, {.headers = {{"X-Do", "respond"}}});
  EXPECT_EQ(responded.answer.status, 201);
  EXPECT_EQ(responded.answer.body, "kept");
  EXPECT_EQ(responded.answer.header("X-Museum"), "responded");

  Exchange& problem = host.run(bound, {.headers = {{"X-Do", "problem"}}});
  EXPECT_EQ(problem.problem, "museum");
  ASSERT_EQ(problem.faults.size(), 1u);
  EXPECT_EQ(problem.faults[0].pointer, "/a");

  Exchange& waiting = host.run(bound, {.headers = {{"X-Do", "wait"}}});
  EXPECT_EQ(waiting.state, Exchange::State::suspended);
  host.advance(1);
  EXPECT_EQ(waiting.state, Exchange::State::passed);
  host.answer(waiting, {});
  EXPECT_EQ(waiting.answer.header("X-Museum-C"), "kept");
  for (const char* what : {"rewrite", "work"}) {
    Exchange& x = host.run(bound, {.headers = {{"X-Do", what}}});
    EXPECT_FALSE(x.failed) << what;
    EXPECT_EQ(x.answer.header("X-Museum-C"), "kept") << what;
  }

  Exchange& body = host.run(bound, {.method = "POST", .headers = {{"X-Do", "body"}}, .body = "told"});
  EXPECT_EQ(body.texts["museum"], "told");
  EXPECT_EQ(host.admin("GET", "").body, R"({"body":"told"})");
  EXPECT_EQ(host.reset("museum"), MIMUS_OK);
  EXPECT_EQ(host.admin("GET", "").body, "{}");
}

TEST_P(Museum, TheCppPluginStillDoesWhatItDid) {
  FakeHost host(sample("cpp"));
  ASSERT_EQ(host.rc(), MIMUS_OK) << host.error();
  EXPECT_EQ(host.check({.config = R"({"value":""})"}).size(), 1u);
  Bound& bound = host.bind({.config = R"({"value":"kept"})"});
  ASSERT_TRUE(bound.in_pipeline) << bound.error;

  Exchange& plain = host.run(bound, {});
  EXPECT_EQ(plain.answer.header("X-Museum-Cpp"), "kept");
  EXPECT_EQ(plain.answer.header("Vary"), "Accept");
  Exchange& put = host.run(bound, {.method = "PUT", .path = "/a/b"});
  EXPECT_EQ(put.answer.body, "/a/b");
  EXPECT_EQ(put.answer.header("Content-Type"), "text/x-museum");
  EXPECT_TRUE(host.run(bound, {.headers = {{"X-Do", "throw"}}}).failed);
  EXPECT_EQ(host.log().back(), "as it did then");

  Channel& channel = host.open(host.bind({.level = MIMUS_LEVEL_CHANNEL, .fields = R"({"museum":"hall"})"}));
  host.advance(10);
  host.say(channel, "hello");
  host.say(channel, "bye");
  const std::vector<Channel::Sent> sent{{"opened", "\"hall\""}, {"ticked", "true"}, {"said", "\"hello\""}};
  EXPECT_EQ(channel.sent, sent);
  EXPECT_EQ(channel.close_code, 4000);
}

INSTANTIATE_TEST_SUITE_P(Abi, Museum, ::testing::ValuesIn(releases()), [](const auto& release) {
  std::string name = release.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

}  // namespace
}  // namespace mimus::testing
