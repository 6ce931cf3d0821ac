// Engine.IO payloads: what is read, what is refused, what is made.
#include "host/channel/engine_packet.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mimus {
namespace {

/// "4 hello | b 010203" or "… | bad".
std::string told(std::string_view payload) {
  std::string out;
  PayloadReader reader(payload);
  for (;;) {
    const PayloadReader::Got got = reader.next();
    if (got == PayloadReader::Got::end) return out;
    if (!out.empty()) out += " | ";
    if (got == PayloadReader::Got::bad) {
      out += "bad";
      continue;
    }
    const EnginePacket& packet = reader.packet();
    out += packet.binary ? 'b' : static_cast<char>('0' + static_cast<int>(packet.type));
    if (!packet.data.empty()) out.append(" ").append(packet.data);
  }
}

TEST(EnginePayload, IsTakenApartPacketByPacket) {
  const struct {
    const char* name;
    std::string_view payload, want;
  } rows[] = {
      {"one message", "4hello", "4 hello"},
      {"a message of nothing", "4", "4"},
      {"several",
       "4a\x1e"
       "4b\x1e"
       "3",
       "4 a | 4 b | 3"},
      {"each type",
       "0{}\x1e"
       "1\x1e"
       "2probe\x1e"
       "3\x1e"
       "4m\x1e"
       "5\x1e"
       "6",
       "0 {} | 1 | 2 probe | 3 | 4 m | 5 | 6"},
      {"a binary", "bAQIDBA==", "b \1\2\3\4"},
      {"an empty binary", "b", "b"},
      {"text around a binary",
       "4a\x1e"
       "bQQ==\x1e"
       "4c",
       "4 a | b A | 4 c"},
      {"text that is not ASCII", "4h\xc3\xa9", "4 h\xc3\xa9"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(told(row.payload), row.want);
  }
}

TEST(EnginePayload, IsRefusedFromTheFirstBadPacketOn) {
  const struct {
    const char* name;
    std::string_view payload, want;
  } rows[] = {
      {"nothing", "", "bad"},
      {"no type", "abc", "bad"},
      {"a type that there is not", "7", "bad"},
      {"a byte before the digits", "/x", "bad"},
      {"an empty packet first",
       "\x1e"
       "4a",
       "bad"},
      {"an empty packet last", "4a\x1e", "4 a | bad"},
      {"an empty packet between",
       "4a\x1e\x1e"
       "4b",
       "4 a | bad"},
      {"a bad one between",
       "4a\x1exyz\x1e"
       "4b",
       "4 a | bad"},
      {"base 64 without its padding", "bAQIDBA", "bad"},
      {"base 64 with other letters", "bAQ-_", "bad"},
      {"base 64 with bits left over", "bAR==", "bad"},
      {"protocol 3's length", "6:4hello", "6 :4hello"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(told(row.payload), row.want);
  }
}

TEST(EnginePayload, MustBeUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("4 eight bytes and more, and \xe2\x82\xac, \xf0\x9f\x98\x80 behind them"));
  for (const std::string bad :
       {"\xff", "12345678\xff", "1234567\xc3", "\xed\xa0\x80", "\xc0\x80", "\xe2\x82"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

TEST(EnginePayload, IsMadeAsItIsRead) {
  std::string payload;
  append_packet(payload, EngineType::open, "{}");
  append_message(payload, false, "hi");
  append_message(payload, true, std::string_view("\0\xff", 2));
  append_message(payload, true, "");
  append_packet(payload, EngineType::noop);
  EXPECT_EQ(payload,
            "0{}\x1e"
            "4hi\x1e"
            "bAP8=\x1e"
            "b\x1e"
            "6");
}

TEST(EnginePayload, IsCutBetweenPackets) {
  const std::string_view payload =
      "4aa\x1e"
      "4bb\x1e"
      "4cc";  // separators at 3 and 7
  const struct {
    std::size_t limit, want;
  } rows[] = {{0, 3}, {1, 3}, {3, 3}, {6, 3}, {7, 7}, {8, 7}, {10, 7}, {11, 11}, {100, 11}};
  for (const auto& row : rows) EXPECT_EQ(payload_prefix(payload, row.limit), row.want) << row.limit;
  EXPECT_EQ(payload_prefix("4long", 2), 5u);
}

}  // namespace
}  // namespace mimus
