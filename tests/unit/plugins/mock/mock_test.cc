// The plugin mimus.mock through its real .so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Definition with(std::string fields) { return {.fields = std::move(fields)}; }

TEST(Mock, AnswersWithTheBodyAsItWasWritten) {
  const struct {
    const char* name;
    const char* response;
    int status;
    const char* type;
    const char* body;
  } cases[] = {
      {"json keeps its source", R"({"json": {"a":275.0, "b" : [ 1e2 ]}})", 200, "application/json",
       R"({"a":275.0, "b" : [ 1e2 ]})"},
      {"json null", R"({"json":null})", 200, "application/json", "null"},
      {"json string keeps quotes", R"({"json":"\u00e9"})", 200, "application/json", R"("\u00e9")"},
      {"text", R"({"status":201,"body":"h\u00e9\n"})", 201, "text/plain; charset=utf-8", "h\xC3\xA9\n"},
      {"base64", R"({"bodyBase64":"AAH/"})", 200, "application/octet-stream", nullptr},
      {"base64 with padding", R"({"bodyBase64":"YQ=="})", 200, "application/octet-stream", "a"},
      {"no body", R"({"status":204})", 204, "", ""},
      {"an own type", R"({"json":1,"headers":{"content-type":"application/hal+json"}})", 200,
       "application/hal+json", "1"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeHost host(MOCK);
    Bound& bound = host.bind(with(R"({"responses":[)" + std::string(c.response) + "]}"));
    ASSERT_TRUE(bound.in_pipeline) << bound.error;
    const Exchange& x = host.run(bound, {});
    EXPECT_TRUE(x.responded);
    EXPECT_EQ(x.answer.status, c.status);
    EXPECT_EQ(x.answer.header("Content-Type"), c.type);
    EXPECT_EQ(x.answer.body, c.body == nullptr ? std::string("\0\x01\xFF", 3) : c.body);
  }
}

TEST(Mock, WithoutResponsesItIs200AndEmpty) {
  FakeHost host(MOCK);
  for (const char* fields : {"{}", R"({"responses":[]})", R"({"responses":[],"responseMode":"sequence"})"}) {
    const Exchange& x = host.run(host.bind(with(fields)), {});
    EXPECT_EQ(x.answer, (Answer{.status = 200})) << fields;
  }
}

TEST(Mock, HeadersMayRepeat) {
  FakeHost host(MOCK);
  const Exchange& x =
      host.run(host.bind(with(R"({"responses":[{"headers":{"Set-Cookie":["a=1","b=2"],"X-A":"1"}}]})")), {});
  EXPECT_THAT(x.answer.headers,
              ElementsAre(Field{"Set-Cookie", "a=1"}, Field{"Set-Cookie", "b=2"}, Field{"X-A", "1"}));
}

TEST(Mock, RulesChooseAndTheNameIsRecorded) {
  const std::string zero = R"({"name":"zero","when":{"in":"path","name":"id","op":"equals","value":"0"}})";
  const std::string one = R"({"name":"one","when":{"in":"path","name":"id","op":"in","value":["0","1"]}})";
  const struct {
    const char* name;
    std::string responses;
    const char* id;
    const char* want;  // "" is 404
  } cases[] = {
      {"the first that holds", zero + "," + one, "0", "zero"},
      {"the second", zero + "," + one, "1", "one"},
      {"none holds", zero + "," + one, "2", ""},
      {"the default wherever it stands", R"({"name":"plain"},)" + zero + R"(,{"name":"d","default":true})",
       "2", "d"},
      {"a condition before the default", R"({"name":"d","default":true},)" + zero, "0", "zero"},
      {"the first without when", zero + R"(,{"name":"plain"},{"name":"other"})", "2", "plain"},
      {"a default with a condition",
       R"({"name":"d","default":true,"when":{"in":"ip","op":"absent"}},)" + zero, "2", "d"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeHost host(MOCK);
    Bound& bound = host.bind(with(R"({"responses":[)" + c.responses + "]}"));
    const Exchange& x = host.run(bound, {.params = {{"id", c.id}}});
    EXPECT_EQ(x.problem, *c.want == '\0' ? "no-matching-response" : "");
    EXPECT_EQ(x.answer.status, *c.want == '\0' ? 404 : 200);
    EXPECT_EQ(x.texts.contains("responseName") ? x.texts.at("responseName") : "", c.want);
  }
}

TEST(Mock, TheBodyIsAskedForOnlyIfAConditionLooksAtIt) {
  FakeHost host(MOCK);
  Bound& looks = host.bind(with(
      R"({"responses":[{"name":"big","when":{"in":"body","pointer":"/n","op":"gt","value":9}},{"name":"small"}]})"));
  EXPECT_EQ(host.run(looks, {.body = R"({"n":10})", .body_arrived = false}).texts.at("responseName"), "big");
  EXPECT_EQ(host.run(looks, {.body = R"({"n":9})"}).texts.at("responseName"), "small");
  EXPECT_EQ(host.run(looks, {.body = "no JSON"}).texts.at("responseName"), "small");
}

TEST(Mock, ASequenceTakesTurnsAndIsKeptOverARestart) {
  FakeHost host(MOCK);
  const Definition abc =
      with(R"({"responseMode":"sequence","responses":[{"body":"a"},{"body":"b"},{"body":"c"}]})");
  Bound* bound = &host.bind(abc);
  const auto next = [&](int turns = 1) {
    std::string bodies;
    while (turns-- > 0) bodies += host.run(*bound, {}).answer.body;
    return bodies;
  };
  EXPECT_EQ(next(4), "abca");
  host.restart();
  bound = &host.bind(abc);
  EXPECT_EQ(next(), "b");
  // The same responses under a newer revision go on; the older binding goes later.
  Bound& newer = host.bind(abc);
  host.unbind(*bound);
  bound = &newer;
  EXPECT_EQ(next(), "c");
  EXPECT_EQ(host.reset("sequences"), MIMUS_OK);
  EXPECT_EQ(next(2), "ab");
}

TEST(Mock, ASequenceIsRewoundWhenItsResponsesChange) {
  FakeHost host(MOCK);
  const Definition ab = with(R"({"responseMode":"sequence","responses":[{"body":"a"},{"body":"b"}]})");
  const Definition ac = with(R"({"responseMode":"sequence","responses":[{"body":"a"},{"body":"c"}]})");
  Bound& old = host.bind(ab);
  EXPECT_EQ(host.run(old, {}).answer.body, "a");
  Bound& changed = host.bind(ac);
  EXPECT_EQ(host.run(changed, {}).answer.body, "a");
  EXPECT_EQ(host.run(changed, {}).answer.body, "c");
  EXPECT_EQ(host.run(changed, {}).answer.body, "a");
  host.unbind(old);
  host.unbind(changed);
  host.cool_kv();
  EXPECT_EQ(host.run(host.bind(ac), {}).answer.body, "c");
  host.restart();
  EXPECT_EQ(host.run(host.bind(ab), {}).answer.body, "a") << "changed while the host was down";
}

TEST(Mock, AClientThatLeavesWhileThePositionIsReadHoldsNothing) {
  FakeHost host(MOCK);
  const Definition ab =
      with(R"({"responseMode":"sequence","responses":[{"body":"a"},{"body":"b","delayMs":5}]})");
  Bound& bound = host.bind(ab);
  host.run(bound, {});
  Exchange& delayed = host.start(bound, {});
  host.cut(delayed);
  EXPECT_EQ(host.run(bound, {}).answer.body, "a");
}

TEST(Mock, RandomFollowsTheWeights) {
  FakeHost host(MOCK);
  Bound& bound = host.bind(with(
      R"({"responseMode":"random","responses":[{"body":"a","weight":3},{"body":"b"},{"body":"c","weight":6}]})"));
  std::map<std::string, int> seen;
  for (int i = 0; i < 2000; ++i) ++seen[host.run(bound, {}).answer.body];
  EXPECT_NEAR(seen["a"], 600, 120);
  EXPECT_NEAR(seen["b"], 200, 80);
  EXPECT_NEAR(seen["c"], 1200, 120);
}

TEST(Mock, ADelayHoldsTheExchangeForItsTime) {
  FakeHost host(MOCK);
  Bound& bound = host.bind(with(R"({"responses":[{"name":"late","body":"x","delayMs":250}]})"));
  Exchange& x = host.start(bound, {});
  host.advance(249);
  EXPECT_EQ(x.state, Exchange::State::suspended);
  host.advance(1);
  EXPECT_EQ(x.state, Exchange::State::ended);
  EXPECT_EQ(x.answer.body, "x");
  EXPECT_EQ(x.texts.at("responseName"), "late");

  Exchange& longest = host.start(host.bind(with(R"({"responses":[{"delayMs":600000}]})")), {});
  host.advance(600'000);
  EXPECT_EQ(longest.answer.status, 200);

  Exchange& left = host.start(bound, {});
  host.cut(left);
  host.advance(250);
  host.start(bound, {});  // still delayed when the host ends
}

TEST(Mock, CheckRefusesWithPointers) {
  const struct {
    const char* name;
    const char* response;
    const char* pointer;
  } cases[] = {
      {"a name that is no token", R"({"headers":{"a b":"x"}})", "/responses/0/headers/a b"},
      {"an escaped pointer", R"({"headers":{"a/b":"x"}})", "/responses/0/headers/a~1b"},
      {"CR LF in a value", R"({"headers":{"A":"x\r\nB: y"}})", "/responses/0/headers/A"},
      {"NUL in a repeated value", R"({"headers":{"A":["x","\u0000"]}})", "/responses/0/headers/A/1"},
      {"Content-Length", R"({"headers":{"content-length":"1"}})", "/responses/0/headers/content-length"},
      {"Transfer-Encoding", R"({"headers":{"Transfer-Encoding":"chunked"}})",
       "/responses/0/headers/Transfer-Encoding"},
      {"Connection", R"({"headers":{"Connection":"close"}})", "/responses/0/headers/Connection"},
      {"Date", R"({"headers":{"Date":"x"}})", "/responses/0/headers/Date"},
      {"no base64", R"({"bodyBase64":"a-b="})", "/responses/0/bodyBase64"},
      {"base64 without padding", R"({"bodyBase64":"YQ"})", "/responses/0/bodyBase64"},
      {"base64 with stray bits", R"({"bodyBase64":"YR=="})", "/responses/0/bodyBase64"},
      {"a bad pattern", R"({"when":{"in":"ip","op":"matches","value":"["}})", "/responses/0/when/value"},
      {"two defaults", R"({"default":true},{"default":true})", "/responses/1/default"},
  };
  FakeHost host(MOCK);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Definition bad = with(R"({"responses":[)" + std::string(c.response) + "]}");
    const auto faults = host.check(bad);
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_EQ(faults[0].pointer, c.pointer);
    EXPECT_EQ(host.bind(bad).rc, MIMUS_E_INVAL);
  }
  EXPECT_THAT(host.check(with(R"({"responses":[{"json":{},"headers":{"X":"1"}}]})")), IsEmpty());
}

TEST(Mock, IsNotInThePipelineOfAnApi) {
  FakeHost host(MOCK);
  EXPECT_FALSE(host.bind({.level = MIMUS_LEVEL_API}).in_pipeline);
}

}  // namespace
}  // namespace mimus::testing
