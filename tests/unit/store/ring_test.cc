#include "store/ring.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

class RingTest : public testing::Test {
 protected:
  static JournalFields only_core() {
    std::vector<std::string> names;
    return *number_fields(core_fields(), names);
  }

  static RecordInput numbered(unsigned n, std::string_view path = "/path") {
    RecordInput out;
    out.id = ulid(n);
    out.duration_us = n;
    out.path = path;
    return out;
  }

  /// The numbers of the records that are there, taken off.
  std::vector<unsigned> take_all(Ring& ring) {
    std::vector<unsigned> out;
    ring.look();
    for (std::string_view bytes; !(bytes = ring.next()).empty(); ring.pop()) {
      Record record;
      EXPECT_TRUE(decode_record(bytes, fields_.now().ring, record));
      out.push_back(static_cast<unsigned>(record.duration_us));
    }
    return out;
  }

  FieldVersions fields_{only_core(), 1};
  FakeClock clock_;
  WakeUp wake_;
};

TEST_F(RingTest, GivesRecordsInOrderAcrossItsEnd) {
  Ring ring(4096, fields_, clock_, wake_);
  unsigned next = 0;
  unsigned taken = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 7; ++i) {
      ASSERT_TRUE(ring.append(numbered(next, std::string(next % 90, 'p')))) << next;
      ++next;
    }
    for (const unsigned number : take_all(ring)) EXPECT_EQ(number, taken++);
  }
  EXPECT_EQ(taken, next);
}

TEST_F(RingTest, TellsWhatIsDueFromWhatCameSince) {
  Ring ring(4096, fields_, clock_, wake_);
  EXPECT_FALSE(ring.due());
  ASSERT_TRUE(ring.append(numbered(1)));
  ring.look();
  ASSERT_TRUE(ring.append(numbered(2)));
  ring.look_on();
  ASSERT_TRUE(ring.append(numbered(3)));
  EXPECT_TRUE(ring.due());
  ASSERT_FALSE(ring.next().empty());
  ring.pop();
  EXPECT_FALSE(ring.due());
  ASSERT_FALSE(ring.next().empty()) << "it may come along";
  ring.pop();
  EXPECT_TRUE(ring.next().empty()) << "nobody has looked at it";
  EXPECT_FALSE(ring.due());
  EXPECT_EQ(take_all(ring), std::vector<unsigned>{3});
}

TEST_F(RingTest, RefusesWhenFullAndSaysWhenThereIsRoom) {
  Ring ring(4096, fields_, clock_, wake_);
  unsigned accepted = 0;
  while (ring.append(numbered(accepted))) ++accepted;
  EXPECT_GT(accepted, 15u);
  EXPECT_FALSE(ring.has_room_again());
  EXPECT_EQ(take_all(ring).size(), accepted);
  EXPECT_TRUE(ring.has_room_again());
  EXPECT_FALSE(ring.has_room_again()) << "said once";
  EXPECT_TRUE(ring.append(numbered(1)));
}

TEST_F(RingTest, RefusesWhileItsOldestRecordIsOverASecondOld) {
  Ring ring(4096, fields_, clock_, wake_);
  ASSERT_TRUE(ring.append(numbered(1)));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(ring.append(numbered(2)));
  clock_.advance(std::chrono::microseconds(1));
  EXPECT_FALSE(ring.append(numbered(3)));
  take_all(ring);
  EXPECT_TRUE(ring.has_room_again());
  EXPECT_TRUE(ring.append(numbered(4)));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(ring.append(numbered(5))) << "record 4 is not over a second old";
}

TEST_F(RingTest, WakesTheWriterOnceWhenHalfFull) {
  Ring ring(4096, fields_, clock_, wake_);
  ASSERT_TRUE(ring.append(numbered(1)));
  EXPECT_FALSE(wake_.wait(std::chrono::milliseconds(0)));
  while (!ring.half_full()) ASSERT_TRUE(ring.append(numbered(2)));
  EXPECT_TRUE(wake_.wait(std::chrono::milliseconds(0)));
  ASSERT_TRUE(ring.append(numbered(3)));
  EXPECT_FALSE(wake_.wait(std::chrono::milliseconds(0)));
}

TEST_F(RingTest, WakesTheWriterLongBeforeALargeRingIsHalfFull) {
  Ring ring(1 << 20, fields_, clock_, wake_);
  unsigned records = 0;
  for (; !wake_.wait(std::chrono::milliseconds(0)); ++records) {
    ASSERT_TRUE(ring.append(numbered(records, std::string(1000, 'p'))));
  }
  EXPECT_GE(records, 10u);
  EXPECT_LE(records, 16u);
  EXPECT_FALSE(ring.half_full());
}

TEST_F(RingTest, ClipsTheTextsOfARecordThatCouldNeverFit) {
  Ring ring(4096, fields_, clock_, wake_);
  const std::string body(100'000, 'b');
  const FieldValue extra[] = {{field_request_body, 0, body}};
  RecordInput input = numbered(1, body);
  input.extra = extra;
  ASSERT_TRUE(ring.append(input));
  ring.look();
  Record record;
  ASSERT_TRUE(decode_record(ring.next(), fields_.now().ring, record));
  EXPECT_EQ(record.id, ulid(1));
  EXPECT_FALSE(record.path.empty());
  EXPECT_LT(record.path.size(), 1000u);
}

TEST_F(RingTest, LosesNothingBetweenTwoThreads) {
  Ring ring(8192, fields_, clock_, wake_);
  constexpr unsigned total = 50'000;
  std::thread worker([&] {
    for (unsigned i = 0; i < total;) {
      if (ring.append(numbered(i, std::string(i % 60, 'p')))) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (unsigned next = 0; next < total;) {
    for (const unsigned number : take_all(ring)) ASSERT_EQ(number, next++);
  }
  worker.join();
}

}  // namespace
}  // namespace mimus
