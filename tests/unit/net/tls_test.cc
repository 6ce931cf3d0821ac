// TLS: exchanges over it as without it, and handshakes that harm nobody.
#include <gmock/gmock.h>
#include <signal.h>

#include "host/net/commons.h"
#include "tests/unit/net/test_certificates.h"
#include "tests/unit/net/tls_client.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class Tls : public testing::Test {
 protected:
  TlsFiles files() { return {{first_}, ""}; }
  /// One worker, with `change` of the limits.
  std::unique_ptr<TestHost> host(std::function<void(Limits&)> change = {}) {
    return std::make_unique<TestHost>(1, std::move(change), 1, "127.0.0.1:0", files());
  }
  static std::string close(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  }

  Certificates certificates_;
  TlsFiles::Pair first_ = certificates_.make("first", "DNS:first.test");
};

TEST_F(Tls, AnswersInBothVersionsAndKeepsTheConnection) {
  const auto server = host();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SecureClient client(*server, {.version = version});
    ASSERT_TRUE(client.shake_hands()) << version;
    EXPECT_EQ(SSL_version(client.get()), version);
    for (int i = 0; i < 3; ++i) {
      client.send(get("/hello"));
      EXPECT_THAT(client.answer(), EndsWith("\r\n\r\nGET /hello"));
    }
    EXPECT_EQ(server->counted().tls_active, 1u);
    client.send(close("/bye"));
    EXPECT_THAT(client.receive_all(), EndsWith("\r\n\r\nGET /bye"));
    EXPECT_TRUE(client.was_told_goodbye());
  }
  EXPECT_EQ(server->counted().tls_handshakes, 2u);
  EXPECT_EQ(server->counted().tls_failures, 0u);
}

TEST_F(Tls, AgreesOnAeadCiphersWithForwardSecrecyOrNothing) {
  const auto server = host();
  const struct {
    const char* name;
    int version;
    const char* ciphers;
    bool agrees;
  } rows[] = {
      {"TLS 1.1", TLS1_1_VERSION, "ALL:@SECLEVEL=0", false},
      {"TLS 1.0", TLS1_VERSION, "ALL:@SECLEVEL=0", false},
      {"CBC", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0", false},
      {"no forward secrecy", TLS1_2_VERSION, "AES128-GCM-SHA256", false},
      {"GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", true},
      {"ChaCha20", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true},
  };
  std::uint64_t failures = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    SecureClient client(*server, {.version = row.version});
    ASSERT_EQ(SSL_set_cipher_list(client.get(), row.ciphers), 1);
    EXPECT_EQ(client.shake_hands(), row.agrees);
    failures += row.agrees ? 0 : 1;
  }
  EXPECT_EQ(server->counted().tls_failures, failures);
}

TEST_F(Tls, TakesHandshakeAndRequestByteByByte) {
  const auto server = host();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SecureClient client(*server, {.version = version, .piece = 1});
    ASSERT_TRUE(client.shake_hands());
    client.send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_THAT(client.answer(), EndsWith("got abc"));
  }
}

TEST_F(Tls, ChoosesHttp11ByAlpnAndRefusesOthers) {
  const auto server = host();
  SecureClient both(*server, {.protocols = std::string("\x02h2\x08http/1.1")});
  ASSERT_TRUE(both.shake_hands());
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(both.get(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
  SecureClient h2_alone(*server, {.protocols = std::string("\x02h2")});
  EXPECT_FALSE(h2_alone.shake_hands());
}

TEST_F(Tls, ASilentHandshakeBlocksNobodyAndEndsWithItsTime) {
  const auto server = host();
  Client silent(*server), begun(*server);
  begun.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
  SecureClient other(*server);
  ASSERT_TRUE(other.shake_hands());
  other.send(get("/x"));
  EXPECT_THAT(other.answer(), EndsWith("GET /x"));
  server->advance(milliseconds(9'999));
  EXPECT_EQ(server->counted().active, 3u);
  server->advance(milliseconds(2));
  EXPECT_EQ(silent.receive_all(), "");
  EXPECT_EQ(begun.receive_all(), "");
  EXPECT_EQ(server->counted().tls_failures, 2u);
  EXPECT_EQ(of(TimedOut::header, server->counted()), 2u);
}

TEST_F(Tls, AClientThatLeavesDuringTheHandshakeHarmsNobody) {
  // As in a program that does not ignore it.
  const auto usual = ::signal(SIGPIPE, SIG_DFL);
  const auto server = host();
  for (std::size_t records = 0; records < 3; ++records) {
    SecureClient reset(*server);
    Client ended(*server);
    {
      Hold hold(*server);
      SSL_do_handshake(reset.get());
      if (records > 0) reset.push();
      ended.send(std::string("\x16\x03\x01\x02\x00\x01\x00", records * 3));
      if (records > 1) reset.socket().end_sending();
      reset.socket().reset();
      ended.end_sending();
      hold.let_go();
    }
    EXPECT_EQ(ended.receive_all(), "");
  }
  SecureClient other(*server);
  ASSERT_TRUE(other.shake_hands());
  other.send(get("/x"));
  EXPECT_THAT(other.answer(), EndsWith("GET /x"));
  EXPECT_EQ(server->counted().tls_failures, 6u);
  ::signal(SIGPIPE, usual);
}

TEST(HandshakeBudget, IsSpentInATurnAndThereAgainInTheNext) {
  struct Stop : Post {
    Loop* loop = nullptr;
  } stop;
  FakeClock clock;
  HandshakeBudget budget;
  Loop loop(0, clock);
  stop.loop = &loop;
  stop.run = [](Post& post) { static_cast<Stop&>(post).loop->stop(); };
  for (unsigned i = 0; i < HandshakeBudget::a_turn; ++i) EXPECT_TRUE(budget.spend(loop));
  EXPECT_FALSE(budget.spend(loop));
  loop.post(stop);
  loop.run();
  EXPECT_TRUE(budget.spend(loop));
}

TEST_F(Tls, ShakesManyHandsThatComeAtOnce) {
  const auto server = host();
  std::vector<std::unique_ptr<SecureClient>> clients;
  {
    Hold hold(*server);
    for (int i = 0; i < 40; ++i) {
      clients.push_back(std::make_unique<SecureClient>(*server));
      SSL_do_handshake(clients.back()->get());
      clients.back()->push();
    }
    hold.let_go();
  }
  for (const auto& client : clients) {
    ASSERT_TRUE(client->shake_hands());
    client->send(get("/x"));
    EXPECT_THAT(client->answer(), EndsWith("GET /x"));
  }
  EXPECT_EQ(server->counted().tls_handshakes, 40u);
}

TEST_F(Tls, AnswersWithoutTlsTellWhatThePortSpeaks) {
  const auto server = host();
  for (const char* const method : {"GET", "POST", "PATCH", "CONNECT", "x"}) {
    Client client(*server);
    client.send(std::string(method).append(" / HTTP/1.1\r\nHost: h\r\n\r\n"));
    const std::string answer = client.receive_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_THAT(
        answer,
        EndsWith("Connection: close\r\nContent-Type: application/problem+json\r\n\r\n{\"status\":400}"));
  }
  EXPECT_EQ(server->counted().tls_failures, 5u);
  EXPECT_EQ(server->counted().refused[0], 5u);
  Client garbage(*server);
  garbage.send(std::string(100, '\x01'));
  EXPECT_EQ(garbage.receive_all().find("HTTP"), std::string::npos);
}

TEST_F(Tls, RefusesToRenegotiate) {
  const auto server = host();
  SecureClient client(*server, {.version = TLS1_2_VERSION});
  ASSERT_TRUE(client.shake_hands());
  client.send(get("/x"));
  client.answer();
  ASSERT_EQ(SSL_renegotiate(client.get()), 1);
  EXPECT_FALSE(client.shake_hands());
  client.socket().receive_all();
  EXPECT_EQ(server->counted().requests, 1u);
}

TEST_F(Tls, AnswersPipelinesThatAreLargerThanOneRead) {
  const auto server = host();
  SecureClient client(*server);
  ASSERT_TRUE(client.shake_hands());
  std::string all;
  constexpr int count = 5000;  // 200 KB: several reads, and more than a turn's requests.
  for (int i = 0; i < count; ++i) all += get("/" + std::to_string(i));
  client.send(all + get("/wait"));
  for (int i = 0; i < count; ++i) ASSERT_THAT(client.answer(), EndsWith("\r\n\r\nGET /" + std::to_string(i)));
  server->log.await("waiting");
  client.send(get("/after"));
  SecureClient other(*server);
  ASSERT_TRUE(other.shake_hands());
  other.send(get("/release"));
  EXPECT_THAT(client.answer(), EndsWith("released"));
  EXPECT_THAT(client.answer(), EndsWith("GET /after"));
}

TEST_F(Tls, AnswersWhatComesAtOnceInManySmallRecords) {
  const auto server = host();
  const int window = 1 << 20;  // All of it is there when the first byte is read.
  ::setsockopt(server->listener.fds[0], SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
  SecureClient client(*server);
  ASSERT_TRUE(client.shake_hands());
  SSL_set_max_send_fragment(client.get(), 1'000);
  const auto path = [](int i) { return "/" + std::to_string(10'000'000 + i); };
  std::string all;
  for (int i = 0; i < 2000; ++i) all += get(path(i));
  ASSERT_EQ(all.size(), 70'000u);
  Hold hold(*server);
  client.send(all);
  hold.let_go();
  for (int i = 0; i < 2000; ++i) ASSERT_THAT(client.answer(), EndsWith("\r\n\r\nGET " + path(i)));
}

TEST_F(Tls, WritesLargeAnswersToSlowReaders) {
  const auto server = host();
  SecureClient slow(*server), other(*server);
  ASSERT_TRUE(slow.shake_hands() && other.shake_hands());
  slow.send(get("/large") + get("/after"));
  for (int i = 0; i < 10; ++i) {
    other.send(get("/x"));
    EXPECT_THAT(other.answer(), EndsWith("GET /x"));
  }
  const std::string head = slow.receive_to("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: " + std::to_string(TestService::large_size)));
  EXPECT_EQ(slow.receive(TestService::large_size), std::string(TestService::large_size, 'L'));
  EXPECT_THAT(slow.answer(), EndsWith("GET /after"));
}

TEST_F(Tls, AReaderThatNeverReadsIsClosed) {
  const auto server = host();
  SecureClient stuck(*server);
  ASSERT_TRUE(stuck.shake_hands());
  stuck.send("GET /endless HTTP/1.0\r\n\r\n");
  stuck.receive_to("\r\n\r\n");
  // The kernel may still take some for a while.
  for (int i = 0; i < 1000 && !server->log.has("cancelled"); ++i) server->advance(milliseconds(15'001));
  EXPECT_EQ(of(TimedOut::reader, server->counted()), 1u);
  stuck.receive_all();
  EXPECT_FALSE(stuck.was_told_goodbye()) << "the answer would look whole";
}

TEST_F(Tls, AnswersClientsThatEndTheirDirection) {
  const auto server = host();
  SecureClient polite(*server), curt(*server);
  ASSERT_TRUE(polite.shake_hands() && curt.shake_hands());
  polite.send(get("/polite"));
  polite.say_goodbye();
  EXPECT_THAT(polite.answer(), EndsWith("GET /polite"));
  EXPECT_EQ(polite.receive_all(), "");
  EXPECT_TRUE(polite.was_told_goodbye());
  curt.send(get("/large"));
  curt.socket().end_sending();
  EXPECT_THAT(curt.receive_to("\r\n\r\n"), HasSubstr("200 OK"));
  EXPECT_EQ(curt.receive_all().size(), TestService::large_size);
  EXPECT_TRUE(curt.was_told_goodbye());
}

TEST_F(Tls, HoldsTheLimitsOfPlainConnections) {
  const struct {
    const char* name;
    std::string request;
    std::string status;
  } rows[] = {
      {"a long target", "GET /" + std::string(9000, 'u'), "414"},
      {"a large header", "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(33000, 'h'), "431"},
      {"a large body", "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", "413"},
      {"no request", "hello\r\n\r\n", "400"},
  };
  const auto server = host();
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    SecureClient client(*server);
    ASSERT_TRUE(client.shake_hands());
    client.send(row.request);
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 " + row.status));
  }
  server->await_active(0);  // What is left of their requests would be counted below.
  SecureClient head(*server), body(*server), idle(*server);
  ASSERT_TRUE(head.shake_hands() && body.shake_hands() && idle.shake_hands());
  idle.send(get("/x"));
  idle.answer();
  const auto half = [&](SecureClient& client, std::string_view text) {
    const std::uint64_t before = server->counted().bytes_in;
    client.send(text);
    while (server->counted().bytes_in == before) {
    }
  };
  half(head, "GET / HT");
  half(body, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  server->advance(milliseconds(30'001));
  EXPECT_THAT(head.receive_all(), StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(body.receive_all(), StartsWith("HTTP/1.1 408"));
  server->advance(milliseconds(60'000));
  EXPECT_EQ(idle.receive_all(), "");
  EXPECT_TRUE(idle.was_told_goodbye());
}

TEST_F(Tls, TurnsConnectionsOver) {
  const auto server = host();
  SecureClient client(*server), draining(*server);
  ASSERT_TRUE(client.shake_hands() && draining.shake_hands());
  client.send(get("/upgrade") + "first");
  EXPECT_THAT(client.receive_to("\r\n\r\n"), StartsWith("HTTP/1.1 101"));
  EXPECT_EQ(client.receive(5), "FIRST");
  client.send("close");
  EXPECT_EQ(client.receive_all(), "bye");
  EXPECT_TRUE(client.was_told_goodbye());
  client.socket().end_sending();
  draining.send(get("/upgrade"));
  EXPECT_THAT(draining.receive_to("\r\n\r\n"), StartsWith("HTTP/1.1 101"));
  std::thread stop([&] { server->server->drain(milliseconds(5'000)); });
  EXPECT_EQ(draining.receive_all(), "going away");
  EXPECT_TRUE(draining.was_told_goodbye());
  draining.socket().end_sending();
  stop.join();
}

TEST_F(Tls, AnswersWhatIsInFlightWhileDraining) {
  const auto server = host();
  SecureClient busy(*server), idle(*server), other(*server);
  ASSERT_TRUE(busy.shake_hands() && idle.shake_hands() && other.shake_hands());
  idle.send(get("/x"));
  idle.answer();
  busy.send(get("/wait"));
  server->log.await("waiting");
  std::thread stop([&] { server->server->drain(milliseconds(5'000)); });
  EXPECT_EQ(idle.receive_all(), "");
  EXPECT_TRUE(idle.was_told_goodbye());
  other.send(get("/release"));
  EXPECT_THAT(other.answer(), HasSubstr("Connection: close"));
  EXPECT_THAT(busy.receive_all(), EndsWith("Connection: close\r\n\r\nreleased"));
  EXPECT_TRUE(busy.was_told_goodbye());
  // The clients are given a second to hang up, and what they were sent the time to arrive.
  while (server->counted().active != 0) server->advance(milliseconds(1'001));
  stop.join();
}

}  // namespace
}  // namespace mimus
