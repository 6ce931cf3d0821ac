// Plugins that break the rules: their fail policy decides, and nothing of theirs is left.
#include <optional>

#include "host/plugin/loaded.h"
#include "tests/unit/pipeline/world.h"

namespace mimus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

mimus_action ok(Request& r) { return r.respond(200, {}, "fine"); }

// What a plugin that answers wrongly comes to. `b` fails open, so that `c` answers 200;
// `a` fails closed, so that the answer is 503.
TEST(Misuse, IsAFailureThatTheFailPolicyDecides) {
  struct Row {
    const char* name;
    std::function<mimus_action(Request&)> request;
    const char* without = "";
  };
  const Row rows[] = {
      {"it says that it failed", [](Request&) { return MIMUS_FAIL; }},
      {"an action that nobody knows", [](Request&) { return 77; }},
      {"SUSPEND without a hold", [](Request&) { return MIMUS_SUSPEND; }},
      {"SUSPEND without on_resume",
       [](Request& r) {
         static_cast<void>(r.hold());
         return MIMUS_SUSPEND;
       },
       "on_resume"},
      {"RESPONDED without an answer", [](Request&) { return MIMUS_RESPONDED; }},
      {"NEXT after an answer",
       [](Request& r) {
         static_cast<void>(ok(r));
         return MIMUS_NEXT;
       }},
      {"NEXT after a problem",
       [](Request& r) {
         static_cast<void>(r.problem(400, "bad-request", "no"));
         return MIMUS_NEXT;
       }},
      {"an answer and FAIL",
       [](Request& r) {
         const mimus_field header = field("X-Failed", "yes");
         static_cast<void>(r.respond(202, {&header, 1}, "wrong"));
         return MIMUS_FAIL;
       }},
      {"a status that is none", [](Request& r) { return r.respond(700, {}, ""); }},
      {"an interim status", [](Request& r) { return r.respond(101, {}, ""); }},
      {"a problem that is none", [](Request& r) { return r.problem(200, "fine", ""); }},
      {"a header field with a line break",
       [](Request& r) {
         const mimus_field fields[] = {field("X-First", "1"), field("X-Split", "a\r\nb")};
         return r.respond(200, fields, "");
       }},
      {"a header field without a name",
       [](Request& r) {
         const mimus_field header = field("", "x");
         return r.respond(200, {&header, 1}, "");
       }},
      {"NEED_BODY without a body hook", [](Request&) { return MIMUS_NEED_BODY; }, "on_request_body"},
      {"an exception", [](Request&) -> mimus_action { throw std::runtime_error("on purpose"); }},
  };
  for (const Row& row : rows) {
    for (const bool open : {true, false}) {
      SCOPED_TRACE(std::string(row.name) + (open ? ", fail open" : ", fail closed"));
      World world;
      (open ? probes().b : probes().a).request = row.request;
      probes().c.request = [](Request& r) {
        EXPECT_EQ(r.status(), 0);
        return ok(r);
      };
      world.open({.without = row.without});
      world.start();
      EXPECT_EQ(world.sink->status, open ? 200 : 503);
      if (!open) {
        EXPECT_EQ(world.problem(), "plugin-failed");
      }
      EXPECT_EQ(world.sink->headers.count("X-Failed") + world.sink->headers.count("X-First"), 0U);
      EXPECT_EQ(world.journal.records.at(0).error, open ? "" : "plugin-failed");
      EXPECT_EQ(world.plugins->current()->find(open ? "test.b" : "test.a")->failures, 1U);
    }
  }
}

TEST(Misuse, AFailedAnswerLeavesNothingToTheHostsOwn) {
  World world;
  probes().b.request = [](Request& r) {
    const mimus_field header = field("X-Failed", "yes");
    static_cast<void>(r.respond(202, {&header, 1}, "wrong"));
    return MIMUS_FAIL;
  };
  world.open();
  world.start();
  EXPECT_EQ(world.sink->status, 501);
  EXPECT_THAT(world.sink->headers, ElementsAre(Pair("Content-Type", "application/problem+json")));
}

TEST(Misuse, ARefusedAnswerLeavesNoFieldsBehind) {
  World world;
  probes().c.request = [](Request& r) {
    const mimus_field fields[] = {field("X-First", "1"), field("X-Split", "a\nb")};
    EXPECT_EQ(r.respond(200, fields, ""), MIMUS_FAIL);
    EXPECT_FALSE(r.at(MIMUS_RESPONSE_HEADERS, 0));
    return ok(r);
  };
  world.open();
  world.start();
  EXPECT_THAT(world.sink->headers, IsEmpty());
}

TEST(Misuse, TheFirstOfTwoAnswersCounts) {
  World world;
  probes().c.request = [](Request& r) {
    const mimus_action first = ok(r);
    EXPECT_EQ(r.respond(500, {}, "two"), MIMUS_FAIL);
    EXPECT_EQ(r.problem(500, "x", "two"), MIMUS_FAIL);
    return first;
  };
  world.open();
  world.start();
  EXPECT_EQ(world.sink->status, 200);
  EXPECT_EQ(world.sink->body, "fine");
}

TEST(Misuse, NeedingTheBodyTwiceIsAFailure) {
  World world;
  probes().a.request = [](Request&) { return MIMUS_NEED_BODY; };
  probes().a.body = [](Request&, std::string_view) { return MIMUS_NEED_BODY; };
  world.open();
  world.start({.has_body = true});
  world.arrive("x");
  EXPECT_EQ(world.problem(), "plugin-failed");
}

TEST(Misuse, AHoldThatIsNotUsedEndsWithTheHook) {
  World world;
  Hold kept;
  probes().b.request = [&](Request& r) {
    kept = r.hold(10);
    return MIMUS_NEXT;
  };
  probes().c.request = ok;
  world.open();
  world.start();
  EXPECT_EQ(world.sink->status, 200);
  EXPECT_FALSE(kept.resume());
  world.loop_thread.advance(std::chrono::milliseconds(20));
  EXPECT_EQ(world.sink->ended, 1);
}

TEST(Misuse, AnEndedExchangeTakesNoAnswerAndNoHold) {
  World world;
  probes().b.request = [](Request&) { return MIMUS_NEED_BODY; };
  bool refused = false;
  probes().b.end = [&](Request& r) {
    refused =
        !r.hold(10) && r.respond(200, {}, "late") == MIMUS_FAIL && r.set("X-Late", "1") == MIMUS_E_INVAL;
  };
  world.open();
  world.start({.has_body = true});
  world.cancel();
  EXPECT_TRUE(refused);
  world.loop_thread.advance(std::chrono::milliseconds(20));
}

TEST(Misuse, AHandleThatIsKeptIsGoneWithItsExchange) {
  World world;
  std::optional<Request> kept;
  probes().b.request = [&](Request& r) {
    if (!kept) kept.emplace(r);
    return MIMUS_NEXT;
  };
  probes().c.request = ok;
  world.open();
  const auto expect_gone = [&](const char* when) {
    world.on([&] {
      EXPECT_FALSE(kept->get(MIMUS_REQUEST_HEADERS, "X-Secret")) << when;
      EXPECT_EQ(kept->set("X-Late", "1"), MIMUS_E_GONE) << when;
      EXPECT_EQ(kept->respond(200, {}, "late"), MIMUS_FAIL) << when;
      EXPECT_FALSE(kept->hold(10)) << when;
      EXPECT_EQ(kept->status(), 0) << when;
    });
  };
  world.start({.headers = {{"X-Secret", "1"}}});
  expect_gone("between two exchanges");
  bool secret = false;
  probes().c.request = [&](Request& r) {  // another's, on the same flow
    secret = r.get(MIMUS_REQUEST_HEADERS, "X-Secret").has_value();
    EXPECT_FALSE(kept->get(MIMUS_REQUEST_HEADERS, "X-Secret"));
    EXPECT_EQ(kept->respond(200, {}, "late"), MIMUS_FAIL);
    return ok(r);
  };
  world.start({.headers = {{"X-Secret", "2"}}});
  EXPECT_TRUE(secret);
  EXPECT_EQ(world.sink->body, "fine");
}

TEST(Misuse, WhatFailsAgainAndAgainIsLeftOutUntilATrialGoesWell) {
  for (const bool open : {true, false}) {
    SCOPED_TRACE(open ? "fail open" : "fail closed");
    World world;
    const std::string name = open ? "b" : "a";
    bool well = false;
    (open ? probes().b : probes().a).request = [&](Request&) { return well ? MIMUS_NEXT : MIMUS_FAIL; };
    probes().c.request = ok;
    world.open();
    const Breaker& breaker = world.plugins->current()->find("test." + name)->breaker;
    const auto entered = [&] {  // does it hear of a request?
      world.start();
      bool heard = false;
      for (const std::string& call : probes().calls()) heard = heard || call.starts_with(name + " ");
      EXPECT_EQ(world.sink->status, open || (heard && well) ? 200 : 503);
      return heard;
    };
    for (std::uint32_t i = 0; i < Breaker::Rule{}.failures; ++i) {
      EXPECT_FALSE(breaker.is_open());
      EXPECT_TRUE(entered());
    }
    EXPECT_TRUE(breaker.is_open());
    EXPECT_FALSE(entered());
    well = true;
    EXPECT_FALSE(entered()) << "nobody has tried";
    const auto failures = world.plugins->current()->find("test." + name)->failures.load();
    EXPECT_EQ(failures, Breaker::Rule{}.failures) << "what is left out has not failed";
    world.loop_thread.advance(std::chrono::seconds(30));
    EXPECT_TRUE(entered());
    EXPECT_TRUE(breaker.calm());
    EXPECT_TRUE(entered());
  }
}

}  // namespace
}  // namespace mimus
