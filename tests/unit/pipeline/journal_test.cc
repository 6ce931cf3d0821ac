// What a flow leaves in the journal, and what it does when the journal is full.
#include "tests/unit/pipeline/world.h"

namespace mimus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

mimus_action ok(Request& r) {
  const mimus_field fields[] = {field("Set-Cookie", "id=1"), field("X-Open", "yes")};
  return r.respond(200, fields, "fine");
}

TEST(JournalOfAFlow, LosslessWaitsAndIsSentWhenThereIsRoom) {
  World world;
  probes().c.request = ok;
  world.open();
  world.journal.full = true;
  world.start();
  EXPECT_EQ(world.sink->sent, 0);
  world.on([&] { world.worker->retry_journal(); });  // still full
  EXPECT_EQ(world.sink->sent, 0);
  EXPECT_EQ(world.worker->waiting_for_journal.size(), 1U);
  world.journal.full = false;
  world.on([&] { world.worker->retry_journal(); });
  EXPECT_EQ(world.sink->sent, 1);
  EXPECT_EQ(world.sink->body, "fine");
  EXPECT_EQ(world.journal.records.size(), 1U);
  EXPECT_TRUE(world.worker->waiting_for_journal.empty());
}

TEST(JournalOfAFlow, LossySendsAndCountsWhatItDropped) {
  World world;
  probes().c.request = ok;
  world.open({.lossless = false});
  world.journal.full = true;
  world.start();
  EXPECT_EQ(world.sink->sent, 1);
  EXPECT_THAT(world.metrics.render(), HasSubstr("mimus_dropped 1\n"));
}

TEST(JournalOfAFlow, VersionsAreComparedByWhatEachRequestTookItself) {
  World world;
  TrafficArms arms;
  probes().c.request = [&world](Request& r) {
    world.loop_thread.clock.advance(std::chrono::milliseconds(200));
    return ok(r);
  };
  world.open();
  world.worker->traffic = &arms;
  world.start();
  probes().c.request = ok;
  world.start();  // it came in the turn of the one before, and waited for it
  EXPECT_EQ(arms.stable.read().requests, 2U);
  EXPECT_EQ(arms.stable.read().micros[0], 1U);
  EXPECT_GE(world.journal.records.back().duration_us, 200'000);
}

TEST(JournalOfAFlow, AnIdIsOfTheMomentOfTheRecordNotOfTheTurnBefore) {
  World world;
  probes().c.request = [&world](Request& r) {
    world.loop_thread.clock.advance(std::chrono::milliseconds(200));
    return ok(r);
  };
  world.open();
  world.start();
  EXPECT_EQ(world.journal.records.back().id.wall_ms(), world.loop_thread.clock.wall_us() / 1000);
}

TEST(JournalOfAFlow, WithoutAJournalNothingIsKept) {
  World world;
  probes().c.request = ok;
  world.open({.journal = false});
  world.start();
  EXPECT_EQ(world.sink->sent, 1);
  EXPECT_THAT(world.metrics.render(), HasSubstr("mimus_dropped 0\n"));
}

TEST(JournalOfAFlow, HoldsWhatPluginsRecorded) {
  World world;
  probes().a.request = [](Request& r) {
    r.record(core_field_count, true);
    r.record(core_field_count + 1, std::string_view("first"));
    r.record_error("noted");
    return MIMUS_NEXT;
  };
  probes().c.request = ok;
  probes().b.response = [](Request& r) {
    r.record(core_field_count + 1, std::string_view("second"));
    r.record(field_status, std::string_view("core fields are the host's"));
    return MIMUS_NEXT;
  };
  world.open();
  world.start();
  ASSERT_EQ(world.journal.records.size(), 1U);
  const FakeProducer::Kept& record = world.journal.records[0];
  EXPECT_EQ(record.number.at(core_field_count), 1);
  EXPECT_EQ(record.text.at(core_field_count + 1), "second");
  EXPECT_EQ(record.text.count(field_status), 0U);
  EXPECT_EQ(record.error, "noted");
  EXPECT_EQ(record.path, "/mock/test/users/1");
  EXPECT_EQ(record.response_size, 4);
}

TEST(JournalOfAFlow, CapturesOnlyWhatTheApiAsksForAndNoSecrets) {
  const struct {
    const char* name;
    const char* api;
    bool request_headers, response_headers, bodies;
  } rows[] = {
      {"nothing", "{}", false, false, false},
      {"all off", R"({"capture":{"requestHeaders":false,"responseHeaders":false,"bodies":false}})", false,
       false, false},
      {"request headers", R"({"capture":{"requestHeaders":true}})", true, false, false},
      {"response headers", R"({"capture":{"responseHeaders":true}})", false, true, false},
      {"bodies", R"({"capture":{"bodies":true}})", false, false, true},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    World world;
    probes().c.request = ok;
    world.open({.api = row.api});
    world.start({.method = "POST",
                 .has_body = true,
                 .headers = {{"AUTHORIZATION", "Bearer s3cret"},
                             {"Cookie", "s3cret"},
                             {"X-Api-Key", "s3cret"},
                             {"X-Auth-Token", "s3cret"},
                             {"Proxy-Authorization", "s3cret"},
                             {"X-Open", "a\"b"}}});
    if (row.bodies) world.arrive("ping");
    ASSERT_EQ(world.journal.records.size(), 1U);
    const auto& text = world.journal.records[0].text;
    EXPECT_EQ(text.count(field_request_headers), row.request_headers);
    EXPECT_EQ(text.count(field_response_headers), row.response_headers);
    EXPECT_EQ(text.count(field_request_body), row.bodies);
    EXPECT_EQ(text.count(field_response_body), row.bodies);
    if (row.request_headers) {
      EXPECT_THAT(text.at(field_request_headers),
                  HasSubstr(R"({"name":"AUTHORIZATION","value":"[redacted]"})"));
      EXPECT_THAT(text.at(field_request_headers), HasSubstr(R"({"name":"X-Open","value":"a\"b"})"));
      EXPECT_THAT(text.at(field_request_headers), Not(HasSubstr("s3cret")));
    }
    if (row.response_headers) {
      EXPECT_EQ(text.at(field_response_headers),
                R"([{"name":"Set-Cookie","value":"[redacted]"},{"name":"X-Open","value":"yes"}])");
    }
    if (row.bodies) {
      EXPECT_EQ(text.at(field_request_body), "ping");
      EXPECT_EQ(text.at(field_response_body), "fine");
    }
  }
}

TEST(JournalOfAFlow, CountsNoBytesOfABodyThatIsNotSent) {
  World world;
  probes().c.request = ok;
  world.open();
  world.start({.method = "HEAD"});
  EXPECT_EQ(world.journal.records.at(0).response_size, 0);
}

TEST(JournalOfAFlow, TakesTheTraceIdOfATraceparent) {
  const struct {
    const char* name;
    std::string_view field;
    const char* id;
  } rows[] = {
      {"well-formed", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
       "0af7651916cd43dd8448eb211c80319c"},
      {"too short", "00-0af7651916cd43dd8448eb211c80319c", ""},
      {"no dashes", "00.0af7651916cd43dd8448eb211c80319c.b7ad6b7169203331.01", ""},
      {"empty", "", ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    World world;
    probes().c.request = ok;
    world.open();
    world.start({.headers = {{"traceparent", row.field}}});
    EXPECT_EQ(world.journal.records.at(0).trace_id, row.id);
  }
}

}  // namespace
}  // namespace mimus
