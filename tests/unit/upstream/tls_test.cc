// https: certificate and name are checked, and the bytes get through.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>

#include "peer.h"
#include "running_client.h"
#include "tests/unit/net/test_certificates.h"

namespace mimus {
namespace {

/// The server's side of a session on a blocking socket.
class TlsPeerSocket {
 public:
  TlsPeerSocket(int fd, SSL_CTX* context) : socket_(fd), session_(SSL_new(context)) {
    SSL_set_fd(session_, fd);
    accepted_ = SSL_accept(session_) == 1;
  }
  ~TlsPeerSocket() { SSL_free(session_); }
  TlsPeerSocket(const TlsPeerSocket&) = delete;
  TlsPeerSocket& operator=(const TlsPeerSocket&) = delete;

  bool accepted() const { return accepted_; }
  std::string server_name() const {
    const char* const name = SSL_get_servername(session_, TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
  }
  std::string request() {
    std::string text;
    char byte;
    while (text.find("\r\n\r\n") == std::string::npos) {
      if (SSL_read(session_, &byte, 1) != 1) return "";
      text += byte;
    }
    return text;
  }
  void send(std::string_view text) { SSL_write(session_, text.data(), static_cast<int>(text.size())); }
  void say_goodbye() { SSL_shutdown(session_); }
  /// True: the client has said goodbye.
  bool goodbye() {
    char byte;
    return SSL_get_error(session_, SSL_read(session_, &byte, 1)) == SSL_ERROR_ZERO_RETURN;
  }

 private:
  PeerSocket socket_;
  SSL* session_;
  bool accepted_ = false;
};

std::shared_ptr<SSL_CTX> server_of(Certificates& authority, const std::string& names) {
  const TlsFiles::Pair files = authority.make("Test server", names);
  std::shared_ptr<SSL_CTX> out(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  EXPECT_EQ(SSL_CTX_use_certificate_file(out.get(), files.certificate.c_str(), SSL_FILETYPE_PEM), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(out.get(), files.key.c_str(), SSL_FILETYPE_PEM), 1);
  return out;
}

class UpstreamTls : public testing::Test {
 protected:
  UpstreamTls() {
    ::signal(SIGPIPE, SIG_IGN);
    ::setenv("SSL_CERT_FILE", authority_.authority().c_str(), 1);
  }
  ~UpstreamTls() override { ::unsetenv("SSL_CERT_FILE"); }

  std::shared_ptr<SSL_CTX> server(const std::string& names) { return server_of(authority_, names); }

  Certificates authority_;
};

TEST_F(UpstreamTls, TrustsACertificateOnlyForItsName) {
  const struct {
    const char* name;
    const char* names;
    const char* host;
    bool trusted;
    const char* server_name;
  } cases[] = {
      {"the name", "DNS:localhost", "localhost", true, "localhost"},
      {"the address", "IP:127.0.0.1", "127.0.0.1", true, ""},
      {"the address, written otherwise", "IP:127.0.0.1", "127.1", true, ""},
      {"another name", "DNS:example.com", "localhost", false, "localhost"},
      {"a name for an address", "DNS:localhost", "127.0.0.1", false, ""},
      {"another address", "IP:127.0.0.2", "127.0.0.1", false, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto context = server(c.names);
    std::string server_name;
    Recorder got;
    {
      Peer peer([&](Peer& self) {
        TlsPeerSocket socket(self.accept(), context.get());
        server_name = socket.server_name();
        if (!socket.accepted() || socket.request().empty()) return;
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
        socket.goodbye();
      });
      RunningClient client;
      client.fetch(got, peer.url("/", c.host, true));
    }
    EXPECT_EQ(server_name, c.server_name);
    EXPECT_EQ(got.body, c.trusted ? "secret" : "");
    if (c.trusted) continue;
    EXPECT_EQ(got.error, UpstreamError::unreachable);
    EXPECT_NE(got.why.find("certificate: "), std::string::npos) << got.why;
  }
}

TEST_F(UpstreamTls, DoesNotTrustAnUnknownAuthority) {
  Certificates other;
  const auto context = server_of(other, "DNS:localhost");
  Peer peer([&](Peer& self) { TlsPeerSocket(self.accept(), context.get()).request(); });
  RunningClient client;
  Recorder got;
  client.fetch(got, peer.url("/", "localhost", true));
  EXPECT_EQ(got.error, UpstreamError::unreachable);
  EXPECT_NE(got.why.find("certificate: "), std::string::npos) << got.why;
}

TEST_F(UpstreamTls, ReportsAPeerThatSpeaksNoTls) {
  Peer peer([](Peer& self) { PeerSocket(self.accept()).send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  RunningClient client;
  Recorder got;
  client.fetch(got, peer.url("/", "localhost", true));
  EXPECT_EQ(got.error, UpstreamError::unreachable) << got.why;
}

TEST_F(UpstreamTls, UsesASessionAgainAndSaysGoodbye) {
  const auto context = server("DNS:localhost");
  bool goodbye = false;
  {
    Peer peer([&](Peer& self) {
      TlsPeerSocket socket(self.accept(), context.get());
      for (int i = 0; i < 2; ++i) {
        if (socket.request().empty()) return;
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(i));
      }
      goodbye = socket.goodbye();
    });
    RunningClient client;
    for (const char* const want : {"0", "1"}) {
      Recorder got;
      client.fetch(got, peer.url("/", "localhost", true), "POST");
      EXPECT_EQ(got.body, want) << got.why;
    }
  }
  EXPECT_TRUE(goodbye);
}

TEST_F(UpstreamTls, TakesAnEndWithoutGoodbyeForABreak) {
  const auto context = server("DNS:localhost");
  for (const bool polite : {true, false}) {
    SCOPED_TRACE(polite ? "close_notify" : "cut");
    Peer peer([&](Peer& self) {
      TlsPeerSocket socket(self.accept(), context.get());
      socket.request();
      socket.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
      if (polite) socket.say_goodbye();
    });
    RunningClient client;
    Recorder got;
    client.fetch(got, peer.url("/", "localhost", true));
    EXPECT_EQ(got.body, "hello");
    EXPECT_EQ(got.error.has_value(), !polite) << got.why;
  }
}

TEST_F(UpstreamTls, ResumesWithBytesThatTheSessionHolds) {
  const auto context = server("DNS:localhost");
  const std::string body(1 << 20, 'x');
  Peer peer([&](Peer& self) {
    TlsPeerSocket socket(self.accept(), context.get());
    socket.request();
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    socket.goodbye();
  });
  RunningClient client;
  Recorder got;
  client.start_and_pause(got, peer.url("/", "localhost", true));
  client.on_loop([&] { client.upstream().resume(got.id); });
  ASSERT_TRUE(got.wait());
  EXPECT_EQ(got.body.size(), body.size()) << got.why;
}

}  // namespace
}  // namespace mimus
