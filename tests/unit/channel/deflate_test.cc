// permessage-deflate: what is agreed on, what is inflated, what is compressed.
#include "host/channel/deflate.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <zlib.h>

#include <vector>

#include "client_frames.h"
#include "host/channel/inflater.h"

namespace mimus {
namespace {

using std::string_literals::operator""s;

constexpr std::string_view always =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

TEST(DeflateTerms, AreTheFirstOfferThatCanBe) {
  const std::string full(always), nine = full + "; server_max_window_bits=9";
  const struct {
    const char* name;
    std::vector<std::string_view> offers;
    std::string answer;  ///< "": none.
    int bits = 15;
  } cases[] = {
      {"no offer", {}, ""},
      {"an empty value", {""}, ""},
      {"bare", {"permessage-deflate"}, full},
      {"Chromium's", {"permessage-deflate; client_max_window_bits"}, full},
      {"all four",
       {"permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=9; client_max_window_bits=10"},
       nine,
       9},
      {"without spaces", {"permessage-deflate;server_max_window_bits=9"}, nine, 9},
      {"with every space", {" permessage-deflate\t; server_max_window_bits = 9 "}, nine, 9},
      {"a quoted value", {"permessage-deflate; server_max_window_bits=\"9\""}, nine, 9},
      {"a quoted value with a quoted pair", {"permessage-deflate; server_max_window_bits=\"\\9\""}, nine, 9},
      {"the smallest window",
       {"permessage-deflate; server_max_window_bits=8"},
       full + "; server_max_window_bits=8",
       8},
      {"the largest window",
       {"permessage-deflate; server_max_window_bits=15"},
       full + "; server_max_window_bits=15"},
      {"the second of a list",
       {"permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9"},
       nine,
       9},
      {"the first of two that can be",
       {"permessage-deflate; server_max_window_bits=9, permessage-deflate"},
       nine,
       9},
      {"after another extension", {"x-webkit-deflate-frame; max=1, permessage-deflate"}, full},
      {"in the second field", {"permessage-bzip2", "permessage-deflate"}, full},
      {"with empty elements", {", ,permessage-deflate,,"}, full},
      {"another extension only", {"permessage-bzip2"}, ""},
      {"a name that only begins so", {"permessage-deflate2"}, ""},
      {"an unknown parameter", {"permessage-deflate; strength=9"}, ""},
      {"a repeated parameter", {"permessage-deflate; client_max_window_bits; client_max_window_bits=9"}, ""},
      {"a repeated one without value",
       {"permessage-deflate; server_no_context_takeover; server_no_context_takeover"},
       ""},
      {"a value where none belongs", {"permessage-deflate; server_no_context_takeover=1"}, ""},
      {"the same of the client's", {"permessage-deflate; client_no_context_takeover=\"x\""}, ""},
      {"no server window", {"permessage-deflate; server_max_window_bits"}, ""},
      {"a window of 7", {"permessage-deflate; server_max_window_bits=7"}, ""},
      {"a window of 16", {"permessage-deflate; server_max_window_bits=16"}, ""},
      {"a client window of 16", {"permessage-deflate; client_max_window_bits=16"}, ""},
      {"a leading zero", {"permessage-deflate; server_max_window_bits=09"}, ""},
      {"a sign", {"permessage-deflate; server_max_window_bits=+9"}, ""},
      {"no number", {"permessage-deflate; client_max_window_bits=many"}, ""},
      {"parameters in capitals", {"permessage-deflate; Server_Max_Window_Bits=9"}, ""},
  };
  for (const auto& row : cases) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(are_extension_lists(row.offers));
    const auto terms = agree_on_deflate(row.offers);
    ASSERT_EQ(terms.has_value(), !row.answer.empty());
    if (!terms) continue;
    EXPECT_EQ(terms->answer, row.answer);
    EXPECT_EQ(terms->server_window_bits, row.bits);
  }
}

TEST(DeflateTerms, AreNoneWhereTheOffersAreNoLists) {
  for (const std::string& value :
       {";"s, "="s, "permessage-deflate;"s, "permessage-deflate; ;"s, "permessage-deflate; =9"s,
        "permessage-deflate; server_max_window_bits="s, "permessage-deflate server_no_context_takeover"s,
        "permessage-deflate; server_max_window_bits=\"9"s, "permessage-deflate; server_max_window_bits=\"\""s,
        "permessage-deflate; server_max_window_bits=\"9\\"s, "permessage-deflate; a=\"b c\""s,
        "permessage-deflate, \""s, "permessage-deflate; a=b=c"s, "permessage(deflate)"s,
        "permessage-deflate\0"s,
        "permessage-d\xc3\xa9"
        "flate"s}) {
    SCOPED_TRACE(value);
    const std::vector<std::string_view> offers{"permessage-deflate", value};
    EXPECT_FALSE(are_extension_lists(offers));
    EXPECT_FALSE(agree_on_deflate(offers));
  }
}

struct Seen final : FrameReader::Events {
  void on_message(Opcode opcode, std::string_view payload) override {
    list.push_back(std::to_string(static_cast<int>(opcode)) + ":" + std::string(payload));
  }
  std::vector<std::string> list;
};

constexpr std::size_t limit = 1000;

/// A message as a client compresses it.
std::string deflated(std::string_view payload, int level = 6) {
  z_stream stream{};
  deflateInit2(&stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string out(payload.size() + payload.size() / 100 + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
  stream.avail_in = static_cast<uInt>(payload.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_SYNC_FLUSH);
  out.resize(stream.total_out - 4);
  deflateEnd(&stream);
  return out;
}

/// What a peer with so large a window makes of a server's compressed payload.
std::string inflated(std::string_view compressed, int window_bits) {
  z_stream stream{};
  inflateInit2(&stream, -window_bits);
  const std::string input = std::string(compressed) + "\x00\x00\xff\xff"s;
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int said = inflate(&stream, Z_SYNC_FLUSH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return said == Z_OK ? out : "refused";
}

std::string noise(std::size_t size) {
  std::string out;
  unsigned state = 1;
  while (out.size() < size) out += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

struct Row {
  const char* name;
  std::string bytes;
  std::vector<std::string> messages;
  int code = 0;
};

std::vector<Row> rows() {
  const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s, noise1000 = noise(1000), a1000(1000, 'a');
  const std::string noisy = deflated(noise1000, 1);
  const std::string euro = "\xe2\x82\xac";
  const auto stored = [](std::string_view text) {
    const char size = static_cast<char>(text.size());
    return "\x00"s + size + "\x00"s + static_cast<char>(~size) + "\xff" + std::string(text);
  };
  return {
      // RFC 7692, 7.2.3
      {"the RFC's Hello", client_frame({0xc1, hello}), {"1:Hello"}},
      {"in two fragments",
       client_frame({0x41, hello.substr(0, 3)}) + client_frame({0x80, hello.substr(3)}),
       {"1:Hello"}},
      {"twice, without context",
       client_frame({0xc1, hello}) + client_frame({0xc1, hello}),
       {"1:Hello", "1:Hello"}},
      {"not compressed by its block", client_frame({0xc1, stored("Hello") + "\x00"s}), {"1:Hello"}},
      {"with a final block", client_frame({0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s}), {"1:Hello"}},
      {"with a final block and no more", client_frame({0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00"s}), {"1:Hello"}},
      {"in two blocks",
       client_frame({0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s}),
       {"1:Hello"}},
      {"an empty message", client_frame({0xc1, "\x00"s}), {"1:"}},
      {"an empty message of no byte", client_frame({0xc1, ""}), {"1:"}},
      {"an empty last fragment", client_frame({0x41, hello}) + client_frame({0x80, ""}), {"1:Hello"}},
      {"an empty first fragment", client_frame({0x41, ""}) + client_frame({0x80, hello}), {"1:Hello"}},
      {"a ping between fragments",
       client_frame({0x42, hello.substr(0, 1)}) + client_frame({0x89, "p"}) +
           client_frame({0x80, hello.substr(1)}),
       {"9:p", "2:Hello"}},
      {"beside one that is not compressed",
       client_frame({0xc1, hello}) + client_text("x"),
       {"1:Hello", "1:x"}},
      {"exactly the limit", client_frame({0xc2, deflated(a1000)}), {"2:" + a1000}},
      {"the limit, longer for being compressed", client_frame({0xc2, noisy}), {"2:" + noise1000}},
      {"a character cut by a fragment's end",
       client_frame({0x41, stored(euro.substr(0, 1))}) +
           client_frame({0x80, stored(euro.substr(1)) + "\x00"s}),
       {"1:" + euro}},

      {"RSV1 on a later fragment", client_frame({0x41, hello}) + client_frame({0xc0, hello}), {}, 1002},
      {"RSV1 on an empty later fragment", client_frame({0x41, hello}) + client_frame({0x40, ""}), {}, 1002},
      {"RSV1 on a later fragment of what is not compressed",
       client_frame({0x01, "x"}) + client_frame({0xc0, ""}),
       {},
       1002},
      {"RSV1 on a control frame", client_frame({0xc9, "x"}), {}, 1002},
      {"RSV2", client_frame({0xe1, hello}), {}, 1002},
      {"one more than the limit", client_frame({0xc2, deflated(std::string(1001, 'a'))}), {}, 1009},
      {"much more, in fragments",
       client_frame({0x42, deflated(a1000) + "\x00\x00\xff\xff"s}) + client_frame({0x80, deflated(a1000)}),
       {},
       1009},
      {"more, not compressed", client_text(std::string(1001, 'a')), {}, 1009},
      {"a frame that must be too long", client_frame({0xc2, "", true, -1, 2000}), {}, 1009},
      {"a bomb", client_frame({0xc2, deflated(std::string(200'000, '\0'), 9)}), {}, 1009},
      {"no DEFLATE", client_frame({0xc2, "\xff\xff"}), {}, 1007},
      {"a distance to what was before the message",
       client_frame({0xc1, hello}) + client_frame({0xc1, "\xf2\x00\x11\x00\x00"s}),
       {"1:Hello"},
       1007},
      {"cut within a block", client_frame({0xc2, stored("Hello").substr(0, 8)}), {}, 1007},
      {"text that is no UTF-8", client_frame({0xc1, deflated("\xff")}), {}, 1007},
      {"text that ends within a character", client_frame({0xc1, deflated(euro.substr(0, 2))}), {}, 1007},
      {"the same in fragments",
       client_frame({0x41, stored(euro.substr(0, 1))}) +
           client_frame({0x80, stored(euro.substr(1, 1)) + "\x00"s}),
       {},
       1007},
  };
}

TEST(Inflating, SaysTheSameHoweverTheBytesAreCut) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    for (std::size_t cut = 0; cut <= row.bytes.size(); ++cut) {
      FrameReader reader(limit, {true, false});
      Seen seen;
      const std::string_view bytes = row.bytes;
      int code = reader.feed(bytes.substr(0, cut), seen);
      code = reader.feed(bytes.substr(cut), seen);
      ASSERT_EQ(code, row.code) << "cut at " << cut;
      ASSERT_EQ(seen.list, row.messages) << "cut at " << cut;
    }
    FrameReader reader(limit, {true, false});
    Seen seen;
    int code = 0;
    for (const char& byte : row.bytes) code = reader.feed({&byte, 1}, seen);
    EXPECT_EQ(code, row.code);
    EXPECT_EQ(seen.list, row.messages);
  }
}

TEST(Inflating, HappensOnlyWhereItWasAgreedOn) {
  FrameReader reader(limit);
  Seen seen;
  EXPECT_EQ(reader.feed(client_frame({0xc1, deflated("Hello")}), seen), 1002);
}

TEST(Inflating, NeverReservesMoreThanTheLimit) {
  constexpr std::size_t large_limit = 1 << 20;
  const std::string bomb = deflated(std::string(std::size_t{32} << 20, 'b'), 9);
  Inflater inflater;
  std::string out;
  for (std::size_t at = 0; at < bomb.size(); at += 64) {
    const auto outcome = inflater.inflate(std::string_view(bomb).substr(at, 64), out, large_limit);
    ASSERT_LE(out.capacity(), large_limit);
    if (outcome == Inflater::Outcome::good) continue;
    EXPECT_EQ(outcome, Inflater::Outcome::too_big);
    return;
  }
  FAIL() << "32 MiB passed a limit of 1 MiB";
}

TEST(Inflating, HoldsNothingBetweenMessages) {
  const std::string bytes = client_frame({0xc1, deflated(std::string(900, 'x'))});
  std::vector<std::unique_ptr<FrameReader>> readers;
  Seen seen;
  for (int i = 0; i < 1000; ++i)
    readers.push_back(std::make_unique<FrameReader>(limit, FrameReader::Mode{true, false}));
  readers[0]->feed(bytes, seen);  // what the thread keeps
  seen.list.clear();
  const std::size_t before = mallinfo2().uordblks;
  for (auto& reader : readers) {
    for (const char& byte : bytes) EXPECT_EQ(reader->feed({&byte, 1}, seen), 0);
    seen.list.clear();
  }
  EXPECT_LT(mallinfo2().uordblks, before + 20'000);
}

TEST(DeflatedFrame, FitsTheWindowThatWasAgreedOn) {
  std::string text;
  while (text.size() < 40'000) text += "{\"id\":" + std::to_string(text.size() * 7919 % 1000) + "},";
  for (int bits = 8; bits <= 15; ++bits) {
    SCOPED_TRACE(bits);
    for (const std::size_t size : {min_deflated_bytes, std::size_t{5000}, text.size()}) {
      const std::string_view payload = std::string_view(text).substr(0, size);
      const std::string framed = deflated_frame(Opcode::text, payload, bits);
      EXPECT_EQ(static_cast<unsigned char>(framed[0]), 0xc1);
      EXPECT_LT(framed.size(), size);
      ASSERT_EQ(framed[1], 126);
      EXPECT_EQ(inflated(std::string_view(framed).substr(4), bits), payload);
    }
  }
}

TEST(DeflatedFrame, IsReadByAClient) {
  FrameReader reader(1 << 20, {true, true});
  Seen seen;
  const std::string payload(100'000, 'z');
  EXPECT_EQ(reader.feed(deflated_frame(Opcode::binary, payload, 15), seen), 0);
  EXPECT_EQ(reader.feed(deflated_frame(Opcode::binary, payload, 10), seen), 0);
  EXPECT_EQ(seen.list, (std::vector<std::string>{"2:" + payload, "2:" + payload}));
}

TEST(DeflatedFrame, IsAPlainOneWhereThatIsBetter) {
  const std::string small(min_deflated_bytes - 1, 'x'), random = noise(5000), ping(100, 'p');
  EXPECT_EQ(deflated_frame(Opcode::text, small, 15), frame(Opcode::text, small));
  EXPECT_EQ(deflated_frame(Opcode::binary, random, 15), frame(Opcode::binary, random));
  EXPECT_EQ(deflated_frame(Opcode::ping, ping, 15), frame(Opcode::ping, ping));
}

}  // namespace
}  // namespace mimus
