// What is kept of channels, and what becomes of it while the journal is full.
#include "host/pipeline/channel_journal.h"

#include "host/pipeline/captured_message.h"
#include "tests/unit/channel/told_channel.h"
#include "tests/unit/pipeline/world.h"

namespace mimus {
namespace {

using ::testing::HasSubstr;

class JournalOfChannels : public ::testing::Test {
 protected:
  void open(const World::Setup& setup = {}) {
    world.open(setup);
    world.on([this] {
      kept = std::make_unique<ChannelJournal>(*world.worker);
      table =
          std::make_unique<ChannelTable>(world.loop_thread.loop, world.loop_thread.clock, ChannelOptions{});
      table->observe(kept.get());
    });
  }
  void TearDown() override {
    world.on([this] {
      channel.reset();
      table.reset();
      kept.reset();
    });
  }
  void connect(bool captured) {
    world.on([&] { channel = std::make_unique<Told>(*table, endpoint, api, captured); });
  }
  void hang_up() {
    world.on([this] { channel.reset(); });
  }
  const std::vector<FakeProducer::Kept>& records() { return world.journal.records; }

  const Ulid endpoint = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
             api = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAX");
  World world;
  std::unique_ptr<ChannelJournal> kept;
  std::unique_ptr<ChannelTable> table;
  std::unique_ptr<Told> channel;
};

TEST_F(JournalOfChannels, OneRecordForAConnectionUnlessItsApiCaptures) {
  open();
  connect(false);
  const Ulid id = channel->id();
  world.on([this] { channel->say("hello"); });
  hang_up();
  ASSERT_EQ(records().size(), 1U);
  const FakeProducer::Kept& one = records()[0];
  EXPECT_EQ(one.kind, RecordKind::channel);
  EXPECT_EQ(one.id, id);
  EXPECT_EQ(one.text.at(field_connection_id), id.text());
  EXPECT_EQ(one.api, api);
  EXPECT_EQ(one.endpoint, endpoint);
  EXPECT_EQ(one.status, 101);
  EXPECT_EQ(one.method, "GET");
  EXPECT_EQ(one.path, "/ws/a");
  EXPECT_EQ(one.user_agent, "curl");
  EXPECT_EQ(one.text.at(field_protocol), "socket.io");
}

TEST_F(JournalOfChannels, MessagesAndTheEndWhereItsApiCaptures) {
  open();
  connect(true);
  const std::string id = channel->id().text();
  world.on([this] {
    channel->say("hello");
    const std::string_view binaries[] = {std::string_view("\0\1", 2)};
    channel->say({"ask", R"([{"_placeholder":true,"num":0}])", binaries, 7});
    Outgoing out = Outgoing::binary("\xff");
    channel->send(out);
    channel->close(4000, "enough");
  });
  world.loop_thread.advance(std::chrono::milliseconds(3));
  hang_up();
  ASSERT_EQ(records().size(), 5U);
  for (const FakeProducer::Kept& record : records()) {
    EXPECT_EQ(record.kind, RecordKind::channel);
    EXPECT_EQ(record.api, api);
    EXPECT_EQ(record.text.at(field_connection_id), id);
  }
  EXPECT_EQ(records()[1].text.at(field_direction), "in");
  EXPECT_EQ(records()[1].text.at(field_message_type), "text");
  EXPECT_EQ(records()[1].text.at(field_data), "hello");
  EXPECT_EQ(records()[1].request_size, 5);
  EXPECT_EQ(records()[2].text.at(field_message_type), "event");
  EXPECT_EQ(records()[2].text.at(field_event), "ask");
  EXPECT_EQ(records()[2].text.at(field_binaries), R"(["AAE="])");
  EXPECT_EQ(records()[2].number.at(field_ack), 7);
  EXPECT_EQ(records()[3].text.at(field_direction), "out");
  EXPECT_EQ(records()[3].text.at(field_message_type), "binary");
  EXPECT_EQ(records()[3].text.at(field_data), "/w==");
  EXPECT_EQ(records()[3].response_size, 1);
  EXPECT_EQ(records()[4].number.at(field_close_code), 4000);
  EXPECT_EQ(records()[4].text.at(field_close_reason), "enough");
  EXPECT_EQ(records()[4].number.at(field_messages_out), 1);
  EXPECT_EQ(records()[4].duration_us, 3000);
}

TEST_F(JournalOfChannels, WhoIsNotLetInIsKeptWithTheReason) {
  open();
  ChannelOrigin origin;
  origin.api = api;
  origin.path = "/ws/a";
  world.on([&] { table->tell_refused({origin, &endpoint, 401, "unauthorized"}); });
  ASSERT_EQ(records().size(), 1U);
  EXPECT_EQ(records()[0].status, 401);
  EXPECT_EQ(records()[0].error, "unauthorized");
  EXPECT_EQ(records()[0].endpoint, endpoint);
  EXPECT_FALSE(records()[0].text.contains(field_connection_id));
}

TEST_F(JournalOfChannels, WhatAFullJournalRefusesComesLaterInItsOrder) {
  open();
  connect(true);
  world.journal.full = true;
  world.on([this] {
    channel->say("one");
    channel->say("two");
  });
  world.on([this] { kept->retry(); });  // still full
  EXPECT_EQ(records().size(), 1U);
  world.journal.full = false;
  world.on([this] { channel->say("three"); });
  EXPECT_EQ(records().size(), 1U) << "it is behind those that wait";
  world.on([this] { kept->retry(); });
  ASSERT_EQ(records().size(), 4U);
  EXPECT_EQ(records()[1].text.at(field_data), "one");
  EXPECT_EQ(records()[3].text.at(field_data), "three");
  world.on([this] { channel->say("four"); });
  EXPECT_EQ(records().size(), 5U);
  EXPECT_THAT(world.metrics.render(), HasSubstr("mimus_dropped 0\n"));
}

TEST_F(JournalOfChannels, WhatWaitsIsBounded) {
  open();
  connect(true);
  world.journal.full = true;
  const std::string large(max_captured_message, 'x');
  const std::size_t fit = ChannelJournal::max_waiting / large.size();
  world.on([&] {
    for (std::size_t i = 0; i < fit + 3; ++i) channel->say(large);
  });
  EXPECT_THAT(world.metrics.render(), HasSubstr("mimus_dropped 4\n")) << "a record is more than its text";
  world.journal.full = false;
  world.on([this] { kept->retry(); });
  EXPECT_EQ(records().size(), 1 + fit - 1);
}

TEST_F(JournalOfChannels, LossyAndTheEndOfTheWorkerCountWhatIsLost) {
  open({.lossless = false});
  connect(true);
  world.journal.full = true;
  world.on([this] { channel->say("one"); });
  EXPECT_THAT(world.metrics.render(), HasSubstr("mimus_dropped 1\n"));
}

TEST_F(JournalOfChannels, WhatStillWaitsAtTheEndIsCounted) {
  open();
  connect(true);
  world.journal.full = true;
  world.on([this] { channel->say("one"); });
  TearDown();  // the close is one more
  EXPECT_THAT(world.metrics.render(), HasSubstr("mimus_dropped 2\n"));
}

TEST(CapturedMessage, IsCutBetweenCharactersAndSaysSo) {
  const std::string text = std::string(max_captured_message - 1, 'x') + "\xc3\xa4";
  const CapturedMessage kept({Outgoing::Kind::text, false, {}, text, {}, -1});
  EXPECT_TRUE(kept.truncated);
  EXPECT_EQ(kept.data, std::string(max_captured_message - 1, 'x'));
  const std::string_view binaries[] = {"a", std::string_view(text), "b"};
  const CapturedMessage event({Outgoing::Kind::event, true, "e", "[]", binaries, -1});
  EXPECT_TRUE(event.truncated);
  EXPECT_EQ(event.binaries, R"(["YQ=="])");
}

}  // namespace
}  // namespace mimus
