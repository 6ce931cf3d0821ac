// An upstream's answer as the exchange's: whole, streamed, gathered, and broken off.
#include "tests/unit/pipeline/world.h"

namespace mimus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const mimus_forward_v1& table() {
  return *static_cast<const mimus_forward_v1*>(exchange_extension("mimus.forward/1"));
}

mimus_rc forward(Request& r, std::string_view url) {
  const mimus_field header = field("X-Sent", "1");
  const mimus_forward to{sizeof(mimus_forward), 1000, str(url), str("PUT"), &header, 1};
  return table().forward(r.get(), &to);
}

class Forward : public ::testing::Test {
 protected:
  Forward() {
    probes().c.request = [](Request& r) {
      EXPECT_EQ(forward(r, "http://upstream.test:81/x?y=1"), MIMUS_OK);
      return MIMUS_RESPONDED;
    };
  }

  /// As the client tells it.
  void head(int status, std::int64_t length = -1) {
    const std::vector<Header> headers{{"X-Up", "1"}, {"Content-Length", "7"}, {"Date", "then"}};
    world.on([&] { world.upstream.receiver->on_head(status, headers, length); });
  }
  void data(std::string_view bytes) {
    world.on([&] { world.upstream.receiver->on_data(bytes); });
  }
  void end() {
    world.on([&] { world.upstream.end(); });
  }
  void fail(UpstreamError error) {
    world.on([&] { world.upstream.fail(error); });
  }
  /// Has a plugin gather up to `ceiling` bytes.
  static void gather(Script& script, std::size_t ceiling) {
    script.response = [ceiling](Request& r) {
      std::string_view body;
      if (r.response_body(body) == MIMUS_OK) return MIMUS_NEXT;
      r.body_ceiling(ceiling);
      return MIMUS_NEED_BODY;
    };
  }
  const FakeProducer::Kept& record() { return world.journal.records.at(0); }

  World world;
};

TEST_F(Forward, SendsTheRequestWithItsBody) {
  world.open();
  world.start({.has_body = true});
  EXPECT_EQ(world.upstream.started, 0);
  world.arrive("ping");
  EXPECT_EQ(world.upstream.method, "PUT");
  EXPECT_EQ(world.upstream.url, "upstream.test:81/x?y=1");
  EXPECT_EQ(world.upstream.body, "ping");
}

TEST_F(Forward, StreamsTheAnswerWithItsHead) {
  probes().b.response = [](Request& r) {
    EXPECT_EQ(table().forwarded(r.get()), 1);
    std::string_view body;
    EXPECT_EQ(r.response_body(body), MIMUS_PENDING);
    return MIMUS_NEXT;
  };
  world.open();
  world.start();
  head(201, 7);
  EXPECT_TRUE(world.sink->begun);
  EXPECT_EQ(world.sink->length, 7);
  data("one");
  data(" two");
  end();
  EXPECT_EQ(world.sink->body, "one two");
  EXPECT_TRUE(world.sink->finished);
  EXPECT_THAT(world.sink->headers, ElementsAre(Pair("X-Up", "1")));
  EXPECT_EQ(record().status, 201);
  EXPECT_EQ(record().response_size, 7);
}

TEST_F(Forward, AStreamThatTheConnectionCannotSendIsJournalledAsWhatWasSentInstead) {
  world.open();
  world.start();
  world.sink->unsendable = true;
  head(200, 7);
  EXPECT_EQ(world.sink->ended, 1);
  EXPECT_EQ(world.upstream.living, 0);
  ASSERT_EQ(world.journal.records.size(), 1U);
  EXPECT_EQ(record().status, 500);
  EXPECT_EQ(record().error, "answer-unsendable");
  EXPECT_EQ(record().response_size, 7);
}

TEST_F(Forward, TellsTheLengthThatWasAnnouncedUntilItIsForgotten) {
  probes().c.response = [](Request& r) {
    EXPECT_EQ(r.response_length(), 7U);
    r.forget_length();
    EXPECT_EQ(r.response_length(), std::nullopt);
    return MIMUS_NEXT;
  };
  world.open();
  world.start({.method = "HEAD"});
  head(200, 7);
  EXPECT_EQ(world.sink->length, -1);
  end();
}

TEST_F(Forward, ABodyIsReplacedOnceItIsGathered) {
  gather(probes().b, 7);
  probes().b.response_body = [](Request& r, std::string_view, mimus_rc) { return r.replace_body("new"); };
  probes().c.response = [](Request& r) {
    EXPECT_EQ(r.replace_body("early"), MIMUS_PENDING);
    return MIMUS_NEXT;
  };
  world.open();
  world.start();
  head(200, 7);
  data("one two");
  end();
  EXPECT_EQ(world.sink->body, "new");
  EXPECT_EQ(record().response_size, 3);
}

TEST_F(Forward, HoldsTheUpstreamWhileTheClientDoesNotRead) {
  world.open();
  world.start();
  head(200);
  world.sink->room = false;
  data("one");
  EXPECT_TRUE(world.upstream.paused);
  world.on([&] { world.flow->on_writable(); });
  EXPECT_FALSE(world.upstream.paused);
  end();
  EXPECT_TRUE(world.sink->finished);
}

TEST_F(Forward, GathersAnAnswerThatFits) {
  gather(probes().b, 7);
  world.open();
  world.start();
  head(200);
  data("one");
  data(" two");
  EXPECT_FALSE(world.sink->begun);
  end();
  EXPECT_FALSE(world.sink->begun);
  EXPECT_EQ(world.sink->body, "one two");
  EXPECT_THAT(probes().calls(), ::testing::Contains("b response_body one two"));
  EXPECT_EQ(record().response_size, 7);
}

TEST_F(Forward, StreamsAnAnswerThatIsLargerThanTheCeiling) {
  gather(probes().b, 6);
  world.open();
  world.start();
  head(200);
  data("one");
  EXPECT_FALSE(world.sink->begun);
  data(" two");
  EXPECT_TRUE(world.sink->begun);
  EXPECT_FALSE(world.upstream.paused);
  data(" three");
  end();
  EXPECT_EQ(world.sink->body, "one two three");
  EXPECT_TRUE(world.sink->finished);
  EXPECT_THAT(probes().calls(), ::testing::Contains("b response_body too large"));
  EXPECT_EQ(record().response_size, 13);
}

TEST_F(Forward, AnOuterPluginWithALargerCeilingHasTheRestGathered) {
  gather(probes().b, 2);
  gather(probes().a, 100);
  world.open();
  world.start();
  head(200);
  data("one");
  EXPECT_FALSE(world.upstream.paused) << "nothing more would ever come";
  data(" two");
  end();
  EXPECT_EQ(world.sink->body, "one two");
  EXPECT_THAT(probes().calls(),
              ::testing::IsSupersetOf({"b response_body too large", "a response_body one two"}));
}

TEST_F(Forward, AnOuterPluginWithASmallerCeilingIsToldAtOnce) {
  gather(probes().b, 4);
  gather(probes().a, 2);
  world.open();
  world.start();
  head(200);
  data("more!");
  EXPECT_TRUE(world.sink->begun);
  end();
  EXPECT_EQ(world.sink->body, "more!");
}

TEST_F(Forward, AnEmptyAnswerIsGatheredToo) {
  gather(probes().b, 0);
  world.open();
  world.start();
  head(204, 0);
  end();
  EXPECT_EQ(world.sink->status, 204);
  EXPECT_EQ(world.sink->sent, 1);
}

TEST_F(Forward, ReplacingTheStatusOfAStreamDropsTheUpstream) {
  probes().b.response = [](Request& r) {
    r.replace_status(304);
    return MIMUS_NEXT;
  };
  world.open({.api = R"({"capture":{"bodies":true}})"});
  world.start();
  head(200, 7);
  EXPECT_EQ(world.sink->status, 304);
  EXPECT_EQ(world.sink->sent, 1);
  EXPECT_EQ(world.sink->body, "");
  EXPECT_EQ(world.upstream.living, 0);
  EXPECT_EQ(record().status, 304);
}

TEST_F(Forward, ReplacingTheStatusAfterTheCeilingForgetsWhatCame) {
  gather(probes().b, 2);
  probes().b.response_body = [](Request& r, std::string_view, mimus_rc) {
    r.replace_status(304);
    return MIMUS_NEXT;
  };
  world.open({.api = R"({"capture":{"bodies":true}})"});
  world.start();
  head(200);
  data("secret");
  EXPECT_EQ(world.sink->status, 304);
  EXPECT_EQ(world.sink->body, "");
  EXPECT_EQ(world.upstream.living, 0);
  EXPECT_EQ(record().text.at(field_response_body), "") << "the client never saw it";
}

TEST_F(Forward, APluginThatFailsClosedDropsTheUpstream) {
  probes().c.response = [](Request&) { return MIMUS_FAIL; };
  probes().a.response = [](Request& r) {
    EXPECT_EQ(table().forwarded(r.get()), 0);
    EXPECT_FALSE(r.get(MIMUS_RESPONSE_HEADERS, "X-Up"));
    return MIMUS_NEXT;
  };
  world.open();
  world.start();
  head(200);
  EXPECT_EQ(world.sink->status, 503);
  EXPECT_EQ(world.problem(), "plugin-failed");
  EXPECT_EQ(world.upstream.living, 0);
}

TEST_F(Forward, AFailureBeforeTheHeadIsAProblem) {
  const struct {
    UpstreamError error;
    int status;
    const char* problem;
  } rows[] = {
      {UpstreamError::timeout, 504, "upstream-timeout"},
      {UpstreamError::unreachable, 502, "upstream-unreachable"},
      {UpstreamError::protocol, 502, "upstream-unreachable"},
      {UpstreamError::forbidden, 403, "upstream-forbidden"},
  };
  probes().b.response = [](Request& r) {
    EXPECT_EQ(table().forwarded(r.get()), 0);
    return MIMUS_NEXT;
  };
  world.open();
  for (const auto& row : rows) {
    SCOPED_TRACE(row.problem);
    world.start();
    fail(row.error);
    EXPECT_EQ(world.sink->status, row.status);
    EXPECT_EQ(world.problem(), row.problem);
    EXPECT_EQ(world.journal.records.back().error, row.problem);
  }
}

TEST_F(Forward, AFailureWhileItIsGatheredIsAProblem) {
  gather(probes().b, 100);
  probes().b.response_body = [](Request& r, std::string_view whole, mimus_rc rc) {
    EXPECT_EQ(rc, MIMUS_E_GONE) << "what is in its place is nobody's to keep or to tag";
    EXPECT_EQ(whole, "");
    EXPECT_EQ(r.status(), 502);
    return MIMUS_NEXT;
  };
  world.open();
  world.start();
  head(200);
  data("half");
  fail(UpstreamError::unreachable);
  EXPECT_EQ(world.sink->status, 502);
  EXPECT_EQ(world.problem(), "upstream-unreachable");
  EXPECT_FALSE(world.sink->begun);
  EXPECT_THAT(probes().calls(), ::testing::Contains("b response_body broke off"));
}

TEST_F(Forward, AFailureInTheStreamCutsTheConnection) {
  world.open();
  world.start();
  head(200);
  data("half");
  fail(UpstreamError::timeout);
  EXPECT_TRUE(world.sink->aborted);
  EXPECT_EQ(world.sink->ended, 1);
  EXPECT_EQ(record().status, 200);
  EXPECT_EQ(record().error, "upstream-timeout");
  EXPECT_EQ(record().response_size, 4);
}

TEST_F(Forward, AUrlThatDoesNotParseIsRefused) {
  for (const char* const url : {"", "ftp://x/", "/relative", "http://user@host/"}) {
    SCOPED_TRACE(url);
    World own;
    probes().c.request = [url](Request& r) {
      EXPECT_EQ(forward(r, url), MIMUS_E_INVAL);
      return MIMUS_RESPONDED;
    };
    own.open();
    own.start();
    EXPECT_EQ(own.problem(), "plugin-failed");
  }
}

TEST_F(Forward, ACapturedStreamIsCutAt64KiB) {
  world.open({.api = R"({"capture":{"bodies":true}})"});
  world.start();
  head(200);
  const std::string large(50'000, 'x');
  data(large);
  data(large);
  end();
  EXPECT_EQ(world.sink->body.size(), 100'000U);
  EXPECT_EQ(record().text.at(field_response_body).size(), 65'536U);
}

TEST_F(Forward, AStreamThatEndedWaitsForTheJournal) {
  world.open();
  world.start();
  head(200);
  data("x");
  world.journal.full = true;
  end();
  EXPECT_FALSE(world.sink->finished);
  world.journal.full = false;
  world.on([&] { world.worker->retry_journal(); });
  EXPECT_TRUE(world.sink->finished);
  EXPECT_EQ(world.journal.records.size(), 1U);
}

}  // namespace
}  // namespace mimus
