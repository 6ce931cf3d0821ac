// No exception passes the SDK's wall, and the fake host sees what the ABI forbids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

Definition throwing_in(const std::string& hook) { return {.fields = R"({"throwIn":")" + hook + "\"}"}; }

TEST(Wall, AHookThatThrowsFailsThatRequestOnly) {
  const struct {
    const char* hook;
    bool has_answer_from_behind;
  } cases[] = {{"on_request", true},
               {"on_request_body", true},
               {"on_resume", true},
               {"on_response", true},
               {"on_response_body", true}};
  for (const auto& c : cases) {
    for (const char* kind : {"", "!"}) {
      SCOPED_TRACE(std::string(c.hook) + kind);
      FakeHost host(THROWER);
      Bound& bad = host.bind(throwing_in(std::string(c.hook) + kind));
      const Exchange& x = host.run(bad, {}, {.status = 204});
      EXPECT_EQ(x.state, Exchange::State::ended);
      EXPECT_TRUE(x.failed);
      EXPECT_EQ(x.answer.status, 204) << "its manifest says fail open";
      EXPECT_THAT(host.log(), Contains(*kind == '!' ? "an exception of unknown type"
                                                    : std::string("thrown in ") + c.hook));
      EXPECT_FALSE(host.run(host.bind(throwing_in("")), {}).failed);
    }
  }
}

TEST(Wall, AThrowingOnEndIsLoggedAndTheExchangeEnds) {
  FakeHost host(THROWER);
  const Exchange& x = host.run(host.bind(throwing_in("on_end")), {});
  EXPECT_EQ(x.state, Exchange::State::ended);
  EXPECT_THAT(host.log(), ElementsAre("thrown in on_end"));
}

TEST(Wall, ALifecycleFunctionThatThrowsOrRefusesIsARefusalWithItsReason) {
  const struct {
    const char* in;
    mimus_rc rc;
    const char* error;
  } cases[] = {
      {"configure", MIMUS_E_EXCEPTION, "thrown in configure"},
      {"self_test", MIMUS_E_EXCEPTION, "thrown in self_test"},
      {"sick", MIMUS_E_INVAL, "not well"},
      {"activate!", MIMUS_E_EXCEPTION, "an exception of unknown type"},
      {"refuse", MIMUS_E_INVAL, "refused on purpose"},
      {"quiesce", MIMUS_OK, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.in);
    FakeHost host(THROWER, {.options = {{"thrower-lifecycle", '"' + std::string(c.in) + '"'}}});
    EXPECT_EQ(host.rc(), c.rc);
    EXPECT_EQ(host.error(), c.error);
  }
}

TEST(Wall, ABindThatThrowsSaysWhy) {
  FakeHost host(THROWER);
  const Bound& bound = host.bind(throwing_in("bind"));
  EXPECT_EQ(bound.rc, MIMUS_E_EXCEPTION);
  EXPECT_EQ(bound.error, "thrown in bind");
  EXPECT_FALSE(host.bind(throwing_in("nothing")).in_pipeline);
}

TEST(Wall, AThrowingCheckAdminResetEnrichAndChannelAreSurvived) {
  FakeHost host(THROWER);
  EXPECT_EQ(host.check(throwing_in("check")).at(0).code, "plugin-failed");
  EXPECT_EQ(host.check(throwing_in("fault")).at(0).pointer, "/throwIn");
  EXPECT_TRUE(host.check(throwing_in("")).empty());
  EXPECT_EQ(host.admin("GET", "/admin").status, 0);
  EXPECT_EQ(host.admin("GET", "/other").body, "7") << "the option's default from the manifest";
  EXPECT_EQ(host.reset("reset"), MIMUS_E_EXCEPTION);
  EXPECT_EQ(host.reset("thrower"), MIMUS_OK);
  std::vector<Record> records(2);
  host.enrich(records);
  for (const char* hook : {"on_open", "on_timer!", "on_close"}) {
    Channel& channel = host.open(host.bind(throwing_in(hook)));
    host.advance(10);
    EXPECT_TRUE(channel.open);
    host.close(channel);
  }
  EXPECT_THAT(host.log(), Contains("thrown in on_open"));
  EXPECT_THAT(host.log(), Contains("thrown in on_close"));
}

TEST(Wall, AThrowingHookOfSocketIoClientsIsSurvived) {
  FakeHost host(THROWER);
  Bound& good = host.bind(throwing_in(""));
  Channel& channel = host.open(host.bind(throwing_in("on_event")), {.socket_io = true});
  host.say_event(channel, "x", "[]");
  host.rebind(channel, host.bind(throwing_in("on_rebind")));
  host.rebind(channel, good);
  EXPECT_TRUE(channel.open);
  EXPECT_EQ(host.handshake(good), (Handshake{5, 0}));
  EXPECT_EQ(host.handshake(host.bind(throwing_in("on_handshake"))), (Handshake{5, 0}));
  EXPECT_EQ(host.replay("replay").status, 0);
  EXPECT_EQ(host.replay("{}").body, "{}");
  EXPECT_THAT(host.log(), ElementsAre("thrown in on_event", "thrown in on_rebind", "thrown in on_handshake",
                                      "thrown in replay"));
}

TEST(Wall, AThrowingMessageHookOrCallbackIsSurvived) {
  FakeHost host(THROWER);
  Channel& bad = host.open(host.bind(throwing_in("on_message")));
  host.say(bad, "x");
  EXPECT_THAT(host.log(), ElementsAre("thrown in on_message"));
  Channel& good = host.open(host.bind(throwing_in("")));
  host.say(good, "hello");
  host.say(good, std::string("\0\1", 2), true);
  EXPECT_THAT(good.texts, ElementsAre("hello"));
  EXPECT_THAT(good.data, ElementsAre(std::string("\0\1", 2)));
  for (const char* what : {"fetch", "task", "after"}) host.say(good, what);
  host.advance(10);
  EXPECT_THAT(host.log(), ElementsAre("thrown in on_message", "thrown in a fetch",
                                      "an exception of unknown type", "thrown in a timer"));
}

TEST(Wall, AWithheldTableRefusesInsteadOfCrashing) {
  FakeHost host(THROWER, {.withheld = {"mimus.fetch/1", "mimus.task/1", "mimus.timer/1", "mimus.channel/1"}});
  Channel& channel = host.open(host.bind(throwing_in("")));
  for (const char* what : {"fetch", "task", "after", "say it"}) host.say(channel, what);
  EXPECT_TRUE(channel.texts.empty());
  EXPECT_TRUE(host.fetched.empty());
  FakeHost hasty(THROWER, {.withheld = {"mimus.async/1"}});
  hasty.collect_misuse();
  EXPECT_TRUE(hasty.run(hasty.bind(throwing_in("hold")), {}).failed);
}

TEST(FakeHost, RefusesAFetchThatIsNotOnAWorker) {
  FakeHost host(THROWER);
  Channel& channel = host.open(host.bind(throwing_in("")));
  host.hold_tasks(true);
  host.say(channel, "fetch in a task");
  EXPECT_THAT(host.log(), ElementsAre());
  host.hold_tasks(false);
  EXPECT_THAT(host.log(), ElementsAre("a fetch was " + std::to_string(MIMUS_E_UNAVAILABLE)));
  EXPECT_TRUE(host.fetched.empty());
}

TEST(FakeHost, SeesMisuse) {
  const struct {
    const char* in;
    const char* misuse;
  } cases[] = {
      {"suspend-without-hold", "MIMUS_SUSPEND without a live hold"},
      {"answer-twice", "answered twice"},
      {"answer-nothing", "MIMUS_RESPONDED without an answer"},
      {"replace-early", "replace_body outside a response hook"},
      {"forget-early", "forget_length outside a response hook"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.in);
    FakeHost host(THROWER);
    host.collect_misuse();
    host.run(host.bind(throwing_in(c.in)), {});
    EXPECT_THAT(host.misuse(), Contains(c.misuse));
  }
}

TEST(FakeHost, AHoldEndsAtItsDeadline) {
  FakeHost host(THROWER);
  Exchange& x = host.start(host.bind(throwing_in("hold")), {});
  host.advance(4999);
  EXPECT_EQ(x.state, Exchange::State::suspended);
  host.advance(1);
  EXPECT_EQ(x.state, Exchange::State::passed);
  EXPECT_TRUE(x.failed);
  host.answer(x, {.status = 200});
  EXPECT_EQ(x.state, Exchange::State::ended);
}

}  // namespace
}  // namespace mimus::testing
