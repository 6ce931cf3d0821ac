// Answers of upstreams, whole and in single bytes.
#include "host/upstream/response_parser.h"

#include <gtest/gtest.h>

namespace mimus {
namespace {

using Kind = ResponseStep::Kind;

struct Answer {
  int status = 0;
  std::string headers;  // "name=value;" for each.
  std::int64_t length = -2;
  std::string body;
  bool keeps_alive = false;
  std::string error;
  std::string rest;
};

/// Feeds `text` in pieces of `piece` bytes, then the end.
Answer parse(std::string_view text, std::size_t piece, bool to_head) {
  Answer answer;
  ResponseParser parser(to_head);
  std::string waiting;
  const auto tell = [&](const ResponseStep& step) {
    if (step.kind == Kind::head) {
      answer.status = parser.status();
      answer.length = parser.length();
      for (const Header& field : parser.headers()) {
        answer.headers.append(field.name).append("=").append(field.value).append(";");
      }
    }
    if (step.kind == Kind::data) answer.body += step.data;
    if (step.kind == Kind::error) answer.error = step.data;
    if (step.kind == Kind::done) answer.keeps_alive = parser.keeps_alive();
    return step.kind == Kind::error || step.kind == Kind::done;
  };
  while (true) {
    const ResponseStep step = parser.next(waiting);
    const bool last = tell(step);
    waiting.erase(0, step.consumed);
    if (last) {
      answer.rest = waiting.append(text);
      return answer;
    }
    if (step.kind != Kind::need_more) continue;
    if (text.empty()) {
      tell(parser.end());
      return answer;
    }
    waiting += text.substr(0, piece);
    text.remove_prefix(std::min(piece, text.size()));
  }
}

TEST(ResponseParser, TakesEveryFraming) {
  const struct {
    const char* name;
    std::string text;
    Answer want;
    bool to_head = false;
  } cases[] = {
      {"a length",
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
       {200, "Content-Length=5;", 5, "hello", true, "", ""}},
      {"no reason",
       "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n",
       {404, "Content-Length=0;", 0, "", true, "", ""}},
      {"bytes beyond",
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc",
       {200, "Content-Length=1;", 1, "a", true, "", "bc"}},
      {"chunks",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
       {200, "", -1, "abcde", true, "", ""}},
      {"trailers",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
       {200, "", -1, "a", true, "", ""}},
      {"until close", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nabc", {200, "A=b;", -1, "abc", false, "", ""}},
      {"no fields at all", "HTTP/1.0 200 OK\r\n\r\nabc", {200, "", -1, "abc", false, "", ""}},
      {"to HEAD",
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
       {200, "Content-Length=5;", 5, "", true, "", ""},
       true},
      {"to HEAD with chunks announced",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       {200, "", -1, "", true, "", ""},
       true},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", {204, "", 0, "", true, "", ""}},
      {"304", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", {304, "ETag=\"a\";", 0, "", true, "", ""}},
      {"interim answers",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
       "OK\r\nContent-Length: 1\r\n\r\na",
       {200, "Content-Length=1;", 1, "a", true, "", ""}},
      {"Connection: close",
       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
       {200, "Content-Length=1;", 1, "a", false, "", ""}},
      {"HTTP/1.0 with keep-alive",
       "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
       {200, "Content-Length=1;", 1, "a", true, "", ""}},
      {"hop-by-hop fields",
       "HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: X-A, keep-alive\r\nKeep-Alive: 5\r\nProxy-Connection: "
       "close\r\nUpgrade: h2c\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n",
       {200, "X-B=2;Content-Length=0;", 0, "", false, "", ""}},
  };
  for (const auto& c : cases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, c.text.size()}) {
      SCOPED_TRACE(std::string(c.name) + " in pieces of " + std::to_string(piece));
      const Answer got = parse(c.text, piece, c.to_head);
      EXPECT_EQ(got.error, "");
      EXPECT_EQ(got.status, c.want.status);
      EXPECT_EQ(got.headers, c.want.headers);
      EXPECT_EQ(got.length, c.want.length);
      EXPECT_EQ(got.body, c.want.body);
      EXPECT_EQ(got.keeps_alive, c.want.keeps_alive);
      EXPECT_EQ(got.rest, c.want.rest);
    }
  }
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ResponseParser, RefusesWhatIsNotSoundHttp) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  const struct {
    const char* name;
    std::string text;
  } cases[] = {
      {"nothing", ""},
      {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n"},
      {"another version", "HTTP/2.0 200 OK\r\n\r\n"},
      {"status 099", "HTTP/1.1 099 A\r\n\r\n"},
      {"status 600", "HTTP/1.1 600 A\r\n\r\n"},
      {"status of four digits", "HTTP/1.1 2000 A\r\n\r\n"},
      {"switching protocols", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"},
      {"lines that end in LF", "HTTP/1.1 200 OK\nA: b\n\n"},
      {"a head that breaks off", ok + "A: b\r\n"},
      {"a body that breaks off", ok + "Content-Length: 5\r\n\r\nabc"},
      {"chunks that break off", chunked + "5\r\nabc"},
      {"chunks without the last", chunked + "3\r\nabc\r\n"},
      {"a folded line", ok + "A: b\r\n c\r\nContent-Length: 0\r\n\r\n"},
      {"space before the first field", ok + " A: b\r\n\r\n"},
      {"space before the colon", ok + "A : b\r\n\r\n"},
      {"NUL in a value", ok + std::string("A: b\0c\r\n\r\n", 11)},
      {"two lengths", ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"},
      {"a length that is no number", ok + "Content-Length: -1\r\n\r\n"},
      {"length and coding", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"coding and length", ok + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"},
      {"an unknown coding", ok + "Transfer-Encoding: gzip\r\n\r\nabc"},
      {"chunked twice", ok + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
      {"chunked and another", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {"xchunked", ok + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
      {"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"a chunk size that is no number", chunked + "x\r\n"},
      {"a chunk size too large", chunked + "fffffffffffffffff\r\na"},
      {"a chunk without its end", chunked + "1\r\nabc\r\n"},
      {"an endless chunk extension", chunked + "1;" + std::string(100'000, 'a')},
      {"endless trailers", chunked + "0\r\n" + repeated("A: b\r\n", 20'000)},
      {"too many fields", ok + repeated("A: b\r\n", 101) + "\r\n"},
      {"a head too large", ok + "A: " + std::string(66'000, 'a') + "\r\n\r\n"},
      {"a head without an end", ok + "A: " + std::string(70'000, 'a')},
      {"endless interim answers", repeated("HTTP/1.1 100 Continue\r\n\r\n", 100)},
  };
  for (const auto& c : cases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{4096}}) {
      SCOPED_TRACE(std::string(c.name) + " in pieces of " + std::to_string(piece));
      EXPECT_NE(parse(c.text, piece, false).error, "");
    }
  }
}

TEST(ResponseParser, TakesAHundredFields) {
  const std::string text = "HTTP/1.1 200 OK\r\n" + repeated("A: b\r\n", 99) + "Content-Length: 0\r\n\r\n";
  EXPECT_EQ(parse(text, 4096, false).error, "");
}

}  // namespace
}  // namespace mimus
