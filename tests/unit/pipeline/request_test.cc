// The request direction: what hooks ask for, and what they get.
#include "tests/unit/pipeline/world.h"

namespace mimus {
namespace {

using ::testing::ElementsAre;

mimus_action ok(Request& r) { return r.respond(200, {}, "fine"); }

TEST(RequestDirection, PluginsAreEnteredInOrderAnsweredInReverseAndEndedOnce) {
  World world;
  probes().c.request = ok;
  world.open();
  world.start();
  EXPECT_EQ(world.sink->status, 200);
  EXPECT_EQ(world.sink->body, "fine");
  EXPECT_THAT(probes().calls(), ElementsAre("a request", "b request", "c request", "c response", "b response",
                                            "a response", "c end", "b end", "a end"));
}

TEST(RequestDirection, AnAnswerFromTheMiddleSkipsWhatIsInside) {
  World world;
  probes().b.request = ok;
  world.open();
  world.start();
  EXPECT_THAT(probes().calls(),
              ElementsAre("a request", "b request", "b response", "a response", "b end", "a end"));
}

TEST(RequestDirection, AFlowIsUsedAgain) {
  World world;
  probes().c.request = [](Request& r) {
    EXPECT_EQ(r.status(), 0);
    EXPECT_EQ(r.context(), nullptr);
    r.context() = &r;
    return r.problem(418, "teapot", "short");
  };
  world.open();
  for (int i = 0; i < 3; ++i) {
    world.start();
    EXPECT_EQ(world.sink->status, 418);
    EXPECT_EQ(world.problem(), "teapot");
    EXPECT_EQ(world.journal.records.back().error, "teapot");
  }
}

TEST(RequestDirection, WhereNobodyAnswersTheHostDoes) {
  const struct {
    const char* name;
    RouteOutcome outcome;
    bool routed;
    int status;
    const char* problem;
  } rows[] = {
      {"an endpoint", RouteOutcome::found, true, 501, "no-content"},
      {"a miss", RouteOutcome::miss, false, 404, "no-such-endpoint"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    World world;
    world.open();
    world.start({.routed = row.routed});
    EXPECT_EQ(world.sink->status, row.status);
    EXPECT_EQ(world.problem(), row.problem);
    EXPECT_EQ(world.journal.records.at(0).status, row.status);
    EXPECT_EQ(world.journal.records.at(0).error, row.problem);
  }
}

TEST(RequestDirection, TheBodyIsGatheredWhenAPluginNeedsIt) {
  World world;
  probes().b.request = [](Request& r) {
    EXPECT_FALSE(r.request_body());
    return MIMUS_NEED_BODY;
  };
  probes().b.body = [](Request& r, std::string_view whole) {
    EXPECT_EQ(r.request_body(), whole);
    return MIMUS_NEXT;
  };
  probes().c.request = [](Request&) { return MIMUS_NEED_BODY; };  // it is there: at once
  probes().c.body = [](Request& r, std::string_view whole) { return r.respond(201, {}, whole); };
  world.open();
  world.start({.has_body = true});
  EXPECT_EQ(world.sink->wanted, 1);
  EXPECT_EQ(world.sink->sent, 0);
  world.arrive("ping");
  EXPECT_EQ(world.sink->status, 201);
  EXPECT_EQ(world.sink->body, "ping");
  EXPECT_EQ(world.sink->wanted, 1);
}

TEST(RequestDirection, WithoutABodyNobodyWaitsForIt) {
  World world;
  probes().c.request = [](Request&) { return MIMUS_NEED_BODY; };
  probes().c.body = [](Request& r, std::string_view whole) {
    return r.respond(200, {}, "<" + std::string(whole) + ">");
  };
  world.open();
  world.start();
  EXPECT_EQ(world.sink->wanted, 0);
  EXPECT_EQ(world.sink->body, "<>");
}

TEST(RequestDirection, ABodyThatIsTooLargeIsAnsweredThroughThosePluginsThatWereEntered) {
  World world;
  probes().b.request = [](Request&) { return MIMUS_NEED_BODY; };
  world.open();
  world.start({.has_body = true});
  world.on([&] { world.flow->on_body_too_large(); });
  EXPECT_EQ(world.sink->status, 413);
  EXPECT_EQ(world.problem(), "body-too-large");
  EXPECT_THAT(probes().calls(),
              ElementsAre("a request", "b request", "b response", "a response", "b end", "a end"));
}

TEST(RequestDirection, ASuspendedFlowGoesOnWhenItIsResumed) {
  World world;
  Hold kept;
  probes().b.request = [&](Request& r) {
    kept = r.hold(5000);
    EXPECT_FALSE(r.hold(1)) << "one is held already";
    return MIMUS_SUSPEND;
  };
  probes().c.request = ok;
  world.open();
  world.start();
  EXPECT_EQ(world.sink->sent, 0);
  EXPECT_TRUE(kept.resume());  // from another thread than the flow's
  EXPECT_FALSE(kept.resume());
  world.settle();
  EXPECT_EQ(world.sink->sent, 1);
  EXPECT_THAT(probes().calls(), ElementsAre("a request", "b request", "b resume", "c request", "c response",
                                            "b response", "a response", "c end", "b end", "a end"));
}

TEST(RequestDirection, AResumeBeforeTheHookReturnsIsNotLost) {
  World world;
  probes().b.request = [](Request& r) {
    const Hold kept = r.hold(5000);
    EXPECT_TRUE(kept.resume());
    return MIMUS_SUSPEND;
  };
  probes().b.resume = ok;
  world.open();
  world.start();
  world.settle();
  EXPECT_EQ(world.sink->body, "fine");
}

TEST(RequestDirection, AResumedPluginMaySuspendAgainOrNeedTheBody) {
  World world;
  Hold kept;
  int resumed = 0;
  probes().b.request = [&](Request& r) {
    kept = r.hold();
    return MIMUS_SUSPEND;
  };
  probes().b.resume = [&](Request& r) -> mimus_action {
    if (++resumed == 2) return MIMUS_NEED_BODY;
    kept = r.hold();
    EXPECT_TRUE(kept);
    return MIMUS_SUSPEND;
  };
  probes().b.body = [](Request& r, std::string_view whole) { return r.respond(200, {}, whole); };
  world.open();
  world.start({.has_body = true});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(kept.resume());
    world.settle();
  }
  world.arrive("late");
  EXPECT_EQ(world.sink->body, "late");
}

TEST(RequestDirection, AtTheDeadlineTheFailPolicyDecides) {
  const struct {
    const char* name;
    bool open;
    int status;
  } rows[] = {{"open", true, 200}, {"closed", false, 503}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    World world;
    Hold kept;
    const auto suspend = [&](Request& r) {
      kept = r.hold(100);
      return MIMUS_SUSPEND;
    };
    (row.open ? probes().b : probes().a).request = suspend;
    probes().c.request = ok;
    world.open();
    world.start();
    world.loop_thread.advance(std::chrono::milliseconds(99));
    EXPECT_EQ(world.sink->sent, 0);
    world.loop_thread.advance(std::chrono::milliseconds(2));
    EXPECT_EQ(world.sink->status, row.status);
    EXPECT_FALSE(kept.resume()) << "it is over";
  }
}

TEST(RequestDirection, FieldsThatAPluginChangesAreChangedForThoseThatComeLater) {
  World world;
  probes().a.request = [](Request& r) {
    EXPECT_EQ(r.set_request("x-tenant", "blue"), MIMUS_OK);
    EXPECT_EQ(r.set_request("X-New", "1"), MIMUS_OK);
    EXPECT_EQ(r.remove_request("X-DEBUG"), MIMUS_OK);
    EXPECT_EQ(r.remove_request("X-Not-There"), MIMUS_OK);
    return MIMUS_NEXT;
  };
  std::string seen;
  probes().c.request = [&](Request& r) {
    for (std::uint32_t i = 0; const auto field = r.at(MIMUS_REQUEST_HEADERS, i); ++i)
      seen += std::string(field->name) + "=" + std::string(field->value) + " ";
    return ok(r);
  };
  world.open({.api = R"({"capture":{"requestHeaders":true}})"});
  world.start(
      {.headers = {
           {"X-Debug", "1"}, {"X-Tenant", "red"}, {"X-Debug", "2"}, {"X-Tenant", "green"}, {"X-Kept", ""}}});
  EXPECT_EQ(seen, "X-Kept= x-tenant=blue X-New=1 ");
  const std::string& journal = world.journal.records.at(0).text.at(field_request_headers);
  EXPECT_NE(journal.find(R"({"name":"X-Debug","value":"1"})"), std::string::npos) << journal;
  EXPECT_EQ(journal.find("blue"), std::string::npos) << "the journal keeps what the client sent";
  world.start({.headers = {{"X-Tenant", "red"}}});
  EXPECT_NE(world.journal.records.at(1).text.at(field_request_headers).find("red"), std::string::npos);
}

TEST(RequestDirection, FieldsThatFrameAMessageOrWouldSplitItAreRefused) {
  World world;
  probes().a.request = [](Request& r) {
    for (const char* name : {"Host", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE",
                             "Trailer", "Upgrade", "Expect", "Proxy-Authorization", "", "a b"}) {
      EXPECT_EQ(r.set_request(name, "x"), MIMUS_E_INVAL) << name;
      EXPECT_EQ(r.remove_request(name), MIMUS_E_INVAL) << name;
    }
    EXPECT_EQ(r.set_request("X-A", "b\r\nX-C: d"), MIMUS_E_INVAL);
    EXPECT_EQ(r.get(MIMUS_REQUEST_HEADERS, "Host"), "test");
    return MIMUS_NEXT;
  };
  probes().c.request = [](Request& r) {
    const mimus_action answered = ok(r);
    EXPECT_EQ(r.set_request("X-A", "late"), MIMUS_E_INVAL);
    return answered;
  };
  probes().c.response = [](Request& r) {
    EXPECT_EQ(r.set_request("X-A", "later"), MIMUS_E_INVAL);
    EXPECT_EQ(r.remove_request("Host"), MIMUS_E_INVAL);
    return MIMUS_NEXT;
  };
  world.open();
  world.start({.headers = {{"Host", "test"}}});
  EXPECT_EQ(world.sink->status, 200);
}

}  // namespace
}  // namespace mimus
