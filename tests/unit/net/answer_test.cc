// Answers on the wire: framing by status, method and version; what cannot split them; what
// becomes of bodies that nobody asked for.
#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/net/sync_host.h"

namespace mimus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Does with each exchange what the test says.
class ScriptedService final : public Service {
 public:
  explicit ScriptedService(std::function<void(Exchange&)>& script) : script_(script) {}
  void on_head(Exchange& x) override { script_(x); }
  void on_body(Exchange& x) override { x.sink->send(x.arena.copy(x.body)); }
  void on_body_too_large(Exchange& x) override { x.sink->send("too large"); }
  void on_writable(Exchange&) override {}
  void on_cancel(Exchange&) override {}
  void on_end(Exchange&) override {}
  std::string refusal(int status, std::string_view) override {
    return "{\"status\":" + std::to_string(status) + "}";
  }

 private:
  std::function<void(Exchange&)>& script_;
};

class Answers : public testing::Test {
 protected:
  /// What a client receives that sends these bytes, one after another.
  std::string receive(const std::vector<std::string>& pieces) {
    host_.connect();
    for (const std::string& piece : pieces) host_.send(piece);
    host_.settle();
    return host_.received();
  }

  std::function<void(Exchange&)> script_ = [](Exchange& x) {
    x.response.status = 200;
    x.sink->send("ok");
  };
  SyncHost host_{Limits{}, std::make_unique<ScriptedService>(script_)};
};

std::string get(const std::string& method = "GET", const std::string& version = "1.1") {
  return method + " / HTTP/" + version + "\r\nHost: h\r\n\r\n";
}

/// A head without its Date.
std::string without_date(std::string head) {
  const std::size_t at = head.find("Date: ");
  return at == head.npos ? head : head.erase(at, head.find("\r\n", at) + 2 - at);
}

enum class How { send, known, unknown };

TEST_F(Answers, AreFramedByStatusMethodAndVersion) {
  const std::string length = "Content-Length: 5\r\n", chunks = "Transfer-Encoding: chunked\r\n";
  const std::string close = "Connection: close\r\n";
  const struct {
    const char* name;
    int status;
    How how;
    std::string version, head, body;  ///< The head below its first line.
  } cases[] = {
      {"a whole answer", 200, How::send, "1.1", length, "hello"},
      {"a streamed answer of a known length", 200, How::known, "1.1", length, "hello"},
      {"a streamed answer", 200, How::unknown, "1.1", chunks, "5\r\nhello\r\n0\r\n\r\n"},
      {"a whole answer to 1.0", 200, How::send, "1.0", length + close, "hello"},
      {"a streamed answer to 1.0", 200, How::unknown, "1.0", close, "hello"},
      {"an error", 404, How::send, "1.1", length, "hello"},
      {"204", 204, How::send, "1.1", "", ""},
      {"204, streamed", 204, How::unknown, "1.1", "", ""},
      {"204 with a length", 204, How::known, "1.1", "", ""},
      {"204 to 1.0", 204, How::send, "1.0", close, ""},
      {"304", 304, How::send, "1.1", "", ""},
      {"304, streamed", 304, How::unknown, "1.1", "", ""},
      {"304 with a length", 304, How::known, "1.1", "", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    script_ = [&c](Exchange& x) {
      x.response.status = c.status;
      if (c.how == How::send) return x.sink->send("hello");
      x.sink->begin(c.how == How::known ? 5 : -1);
      x.sink->write("hello");
      x.sink->finish();
    };
    const std::string got = without_date(receive({get("GET", c.version)}));
    const std::string head = got.substr(0, got.find("\r\n\r\n") + 4);
    EXPECT_EQ(head.substr(head.find("\r\n") + 2), c.head + "\r\n");
    EXPECT_EQ(got.substr(head.size()), c.body);
    EXPECT_EQ(host_.ended(), c.head.ends_with(close));
    EXPECT_EQ(without_date(receive({get("HEAD", c.version)})), head) << "HEAD is GET without the body";
  }
}

TEST_F(Answers, AreNeverSplit) {
  using namespace std::string_literals;
  const struct {
    const char* name;
    std::string field, value;
  } cases[] = {
      {"a line in a value", "X", "a\r\nX-Evil: 1"},
      {"an answer in a value", "X", "a\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: 1\r\n\r\n"},
      {"a line feed in a value", "X", "a\nX-Evil: 1"},
      {"a carriage return in a value", "X", "a\rX-Evil: 1"},
      {"a line end at the end of a value", "X", "a\r\n"},
      {"NUL in a value", "X", "a\0X-Evil: 1"s},
      {"a line in a name", "X: a\r\nX-Evil", "1"},
      {"a colon in a name", "X-Evil:", "1"},
      {"a space in a name", "X-Evil ", "1"},
      {"a space before a name", " X-Evil", "1"},
      {"no name", "", "X-Evil"},
      {"a high byte in a name", "X-Evil\xc3\xa4", "1"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    for (const How how : {How::send, How::known, How::unknown}) {
      script_ = [&](Exchange& x) {
        x.response.status = 200;
        x.response.headers.push_back({"X-Good", "1"});
        x.response.headers.push_back({c.field, c.value});
        if (how == How::send) return x.sink->send("hello");
        ResponseSink& sink = *x.sink;  // The exchange ends within begin.
        sink.begin(how == How::known ? 5 : -1);
        sink.write("hello");
        sink.finish();
      };
      const std::string received = receive({get() + get("HEAD")});
      EXPECT_THAT(received, Not(HasSubstr("X-Evil")));
      std::string_view rest = received;
      const Answer first = take_answer(rest, false), second = take_answer(rest, true);
      EXPECT_EQ(first.status, 500);
      EXPECT_EQ(first.body, "{\"status\":500}");
      EXPECT_EQ(second.status, 500);
      EXPECT_EQ(rest, "");
    }
  }
}

TEST_F(Answers, NameTheirFramingThemselves) {
  script_ = [](Exchange& x) {
    x.response.status = 200;
    x.response.headers = {{"Content-Length", "1"},
                          {"transfer-encoding", "chunked"},
                          {"Connection", "close"},
                          {"Keep-Alive", "timeout=1"},
                          {"Date", "yesterday"}};
    x.sink->send("hello");
  };
  EXPECT_EQ(without_date(receive({get()})), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_FALSE(host_.ended());
}

TEST_F(Answers, SwitchProtocolsWithoutFraming) {
  class Silent final : public Takeover {
    void on_start(Wire&) override {}
    void on_bytes(std::string_view) override {}
    void on_drain() override {}
    void on_closed() override {}
  };
  script_ = [](Exchange& x) {
    const std::vector<Header> headers{{"Upgrade", "silence"}, {"Content-Length", "5"}};
    x.sink->upgrade(headers, std::make_unique<Silent>());
  };
  EXPECT_EQ(without_date(receive({get()})),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: silence\r\n\r\n");
}

TEST_F(Answers, LeaveABodyThatNobodyWantsBehind) {
  const std::string by_length = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ";
  const std::string by_chunks = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string at = std::string(65536, 'a'), beyond = at + 'a';
  const std::string chunk = "10000\r\n" + at + "\r\n";
  const struct {
    const char* name;
    std::string head, rest;
    bool stays;
    std::vector<int> at_once, later;  ///< Answers where the rest comes with the head, and after its answer.
  } cases[] = {
      {"none", by_length + "0\r\n\r\n", "", true, {200, 200}, {200, 200}},
      {"64 KiB by length", by_length + "65536\r\n\r\n", at, true, {200, 200}, {200, 200}},
      {"a byte more by length", by_length + "65537\r\n\r\n", beyond, false, {200}, {200}},
      {"64 KiB by chunks", by_chunks, chunk + "0\r\n\r\n", true, {200, 200}, {200, 200}},
      {"a byte more by chunks", by_chunks, chunk + "1\r\na\r\n0\r\n\r\n", false, {200}, {200}},
      {"a bad chunk", by_chunks, "x\r\n", false, {400}, {200}},
      {"a bad chunk after a good one", by_chunks, "1\r\na\r\n+1\r\na\r\n", false, {400}, {200}},
      {"a bad trailer", by_chunks, "0\r\nA : b\r\n\r\n", false, {400}, {200}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    for (const bool later : {false, true}) {
      const auto pieces = later ? std::vector<std::string>{c.head, c.rest, get()}
                                : std::vector<std::string>{c.head + c.rest, get()};
      const std::string received = receive(pieces);
      std::string_view rest = received;
      std::vector<int> statuses;
      while (!rest.empty()) statuses.push_back(take_answer(rest, false).status);
      EXPECT_EQ(statuses, later ? c.later : c.at_once) << later;
      EXPECT_EQ(host_.ended(), !c.stays) << later;
    }
  }
}

TEST_F(Answers, ComeInOrderWhenTheFirstTakesTime) {
  Exchange* slow = nullptr;
  script_ = [&](Exchange& x) {
    x.response.status = 200;
    if (x.request.raw_path == "/slow") {
      slow = &x;
    } else {
      x.sink->send(x.arena.copy(x.request.raw_path));
    }
  };
  const auto to = [](const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"; };
  host_.connect();
  host_.send(to("/1") + to("/slow") + to("/2") + "bad\r\n\r\n");
  ASSERT_NE(slow, nullptr);
  slow->sink->send("slow");
  host_.settle();
  std::string_view rest = host_.received();
  std::vector<std::string> bodies;
  while (!rest.empty()) bodies.push_back(take_answer(rest, false).body);
  EXPECT_THAT(bodies, ElementsAre("/1", "slow", "/2", "{\"status\":400}"));
  EXPECT_TRUE(host_.ended());
}

}  // namespace
}  // namespace mimus
