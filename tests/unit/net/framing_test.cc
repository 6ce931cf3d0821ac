// Bodies out of their framing, and answer heads into bytes.
#include <gtest/gtest.h>

#include <string>

#include "host/net/body_reader.h"
#include "host/net/response_head.h"

namespace mimus {
namespace {

using State = BodyReader::State;

struct Read {
  State state;
  std::string body, rest;
};

Read read(BodyReader reader, const std::string& bytes, std::size_t step, std::uint64_t limit = 1000) {
  Bytes out;
  std::size_t used = 0;
  State state = reader.ended() ? State::end : State::more;
  while (state == State::more && used < bytes.size()) {
    std::string_view piece = std::string_view(bytes).substr(used, step);
    const std::size_t offered = piece.size();
    state = reader.read(piece, &out, limit);
    used += offered - piece.size();
  }
  return {state, std::string(out.view()), bytes.substr(used)};
}

TEST(BodyReader, TakesChunksApart) {
  const struct {
    const char* name;
    std::string bytes;
    State state;
    std::string body;
  } cases[] = {
      {"one chunk", "3\r\nabc\r\n0\r\n\r\n", State::end, "abc"},
      {"several", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", State::end, "abc"},
      {"hexadecimal in both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", State::end,
       "01234567890123456789"},
      {"leading zeros", "0003\r\nabc\r\n000\r\n\r\n", State::end, "abc"},
      {"extensions are dropped", "3;a=\"b\"\r\nabc\r\n0;x\r\n\r\n", State::end, "abc"},
      {"trailers are dropped", "0\r\nA: b\r\nC: d\r\n\r\n", State::end, ""},
      {"binary data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", State::end, "\r\n\r\n"},
      {"not yet the end", "3\r\nabc\r\n0\r\n", State::more, "abc"},
      {"no digits", "\r\n", State::bad, ""},
      {"no hexadecimal digits", "g\r\n", State::bad, ""},
      {"a sign", "+3\r\nabc\r\n", State::bad, ""},
      {"a prefix", "0x3\r\nabc\r\n", State::bad, ""},
      {"a space after the size", "3 \r\nabc\r\n", State::bad, ""},
      {"a bare line feed after the size", "3\nabc\r\n", State::bad, ""},
      {"a bare carriage return after the size", "3\rabc\r\n", State::bad, ""},
      {"more data than announced", "3\r\nabcd\r\n", State::bad, "abc"},
      {"a bare line feed after the data", "3\r\nabc\n0\r\n\r\n", State::bad, "abc"},
      {"a size beyond 60 bits", "fffffffffffffffff\r\n", State::bad, ""},
      {"a size of endless zeros", std::string(300, '0') + "1\r\n", State::bad, ""},
      {"an endless extension", "3;" + std::string(300, 'x') + "\r\nabc\r\n", State::bad, ""},
      {"a control character in an extension", "3;a\x01\r\nabc\r\n", State::bad, ""},
      {"endless trailers", "0\r\n" + std::string(9000, 'a') + ": b\r\n\r\n", State::bad, ""},
      {"a trailer that is none", "0\r\nabc\r\n\r\n", State::bad, ""},
      {"a folded trailer", "0\r\nA: b\r\n c: d\r\n\r\n", State::bad, ""},
      {"a bare line feed in the trailers", "0\r\nA: b\n\r\n", State::bad, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    BodyReader reader;
    reader.start_chunked();
    const std::string next = c.state == State::end ? "GET " : "";
    for (const std::size_t step : {c.bytes.size() + 4, std::size_t{1}, std::size_t{2}}) {
      const Read got = read(reader, c.bytes + next, step);
      EXPECT_EQ(got.state, c.state);
      EXPECT_EQ(got.body, c.body);
      if (c.state == State::end) {
        EXPECT_EQ(got.rest, next);
      }
    }
  }
}

TEST(BodyReader, CountsAgainstItsLimit) {
  BodyReader chunked, length;
  chunked.start_chunked();
  length.start_length(6);
  EXPECT_EQ(read(chunked, "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 100, 6).state, State::end);
  EXPECT_EQ(read(chunked, "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 1, 5).state, State::too_large);
  EXPECT_EQ(read(length, "abcdef", 100, 6).state, State::end);
  EXPECT_EQ(read(length, "abcdef", 1, 5).state, State::too_large);
}

TEST(BodyReader, TakesNoMemoryForWhatIsOnlyAnnounced) {
  for (const bool chunked : {false, true}) {
    SCOPED_TRACE(chunked ? "by chunks" : "by length");
    BodyReader reader;
    if (chunked) {
      reader.start_chunked();
    } else {
      reader.start_length(99'999'999'999);
    }
    Bytes out;
    std::string_view input = chunked ? "fffffffffffff\r\nabc" : "abc";
    EXPECT_EQ(reader.read(input, &out, UINT64_MAX), State::more);
    EXPECT_EQ(out.view(), "abc");
    EXPECT_LE(out.capacity(), 4096u);
  }
}

TEST(BodyReader, StopsAtItsLength) {
  BodyReader reader;
  reader.start_length(3);
  const Read got = read(reader, "abcGET", 100);
  EXPECT_EQ(got.state, State::end);
  EXPECT_EQ(got.body, "abc");
  EXPECT_EQ(got.rest, "GET");
  reader.start_length(0);
  EXPECT_TRUE(reader.ended());
}

TEST(DateLine, IsTheFormOfRfc9110) {
  DateLine date;
  EXPECT_EQ(date.at(784'111'777'999'999), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(date.at(784'111'778'000'000), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
  EXPECT_EQ(date.at(1'709'164'800'000'000), "Date: Thu, 29 Feb 2024 00:00:00 GMT\r\n");
}

TEST(ResponseHead, WritesFramingAndFields) {
  using Body = Framing::Body;
  using Persistence = Framing::Persistence;
  const struct {
    const char* name;
    int status;
    std::vector<Header> headers;
    Framing framing;
    const char* want;  // "": refused.
  } cases[] = {
      {"a length",
       200,
       {{"A", "b"}},
       {Body::length, 12, Persistence::implied},
       "HTTP/1.1 200 OK\r\nD\r\nContent-Length: 12\r\nA: b\r\n\r\n"},
      {"nothing", 204, {}, {}, "HTTP/1.1 204 No Content\r\nD\r\n\r\n"},
      {"chunks",
       200,
       {},
       {Body::chunked, 0, Persistence::close},
       "HTTP/1.1 200 OK\r\nD\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"},
      {"kept for an old client",
       404,
       {},
       {Body::length, 0, Persistence::keep_alive},
       "HTTP/1.1 404 Not Found\r\nD\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"},
      {"an unknown status", 799, {}, {}, "HTTP/1.1 799 \r\nD\r\n\r\n"},
      {"our own fields are not doubled",
       200,
       {{"content-length", "5"},
        {"Transfer-Encoding", "x"},
        {"DATE", "y"},
        {"Connection", "z"},
        {"Keep-Alive", "1"}},
       {Body::length, 1, Persistence::implied},
       "HTTP/1.1 200 OK\r\nD\r\nContent-Length: 1\r\n\r\n"},
      {"an empty value", 200, {{"A", ""}}, {}, "HTTP/1.1 200 OK\r\nD\r\nA: \r\n\r\n"},
      {"a carriage return in a value", 200, {{"A", "b\rc"}}, {}, ""},
      {"a line feed in a value", 200, {{"A", "b\nc"}}, {}, ""},
      {"NUL in a value", 200, {{"A", std::string_view("b\0c", 3)}}, {}, ""},
      {"a colon in a name", 200, {{"A:", "b"}}, {}, ""},
      {"an empty name", 200, {{"", "b"}}, {}, ""},
      {"a line in a name", 200, {{"A\r\nB", "b"}}, {}, ""},
      {"a status of two digits", 99, {}, {}, ""},
      {"a status of four digits", 1000, {}, {}, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Bytes out;
    out.append("before ");
    EXPECT_EQ(append_response_head(out, c.status, c.headers, "D\r\n", c.framing), *c.want != '\0');
    EXPECT_EQ(out.view(), std::string("before ") + c.want);
  }
}

TEST(Bytes, GrowsShrinksAndKeepsItsContent) {
  Bytes bytes;
  std::string want;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 71), static_cast<char>('a' + i % 26));
    bytes.append(piece);
    want += piece;
    const std::size_t drop = std::min(bytes.size(), static_cast<std::size_t>(i % 67));
    bytes.drop_front(drop);
    want.erase(0, drop);
    ASSERT_EQ(bytes.view(), want);
  }
}

}  // namespace
}  // namespace mimus
