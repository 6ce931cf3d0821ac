// Who watches is told of it, in order, and never makes anybody wait.
#include "host/app/live_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/channel/loop_thread.h"
#include "tests/unit/channel/told_channel.h"

namespace mimus {
namespace {

using testing::HasSubstr;

class MailboxTest : public testing::Test {
 protected:
  void settle() {
    loop_thread.on([] {});
  }
  LoopThread loop_thread;
  int woken = 0;
  std::shared_ptr<Mailbox> box = std::make_shared<Mailbox>(loop_thread.loop, [this] { ++woken; });
};

TEST_F(MailboxTest, WakesOnceForWhatComesTogether) {
  loop_thread.on([this] {
    box->put("a");
    box->put("b");
  });
  settle();
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(box->take().events, "ab");
  box->put("c");
  settle();
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(box->take().events, "c");
  EXPECT_EQ(box->take().events, "");
}

TEST_F(MailboxTest, DropsWhatIsTooMuchAndAllBehindItUntilItIsRead) {
  box->put(std::string(Mailbox::most_bytes, 'x'));
  box->put("y");
  Mailbox::Mail mail = box->take();
  EXPECT_EQ(mail.events.size(), Mailbox::most_bytes);
  EXPECT_EQ(mail.dropped, 1u);
  box->put(std::string(Mailbox::most_bytes + 1, 'x'));
  box->put("small");
  mail = box->take();
  EXPECT_EQ(mail.events, "") << "not before what was dropped";
  EXPECT_EQ(mail.dropped, 2u);
  box->put("z");
  EXPECT_EQ(box->take().events, "z");
}

TEST_F(MailboxTest, IsNotReadOnceItIsClosed) {
  loop_thread.on([this] {
    box->put("a");
    box->close();
    box->put("b");
  });
  settle();
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(box->take().events, "");
}

TEST_F(MailboxTest, IsFilledFromManyThreads) {
  constexpr int each = 2000;
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([this] {
      for (int n = 0; n < each; ++n) box->put("x");
    });
  }
  for (std::thread& writer : writers) writer.join();
  settle();
  EXPECT_GE(woken, 1);
  EXPECT_EQ(box->take().events.size(), 3u * each);
}

class LiveFeedTest : public MailboxTest {
 protected:
  void SetUp() override {
    loop_thread.on([this] {
      table = std::make_unique<ChannelTable>(loop_thread.loop, loop_thread.clock, ChannelOptions{});
      feed = std::make_unique<LiveFeed>(loop_thread.loop, *table);
      table->observe(feed.get());
    });
  }
  void TearDown() override {
    loop_thread.on([this] { table.reset(); });
  }
  const Ulid endpoint = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
             other = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAX");
  std::unique_ptr<LiveFeed> feed;
  std::unique_ptr<ChannelTable> table;
};

TEST_F(LiveFeedTest, TellsOfOpensMessagesAndClosesOfItsEndpoint) {
  std::string id;
  loop_thread.on([&] {
    feed->watch(endpoint, box);
    Told unseen(*table, other, {}, true);
    unseen.say("unseen");
    Told one(*table, endpoint, {}, false);
    id = one.id().text();
    one.say("a\nb");
    Outgoing out = Outgoing::event({"e", "[1]", {}, 4});
    one.send(out);
    one.close(4000, "enough");
  });
  EXPECT_EQ(
      box->take().events,
      "event: open\ndata: {\"connectionId\":\"" + id +
          R"(","time":"2026-01-01T00:00:00.000Z","protocol":"socket.io","clientIp":"192.0.2.1"})" +
          "\n\nevent: message\ndata: {\"connectionId\":\"" + id +
          R"(","time":"2026-01-01T00:00:00.000Z","direction":"in","messageType":"text","data":"a\u000ab"})" +
          "\n\nevent: message\ndata: {\"connectionId\":\"" + id +
          R"(","time":"2026-01-01T00:00:00.000Z","direction":"out","messageType":"event","event":"e","data":"[1]","ack":4})" +
          "\n\nevent: close\ndata: {\"connectionId\":\"" + id +
          R"(","time":"2026-01-01T00:00:00.000Z","closeCode":4000,"closeReason":"enough","messagesIn":1,"messagesOut":1,"bytesIn":0,"bytesOut":0})" +
          "\n\n");
}

TEST_F(LiveFeedTest, TellsEachOfSeveralAndNobodyWhoHasGone) {
  const auto second = std::make_shared<Mailbox>(loop_thread.loop, [] {});
  loop_thread.on([&] {
    feed->watch(endpoint, box);
    feed->watch(endpoint, second);
    Told one(*table, endpoint, {}, false);
    feed->unwatch(endpoint, second.get());
    feed->unwatch(endpoint, second.get());  // a second time is nothing
    one.say("a");
    feed->unwatch(endpoint, box.get());
    one.say("b");
  });
  EXPECT_THAT(second->take().events,
              testing::AllOf(HasSubstr("event: open"), testing::Not(HasSubstr("message"))));
  EXPECT_THAT(box->take().events,
              testing::AllOf(HasSubstr("\"data\":\"a\""), testing::Not(HasSubstr("\"data\":\"b\""))));
  EXPECT_TRUE(table->state().watched.empty());
}

}  // namespace
}  // namespace mimus
