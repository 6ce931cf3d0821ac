// Frames: what a client's bytes mean, however they are cut, and what goes back.
#include "host/channel/framing.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <vector>

#include "client_frames.h"

namespace mimus {
namespace {

using std::string_literals::operator""s;

struct Seen final : FrameReader::Events {
  void on_message(Opcode opcode, std::string_view payload) override {
    static constexpr const char* names[] = {"", "text", "binary", "",     "",    "",
                                            "", "",     "close",  "ping", "pong"};
    list.push_back(std::string(names[static_cast<unsigned>(opcode)]) + ":" + std::string(payload));
  }
  std::vector<std::string> list;
};

constexpr std::size_t limit = 1000;

struct Row {
  const char* name;
  std::string bytes;
  std::vector<std::string> messages;
  int code = 0;
};

std::vector<Row> rows() {
  const std::string a125(125, 'a'), a126(126, 'a'), a1000(1000, 'a'), a600(600, 'a');
  const std::string euro = "\xe2\x82\xac";
  return {
      {"an empty text", client_text(""), {"text:"}},
      {"a text", client_text("Hello"), {"text:Hello"}},
      {"the longest of the short form", client_text(a125), {"text:" + a125}},
      {"the shortest of the 16-bit form", client_text(a126), {"text:" + a126}},
      {"exactly the limit", client_text(a1000), {"text:" + a1000}},
      {"binary of any bytes", client_frame({0x82, "\xff\x00\xfe"s}), {"binary:\xff\x00\xfe"s}},
      {"two in a row", client_text("a") + client_text("b"), {"text:a", "text:b"}},
      {"ping and pong", client_frame({0x89, "p"}) + client_frame({0x8a, "q"}), {"ping:p", "pong:q"}},
      {"close with code", client_close("\x03\xe8"), {"close:\x03\xe8"}},
      {"close without", client_close(""), {"close:"}},
      {"fragments",
       client_frame({0x01, "Hel"}) + client_frame({0x00, ""}) + client_frame({0x80, "lo"}),
       {"text:Hello"}},
      {"a ping between fragments",
       client_frame({0x01, "Hel"}) + client_frame({0x89, "now"}) + client_frame({0x80, "lo"}) +
           client_text("x"),
       {"ping:now", "text:Hello", "text:x"}},
      {"a character cut by a fragment's end",
       client_frame({0x01, euro.substr(0, 1)}) + client_frame({0x89, "\xff"}) +
           client_frame({0x00, euro.substr(1, 1)}) + client_frame({0x80, euro.substr(2)}),
       {"ping:\xff", "text:" + euro}},
      {"what follows a close frame is not looked at",
       client_close("\x03\xe8") + client_text("late") + client_frame({0x83, "x"}),
       {"close:\x03\xe8"}},
      {"a close frame between fragments",
       client_frame({0x01, "Hel"}) + client_close("") + client_frame({0x80, "lo"}),
       {"close:"}},
      {"empty fragments, of any number",
       client_frame({0x01, ""}) + client_frame({0x00, ""}) + client_frame({0x00, ""}) +
           client_frame({0x80, ""}),
       {"text:"}},
      {"long ASCII before and after a character",
       client_text(a600 + euro + a125),
       {"text:" + a600 + euro + a125}},
      {"fragmented binary need not be UTF-8",
       client_frame({0x02, "\xff"}) + client_frame({0x80, "\xfe"}),
       {"binary:\xff\xfe"}},

      {"not masked", client_frame({0x81, "Hello", false}), {}, 1002},
      {"not masked after a good one", client_text("a") + client_frame({0x81, "b", false}), {"text:a"}, 1002},
      {"RSV1", client_frame({0xc1, "x"}), {}, 1002},
      {"RSV1 on a later fragment", client_frame({0x01, "x"}) + client_frame({0xc0, "x"}), {}, 1002},
      {"RSV2", client_frame({0xa1, "x"}), {}, 1002},
      {"RSV3", client_frame({0x91, "x"}), {}, 1002},
      {"RSV1 on a control frame", client_frame({0xc9, "x"}), {}, 1002},
      {"opcode 3", client_frame({0x83, "x"}), {}, 1002},
      {"opcode 7", client_frame({0x87, "x"}), {}, 1002},
      {"opcode 11", client_frame({0x8b, "x"}), {}, 1002},
      {"opcode 15", client_frame({0x8f, "x"}), {}, 1002},
      {"a fragmented ping", client_frame({0x09, "x"}), {}, 1002},
      {"a ping of 126 bytes", client_frame({0x89, a126}), {}, 1002},
      {"a continuation of nothing", client_frame({0x80, "x"}), {}, 1002},
      {"a text within a text", client_frame({0x01, "x"}) + client_text("y"), {}, 1002},
      {"a length of 2 in 16 bits", client_frame({0x81, "xy", true, 2}), {}, 1002},
      {"a length of 2 in 64 bits", client_frame({0x81, "xy", true, 8}), {}, 1002},

      {"bytes that are no UTF-8", client_text("a\xff"), {}, 1007},
      {"a surrogate", client_text("\xed\xa0\x80"), {}, 1007},
      {"an overlong slash", client_text("\xc0\xaf"), {}, 1007},
      {"a text that ends within a character", client_text(euro.substr(0, 2)), {}, 1007},
      {"the same in fragments",
       client_frame({0x01, "a"}) + client_frame({0x80, euro.substr(0, 2)}),
       {},
       1007},
      {"the same with an empty last fragment",
       client_frame({0x01, euro.substr(0, 2)}) + client_frame({0x80, ""}),
       {},
       1007},
      {"UTF-8 that fails in the first fragment", client_frame({0x01, "\xff"}), {}, 1007},

      {"one more than the limit", client_text(std::string(1001, 'a')), {}, 1009},
      {"one more than the limit, announced", client_frame({0x82, "", true, -1, 1001}), {}, 1009},
      {"fragments that add up to more", client_frame({0x01, a600}) + client_frame({0x80, a600}), {}, 1009},
      {"2^63 - 1", client_frame({0x82, "", true, 8, INT64_MAX}), {}, 1009},
  };
}

TEST(FrameReader, SaysTheSameHoweverTheBytesAreCut) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    for (std::size_t cut = 0; cut <= row.bytes.size(); ++cut) {
      FrameReader reader(limit);
      Seen seen;
      const std::string_view bytes = row.bytes;
      int code = reader.feed(bytes.substr(0, cut), seen);
      code = reader.feed(bytes.substr(cut), seen);
      ASSERT_EQ(code, row.code) << "cut at " << cut;
      ASSERT_EQ(seen.list, row.messages) << "cut at " << cut;
    }
  }
}

TEST(FrameReader, SaysTheSameByteByByte) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    FrameReader reader(limit);
    Seen seen;
    int code = 0;
    for (const char& byte : row.bytes) code = reader.feed({&byte, 1}, seen);
    EXPECT_EQ(code, row.code);
    EXPECT_EQ(seen.list, row.messages);
  }
}

TEST(FrameReader, TakesNothingAfterAFailure) {
  FrameReader reader(limit);
  Seen seen;
  EXPECT_EQ(reader.feed(client_frame({0x83, "x"}), seen), 1002);
  EXPECT_EQ(reader.feed(client_text("late"), seen), 1002);
  EXPECT_TRUE(seen.list.empty());
}

TEST(FrameReader, FailsWithTheByteThatCannotBe) {
  const struct {
    const char* name;
    std::string good, bad;  ///< Of one text message of 30 bytes.
  } cases[] = {
      {"beyond Unicode", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4", "\x90"},
      {"a surrogate", "edited\xed", "\xa0"},
      {"overlong", "aaaaaaaaaaaaaaaa\xe0", "\x9f"},
      {"no start of anything", "", "\xff"},
  };
  for (const auto& row : cases) {
    SCOPED_TRACE(row.name);
    for (const bool fragmented : {false, true}) {
      FrameReader reader(limit);
      Seen seen;
      const std::string payload = row.good + row.bad;
      std::string bytes = fragmented ? client_frame({0x01, "before"}) : std::string();
      bytes += client_frame({fragmented ? 0x00u : 0x01u, payload, true, -1, 30});
      const std::string_view view = bytes;
      EXPECT_EQ(reader.feed(view.substr(0, view.size() - 1), seen), 0);
      EXPECT_EQ(reader.feed(view.substr(view.size() - 1), seen), 1007);
    }
  }
}

TEST(FrameReader, ReadsAServersFramesAsAClient) {
  FrameReader reader(limit, {false, true});
  Seen seen;
  for (const std::string& one : {frame(Opcode::text, "a"), frame(Opcode::text, ""), frame(Opcode::ping, ""),
                                 frame(Opcode::binary, std::string(300, 'b'))}) {
    for (const char& byte : one) EXPECT_EQ(reader.feed({&byte, 1}, seen), 0);
  }
  EXPECT_EQ(seen.list,
            (std::vector<std::string>{"text:a", "text:", "ping:", "binary:" + std::string(300, 'b')}));
  EXPECT_EQ(reader.feed(client_text("masked"), seen), 1002);
}

TEST(FrameReader, HoldsNothingBetweenMessages) {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  std::vector<std::unique_ptr<FrameReader>> readers;
  Seen seen;
  readers.reserve(1000);
  for (int i = 0; i < 1000; ++i) readers.push_back(std::make_unique<FrameReader>(mebibyte));
  const auto held = [] {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const std::string small = client_text("small"), large = client_text(std::string(200'000, 'x'));
  EXPECT_EQ(readers[0]->feed(small + large, seen), 0);  // what the thread keeps
  seen.list.reserve(10'000);
  const std::size_t before = held();
  for (auto& reader : readers) {
    EXPECT_EQ(reader->feed(small, seen), 0);
    EXPECT_EQ(reader->feed(large, seen), 0);
    seen.list.clear();
  }
  EXPECT_LT(held(), before + 100'000);  // once 64 KiB, not a thousand times anything
}

TEST(FrameReader, IsNotFooledByALengthThatWrapsAround) {
  FrameReader reader(limit);
  Seen seen;
  EXPECT_EQ(reader.feed(client_frame({0x02, std::string(100, 'a')}), seen), 0);
  EXPECT_EQ(reader.feed(client_frame({0x80, "", true, 8, -50 & INT64_MAX}), seen), 1009);

  FrameReader other(limit);
  EXPECT_EQ(other.feed(client_frame({0x02, std::string(100, 'a')}), seen), 0);
  std::string header = client_frame({0x80, "", true, 8, 0});
  for (std::size_t i = 2; i < 10; ++i) header[i] = '\xff';
  header[9] = '\xce';  // 2^64 - 50
  EXPECT_EQ(other.feed(header, seen), 1009);
}

TEST(FrameReader, DoesNotReserveWhatAHeaderOnlyAnnounces) {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  const struct {
    const char* name;
    std::string bytes;
  } cases[] = {
      {"of a first fragment", client_frame({0x82, "", true, -1, mebibyte})},
      {"of a later one", client_frame({0x02, "abc"}) + client_frame({0x80, "", true, -1, mebibyte - 3})},
  };
  for (const auto& row : cases) {
    SCOPED_TRACE(row.name);
    std::vector<std::unique_ptr<FrameReader>> readers;
    Seen seen;
    const auto held = [] {
      const auto info = mallinfo2();
      return info.uordblks + info.hblkhd;
    };
    const std::size_t before = held();
    for (int i = 0; i < 100; ++i) {
      readers.push_back(std::make_unique<FrameReader>(mebibyte));
      EXPECT_EQ(readers.back()->feed(row.bytes, seen), 0);
    }
    EXPECT_LT(held() - before, 100 * 10'000u);
  }
}

TEST(FrameReader, PassesAMessageOfTheDefaultLimitWhole) {
  FrameReader reader(std::size_t{1} << 20);
  Seen seen;
  const std::string payload(std::size_t{1} << 20, 'x');
  EXPECT_EQ(reader.feed(client_frame({0x02, std::string_view(payload).substr(0, 10)}), seen), 0);
  EXPECT_EQ(reader.feed(client_frame({0x80, std::string_view(payload).substr(10)}), seen), 0);
  EXPECT_EQ(seen.list, std::vector<std::string>{"binary:" + payload});
}

TEST(Frame, GoesOutUnmaskedWithTheShortestLength) {
  EXPECT_EQ(frame(Opcode::text, "Hello"), "\x81\x05Hello");
  EXPECT_EQ(frame(Opcode::pong, ""), "\x8a\x00"s);
  EXPECT_EQ(frame(Opcode::binary, std::string(125, 'x')), "\x82\x7d" + std::string(125, 'x'));
  EXPECT_EQ(frame(Opcode::text, std::string(126, 'x')), "\x81\x7e\x00\x7e"s + std::string(126, 'x'));
  EXPECT_EQ(frame(Opcode::text, std::string(65535, 'x')).substr(0, 4), "\x81\x7e\xff\xff");
  EXPECT_EQ(frame(Opcode::text, std::string(65536, 'x')).substr(0, 10),
            "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST(Frame, MaskedIsReadByAServer) {
  for (const std::size_t size : {0u, 1u, 7u, 8u, 125u, 126u, 1000u}) {
    const std::string payload(size, 'p');
    FrameReader reader(limit);
    Seen seen;
    EXPECT_EQ(reader.feed(masked_frame(Opcode::binary, payload, 0xdeadbeef), seen), 0);
    EXPECT_EQ(seen.list, std::vector<std::string>{"binary:" + payload}) << size;
  }
  EXPECT_EQ(masked_frame(Opcode::text, "Hello", 0), "\x81\x85\0\0\0\0Hello"s);
}

TEST(Accept, IsTheDigestOfRfc6455) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Accept, RefusesWhatIsNot16BytesInBase64) {
  for (const char* key :
       {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25jZQ=== "}) {
    EXPECT_EQ(websocket_accept(key), "") << key;
  }
}

TEST(ClosePayload, CarriesCodeAndReason) {
  EXPECT_EQ(close_payload(0, "ignored"), "");
  EXPECT_EQ(close_payload(1000, ""), "\x03\xe8");
  EXPECT_EQ(close_payload(1001, "bye"),
            "\x03\xe9"
            "bye");
  EXPECT_EQ(close_payload(1000, std::string(200, 'x')).size(), 125u);
  const std::string cut = close_payload(1000, std::string(122, 'x') + "\xe2\x82\xac");
  EXPECT_EQ(cut, "\x03\xe8" + std::string(122, 'x'));
}

TEST(ClosePayload, IsRead) {
  const struct {
    const char* name;
    std::string payload;
    int code, failure;
  } cases[] = {
      {"none", "", 0, 0},
      {"normal", "\x03\xe8", 1000, 0},
      {"with a reason",
       "\x03\xe9"
       "bye",
       1001, 0},
      {"a library's", "\x0b\xb8", 3000, 0},
      {"an application's", "\x13\x87", 4999, 0},
      {"half a code", "\x03", 0, 1002},
      {"999", "\x03\xe7", 0, 1002},
      {"0", "\x00\x00"s, 0, 1002},
      {"1004", "\x03\xec", 0, 1002},
      {"1005", "\x03\xed", 0, 1002},
      {"1006", "\x03\xee", 0, 1002},
      {"1015", "\x03\xf7", 0, 1002},
      {"1016", "\x03\xf8", 0, 1002},
      {"2999", "\x0b\xb7", 0, 1002},
      {"5000", "\x13\x88", 0, 1002},
      {"a reason that is no UTF-8", "\x03\xe8\xff", 0, 1007},
      {"a reason cut within a character", "\x03\xe8\xe2\x82", 0, 1007},
  };
  for (const auto& row : cases) {
    SCOPED_TRACE(row.name);
    const ClosePayload got = read_close_payload(row.payload);
    EXPECT_EQ(got.code, row.code);
    EXPECT_EQ(got.failure, row.failure);
  }
}

}  // namespace
}  // namespace mimus
