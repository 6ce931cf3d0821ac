// An exchange that switches protocols: bytes both ways, and every end.
#include <gtest/gtest.h>

#include <atomic>

#include "peer.h"
#include "running_client.h"

namespace mimus {
namespace {

constexpr std::string_view switched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nX: y\r\n\r\n";

/// Asks to switch, and tells when something was taken by the kernel.
class Asker : public Recorder {
 public:
  void on_sent() override {
    sent_once_ = true;
    if (auto then = std::exchange(on_all_sent, nullptr)) then();
  }
  std::function<void()> on_all_sent;  ///< Called once, on the loop.
  std::atomic<bool> sent_once_{false};
};

void ask(RunningClient& client, Recorder& recorder, const std::string& url) {
  UpstreamRequest request;
  request.method = "GET";
  request.url = *Url::parse_websocket(url);
  request.upgrade = "websocket";
  client.on_loop([&] { recorder.id = client.upstream().start(request, recorder); });
}

void send(RunningClient& client, const Recorder& recorder, std::string_view data) {
  client.on_loop([&] { client.upstream().send(recorder.id, data); });
}

/// The next `size` bytes, or fewer if the client ends before.
std::string read(PeerSocket& socket, std::size_t size) {
  std::string text(size, 0);
  const ssize_t got = ::recv(socket.fd(), text.data(), size, MSG_WAITALL);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

TEST(UpstreamTunnel, CarriesBytesBothWaysUntilThePeerEnds) {
  std::string asked, heard;
  {
    Peer peer([&](Peer& self) {
      PeerSocket socket(self.accept());
      asked = socket.request();
      socket.send(std::string(switched) + "early");
      heard = read(socket, 5);
      socket.send(" late");
    });
    RunningClient client;
    Recorder got;
    ask(client, got, "ws" + peer.url("/chat?x=1").substr(4));
    ASSERT_TRUE(got.wait_for_head());
    EXPECT_EQ(got.status, 101);
    EXPECT_EQ(got.headers, "X=y;");
    send(client, got, "he");
    send(client, got, "llo");
    ASSERT_TRUE(got.wait());
    EXPECT_EQ(got.error, std::nullopt) << got.why;
    EXPECT_EQ(got.body, "early late");
  }
  EXPECT_EQ(heard, "hello");
  EXPECT_EQ(asked.substr(0, asked.find("\r\n")), "GET /chat?x=1 HTTP/1.1");
  EXPECT_NE(asked.find("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), std::string::npos) << asked;
}

TEST(UpstreamTunnel, TakesOtherAnswersAsEver) {
  Peer peer(
      [](Peer& self) { PeerSocket(self.accept()).serve("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"); });
  RunningClient client;
  Recorder got;
  ask(client, got, peer.url());
  ASSERT_TRUE(got.wait());
  EXPECT_EQ(got.status, 403);
  EXPECT_EQ(got.body, "no");
}

TEST(UpstreamTunnel, RefusesAnotherProtocolThanWasAskedFor) {
  const struct {
    const char* name;
    const char* answer;
  } cases[] = {
      {"no Upgrade", "HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n"},
      {"another", "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"},
      {"no Connection", "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n"},
      {"HTTP/1.0", "HTTP/1.0 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Peer peer([&](Peer& self) { PeerSocket(self.accept()).serve(c.answer); });
    RunningClient client;
    Recorder got;
    ask(client, got, peer.url());
    ASSERT_TRUE(got.wait());
    EXPECT_EQ(got.error, UpstreamError::protocol) << got.why;
  }
}

TEST(UpstreamTunnel, HasNoIdleBound) {
  std::promise<void> go;
  Peer peer([&](Peer& self) {
    PeerSocket socket(self.accept());
    socket.request();
    socket.send(switched);
    go.get_future().wait();
    socket.send("at last");
  });
  RunningClient client;
  Recorder got;
  ask(client, got, peer.url());
  ASSERT_TRUE(got.wait_for_head());
  client.advance(std::chrono::hours(1));
  go.set_value();
  ASSERT_TRUE(got.wait());
  EXPECT_EQ(got.body, "at last") << got.why;
}

TEST(UpstreamTunnel, TimesOutWhereTheAnswerDoesNotCome) {
  std::promise<void> asked;
  Peer peer([&](Peer& self) {
    PeerSocket socket(self.accept());
    socket.request();
    asked.set_value();
    socket.ended();
  });
  RunningClient client;
  Recorder got;
  ask(client, got, peer.url());
  ASSERT_TRUE(comes(asked.get_future()));
  client.advance(std::chrono::seconds(6));
  ASSERT_TRUE(got.wait());
  EXPECT_EQ(got.error, UpstreamError::timeout);
}

TEST(UpstreamTunnel, SaysWhatWaitsForASlowPeerAndWhenItHasGone) {
  std::promise<void> read_on;
  std::size_t heard = 0;
  constexpr std::size_t much = 24 << 20;
  {
    Peer peer([&](Peer& self) {
      PeerSocket socket(self.accept());
      socket.request();
      socket.send(switched);
      read_on.get_future().wait();
      heard = read(socket, much).size();
    });
    RunningClient client;
    Asker got;
    std::promise<void> all;
    got.on_all_sent = [&] { all.set_value(); };
    ask(client, got, peer.url());
    ASSERT_TRUE(got.wait_for_head());
    client.on_loop([&] { client.upstream().send(got.id, std::string(much, 'x')); });
    client.on_loop([] {});
    client.on_loop([&] { EXPECT_GT(client.upstream().queued(got.id), 0u); });
    EXPECT_FALSE(got.sent_once_);
    read_on.set_value();
    ASSERT_TRUE(comes(all.get_future()));
    client.on_loop([&] { EXPECT_EQ(client.upstream().queued(got.id), 0u); });
    ASSERT_TRUE(got.wait());
  }
  EXPECT_EQ(heard, much);
}

TEST(UpstreamTunnel, FinishesByItself) {
  std::string heard;
  std::promise<void> gone;
  {
    Peer peer([&](Peer& self) {
      PeerSocket socket(self.accept());
      socket.request();
      socket.send(switched);
      heard = read(socket, 7);
      socket.send("nobody hears that");
      socket.close();
      gone.set_value();
    });
    RunningClient client;
    Recorder got;
    ask(client, got, peer.url());
    ASSERT_TRUE(got.wait_for_head());
    client.on_loop([&] {
      client.upstream().send(got.id, "goodbye");
      client.upstream().finish(got.id);
    });
    ASSERT_TRUE(comes(gone.get_future()));
    EXPECT_EQ(got.body, "");
  }
  EXPECT_EQ(heard, "goodbye");
}

TEST(UpstreamTunnel, IsCutWhereThePeerOfAFinishedOneStaysOn) {
  bool ended = false;
  {
    Peer peer([&](Peer& self) {
      PeerSocket socket(self.accept());
      socket.request();
      socket.send(switched);
      ended = socket.ended();
    });
    RunningClient client;
    Recorder got;
    ask(client, got, peer.url());
    ASSERT_TRUE(got.wait_for_head());
    client.on_loop([&] { client.upstream().finish(got.id); });
    client.advance(std::chrono::seconds(6));
  }
  EXPECT_TRUE(ended);
}

TEST(UpstreamTunnel, IsNotReadWhilePaused) {
  std::promise<void> sent;
  Peer peer([&](Peer& self) {
    PeerSocket socket(self.accept());
    socket.request();
    socket.send(std::string(switched) + "one");
    sent.get_future().wait();
    socket.send(" two");
  });
  RunningClient client;
  Recorder got;
  std::promise<void> paused;
  got.on_first_data = [&] {
    client.upstream().pause(got.id);
    paused.set_value();
  };
  ask(client, got, peer.url());
  ASSERT_TRUE(comes(paused.get_future()));
  sent.set_value();
  client.on_loop([&] { EXPECT_EQ(got.body, "one"); });
  client.on_loop([&] { client.upstream().resume(got.id); });
  ASSERT_TRUE(got.wait());
  EXPECT_EQ(got.body, "one two");
}

}  // namespace
}  // namespace mimus
