// The client against a scripted upstream: framing, reuse, failures, back-pressure.
#include <gtest/gtest.h>
#include <poll.h>

#include "peer.h"
#include "running_client.h"

namespace mimus {
namespace {

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view fresh = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh";

/// Answers every request of one connection with `answer`, then closes.
auto answering(std::string answer) {
  return [answer](Peer& peer) { PeerSocket(peer.accept()).serve(answer); };
}

/// A peer that hears one request and never answers it.
class SilentPeer {
 public:
  std::string url() const { return peer_.url(); }
  bool asked() { return comes(asked_.get_future()); }
  bool left() { return comes(left_.get_future()); }  ///< The client has closed.

 private:
  std::promise<void> asked_, left_;
  Peer peer_{[this](Peer& self) {
    PeerSocket socket(self.accept());
    socket.request();
    asked_.set_value();
    socket.ended();
    left_.set_value();
  }};
};

TEST(UpstreamClient, StreamsAnswersOfEveryFraming) {
  const struct {
    const char* name;
    const char* answer;
    int status;
    const char* headers;
    std::int64_t length;
    const char* body;
  } cases[] = {
      {"a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", 200, "Content-Length=5;X=y;",
       5, "hello"},
      {"chunks", "HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 201,
       "", -1, "hello"},
      {"until close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", 200, "", -1, "hello"},
      {"no body", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", 0, ""},
      {"an interim answer first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
       200, "Content-Length=0;", 0, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Peer peer(answering(c.answer));
    RunningClient client;
    Recorder got;
    client.fetch(got, peer.url());
    EXPECT_EQ(got.error, std::nullopt) << got.why;
    EXPECT_EQ(got.status, c.status);
    EXPECT_EQ(got.headers, c.headers);
    EXPECT_EQ(got.length, c.length);
    EXPECT_EQ(got.body, c.body);
  }
}

TEST(UpstreamClient, SendsTheRequestWithItsBody) {
  std::string heard, want;
  {
    Peer peer([&](Peer& self) {
      PeerSocket socket(self.accept());
      heard = socket.request(4);
      socket.send(ok);
    });
    RunningClient client;
    Recorder got;
    client.fetch(got, peer.url("/a?b=c", "localhost"), "POST", "data");
    EXPECT_EQ(got.status, 200) << got.why;
    want = "POST /a?b=c HTTP/1.1\r\nHost: localhost:" + std::to_string(peer.port()) +
           "\r\nContent-Length: 4\r\n\r\ndata";
  }
  EXPECT_EQ(heard, want);
}

TEST(UpstreamClient, UsesAConnectionAgain) {
  Peer peer([](Peer& self) {
    PeerSocket socket(self.accept());
    for (int i = 0; i < 3; ++i) {
      if (socket.request().empty()) return;
      socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(i));
    }
  });
  RunningClient client;
  for (const char* const want : {"0", "1", "2"}) {
    Recorder got;
    client.fetch(got, peer.url(), "POST");
    EXPECT_EQ(got.body, want) << got.why;
  }
}

TEST(UpstreamClient, DoesNotUseAConnectionAgainThatShallClose) {
  const struct {
    const char* name;
    const char* answer;
  } cases[] = {
      {"Connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"},
      {"bytes beyond the answer", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    bool closed = false;
    {
      Peer peer([&](Peer& self) {
        PeerSocket first(self.accept());
        first.serve(c.answer);
        closed = first.ended();
        PeerSocket(self.accept()).serve(ok);
      });
      RunningClient client;
      Recorder one, two;
      client.fetch(one, peer.url());
      EXPECT_EQ(one.body, "a");
      client.fetch(two, peer.url());
      EXPECT_EQ(two.body, "ok");
    }
    EXPECT_TRUE(closed);
  }
}

TEST(UpstreamClient, AsksAgainOnceWhenAnIdleConnectionHasDied) {
  const struct {
    const char* name;
    const char* method;
    bool retried;
  } cases[] = {{"GET", "GET", true}, {"PUT", "PUT", true}, {"POST", "POST", false}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Peer peer([&](Peer& self) {
      PeerSocket first(self.accept());
      first.serve(ok);
      first.request();
      first.close();  // Without an answer, as a server that had just decided to close.
      if (!c.retried) return;
      PeerSocket(self.accept()).serve(fresh);
    });
    RunningClient client;
    Recorder one, two;
    client.fetch(one, peer.url());
    client.fetch(two, peer.url(), c.method);
    EXPECT_EQ(two.body, c.retried ? "fresh" : "");
    EXPECT_EQ(two.error.has_value(), !c.retried);
  }
}

TEST(UpstreamClient, AsksAgainOnAFreshConnectionThoughAnotherIsIdle) {
  Peer peer([&](Peer& self) {
    PeerSocket one(self.accept()), two(self.accept());
    for (PeerSocket* const each : {&one, &two}) each->serve(ok);
    pollfd either[] = {{one.fd(), POLLIN, 0}, {two.fd(), POLLIN, 0}};
    ::poll(either, 2, -1);
    PeerSocket& asked = either[0].revents ? one : two;
    asked.request();
    asked.close();
    PeerSocket(self.accept()).serve(fresh);
  });
  RunningClient client;
  Recorder one, two, three;
  client.start(one, peer.url());
  client.start(two, peer.url());
  ASSERT_TRUE(one.wait());
  ASSERT_TRUE(two.wait());
  client.fetch(three, peer.url());
  EXPECT_EQ(three.body, "fresh") << three.why;
}

TEST(UpstreamClient, DoesNotSendAPostOnAConnectionThatWasClosed) {
  std::promise<void> closed;
  Peer peer([&](Peer& self) {
    PeerSocket first(self.accept());
    first.serve(ok);
    first.close_heard();
    closed.set_value();
    PeerSocket(self.accept()).serve(fresh);
  });
  RunningClient client;
  Recorder one, two;
  client.fetch(one, peer.url());
  ASSERT_TRUE(comes(closed.get_future()));
  client.fetch(two, peer.url(), "POST");
  EXPECT_EQ(two.body, "fresh") << two.why;
}

TEST(UpstreamClient, ForgetsIdleConnectionsAfterAWhile) {
  std::promise<void> closed;
  Peer peer([&](Peer& self) {
    PeerSocket socket(self.accept());
    socket.serve(ok);
    socket.ended();
    closed.set_value();
  });
  RunningClient client;
  Recorder got;
  client.fetch(got, peer.url());
  client.advance(std::chrono::seconds(31));
  EXPECT_TRUE(comes(closed.get_future()));
}

TEST(UpstreamClient, NamesWhatWentWrong) {
  const struct {
    const char* name;
    const char* answer;
    UpstreamError error;
  } cases[] = {
      {"no answer", "", UpstreamError::unreachable},
      {"half a head", "HTTP/1.1 200 OK\r\nContent-", UpstreamError::unreachable},
      {"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", UpstreamError::unreachable},
      {"not HTTP", "220 smtp.example.com ESMTP\r\n", UpstreamError::protocol},
      {"a malformed head", "HTTP/1.1 200 OK\r\nA b\r\n\r\n", UpstreamError::protocol},
      {"a malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       UpstreamError::protocol},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Peer peer(answering(c.answer));
    RunningClient client;
    Recorder got;
    client.fetch(got, peer.url());
    EXPECT_EQ(got.error, c.error) << got.why;
  }
}

TEST(UpstreamClient, CannotReachAClosedPort) {
  const ClosedPort port;
  RunningClient client;
  Recorder got;
  client.fetch(got, "http://127.0.0.1:" + std::to_string(port.number()) + "/");
  EXPECT_EQ(got.error, UpstreamError::unreachable);
  EXPECT_NE(got.why.find("Connection refused"), std::string::npos) << got.why;
}

TEST(UpstreamClient, KeepsToThePolicy) {
  const struct {
    const char* name;
    const char* url;
    AddressPolicy policy;
  } cases[] = {
      {"a private literal", "http://127.0.0.1/", {false, false, {}}},
      {"a private literal in disguise", "http://0x7f.1/", {false, false, {}}},
      {"a name for a private address", "http://localhost/", {false, false, {}}},
      {"metadata", "http://169.254.169.254/", {true, false, {}}},
      {"its own listener", "http://127.0.0.1:81/", {true, false, {"127.0.0.1:81"}}},
      {"plain http in production", "http://127.0.0.1/", {true, true, {}}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    RunningClient client(c.policy);
    Recorder got;
    client.fetch(got, c.url);
    EXPECT_EQ(got.error, UpstreamError::forbidden) << got.why;
  }
}

TEST(UpstreamClient, RefusesARequestThatWouldSplit) {
  RunningClient client;
  Recorder got;
  client.fetch(got, "http://127.0.0.1:1/", "GET / HTTP/1.1\r\nX:");
  EXPECT_EQ(got.error, UpstreamError::protocol);
}

TEST(UpstreamClient, WaitsForTheFirstByteAsLongAsItWasTold) {
  SilentPeer peer;
  RunningClient client;
  Recorder got;
  client.start(got, peer.url());
  ASSERT_TRUE(peer.asked());
  client.advance(std::chrono::milliseconds(4999));
  client.on_loop([&] { EXPECT_EQ(got.error, std::nullopt); });
  client.advance(std::chrono::milliseconds(3));
  ASSERT_TRUE(got.wait());
  EXPECT_EQ(got.error, UpstreamError::timeout);
}

TEST(UpstreamClient, BoundsTheSilenceWithinABody) {
  Peer peer([](Peer& self) {
    PeerSocket socket(self.accept());
    socket.serve("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    socket.ended();
  });
  RunningClient client;
  Recorder got;
  client.start(got, peer.url());
  ASSERT_TRUE(got.wait_for_head());
  client.advance(std::chrono::milliseconds(5002));
  ASSERT_TRUE(got.wait());
  EXPECT_EQ(got.error, UpstreamError::timeout);
  EXPECT_EQ(got.status, 200);
}

TEST(UpstreamClient, DoesNotReadWhilePaused) {
  // More than the sockets between can hold, so that the peer's send must wait for resume.
  const std::string body(32 << 20, 'x');
  Peer peer([&](Peer& self) {
    PeerSocket socket(self.accept());
    socket.serve("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    socket.send(body);
  });
  RunningClient client;
  Recorder got;
  client.start_and_pause(got, peer.url());
  std::size_t before = 0;
  client.on_loop([&] { before = got.body.size(); });
  client.advance(std::chrono::seconds(60));  // The silence is the receiver's, not the upstream's.
  client.on_loop([&] {
    EXPECT_EQ(got.body.size(), before);
    EXPECT_LT(before, body.size());
    EXPECT_EQ(got.error, std::nullopt);
    client.upstream().resume(got.id);
  });
  ASSERT_TRUE(got.wait());
  EXPECT_EQ(got.error, std::nullopt) << got.why;
  EXPECT_EQ(got.body.size(), body.size());
}

TEST(UpstreamClient, EndsAfterResumeWhatWasWholeWhenItWasPaused) {
  for (const bool hangs_up : {false, true}) {
    SCOPED_TRACE(hangs_up ? "the peer hangs up" : "the peer stays");
    Peer peer([&](Peer& self) {
      PeerSocket socket(self.accept());
      socket.serve(ok);
      if (hangs_up) ::shutdown(socket.fd(), SHUT_WR);
      socket.ended();
    });
    RunningClient client;
    Recorder got;
    client.start_and_pause(got, peer.url());
    client.on_loop([&] { client.upstream().resume(got.id); });
    ASSERT_TRUE(got.wait());
    EXPECT_EQ(got.body, "ok");
  }
}

TEST(UpstreamClient, TellsNothingAfterCancel) {
  SilentPeer peer;
  RunningClient client;
  Recorder got;
  client.start(got, peer.url());
  ASSERT_TRUE(peer.asked());
  client.on_loop([&] {
    client.upstream().cancel(got.id);
    client.upstream().cancel(got.id);
    client.upstream().resume(got.id);
  });
  EXPECT_TRUE(peer.left());
  client.advance(std::chrono::seconds(10));
  EXPECT_EQ(got.error, std::nullopt);
  EXPECT_EQ(got.status, 0);
}

TEST(UpstreamClient, CanBeCancelledAtEveryPoint) {
  const struct {
    const char* name;
    const char* host;
  } cases[] = {{"before it connects", "127.0.0.1"}, {"before it looks up", "localhost"}};
  Peer peer([](Peer& self) {
    for (int fd; (fd = self.accept()) >= 0;) PeerSocket(fd).close();
  });
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    RunningClient client;
    Recorder got;
    client.on_loop([&] {
      UpstreamRequest request;
      request.method = "GET";
      request.url = *Url::parse(peer.url("/", c.host));
      client.upstream().cancel(client.upstream().start(request, got));
    });
    client.advance(std::chrono::seconds(10));
    EXPECT_EQ(got.error, std::nullopt);
  }
}

TEST(UpstreamClient, CanBeCancelledFromWithinData) {
  Peer peer(answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
  RunningClient client;
  Recorder got;
  std::promise<void> cancelled;
  got.on_first_data = [&] {
    client.upstream().cancel(got.id);
    cancelled.set_value();
  };
  client.start(got, peer.url());
  ASSERT_TRUE(comes(cancelled.get_future()));
  client.advance(std::chrono::seconds(10));
  EXPECT_EQ(got.body, "a");
  EXPECT_EQ(got.error, std::nullopt);
}

TEST(UpstreamClient, CancelsAllWhenItIsDestroyed) {
  SilentPeer peer;
  Recorder got, never_begun;
  {
    RunningClient client;
    client.start(got, peer.url());
    ASSERT_TRUE(peer.asked());
    client.start(never_begun, "http://no-such-host.invalid/");
  }
  EXPECT_TRUE(peer.left());
  EXPECT_EQ(got.error, std::nullopt);
}

}  // namespace
}  // namespace mimus
