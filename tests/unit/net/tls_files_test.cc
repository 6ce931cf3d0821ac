// TlsServer: which files it takes, whose certificate a client sees, who is let in, what is resumed.
#include <gmock/gmock.h>
#include <openssl/pem.h>

#include <fstream>
#include <sstream>

#include "host/net/tls_tickets.h"
#include "tests/unit/net/test_certificates.h"
#include "tests/unit/net/tls_client.h"

namespace mimus {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;

std::string text_of(const std::string& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

std::string protected_key(Certificates& certificates) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  BIO* const memory = BIO_new(BIO_s_mem());
  char passphrase[] = "secret";
  PEM_write_bio_PKCS8PrivateKey(memory, key, EVP_aes_128_cbc(), passphrase, 6, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  const std::string out = certificates.file(std::string(data, static_cast<std::size_t>(size)));
  BIO_free(memory);
  EVP_PKEY_free(key);
  return out;
}

TEST(TlsServer, RefusesFilesThatItCannotUseByName) {
  Certificates certificates;
  const TlsFiles::Pair good = certificates.make("good", ""), other = certificates.make("other", "");
  const TlsFiles::Pair weak = certificates.make("weak", "", 1024);
  const std::string garbage =
      certificates.file("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n");
  const std::string empty = certificates.file(""), locked = protected_key(certificates);
  const std::string half = certificates.file(text_of(good.certificate) + text_of(garbage));
  const struct {
    const char* name;
    TlsFiles files;
    std::string file, why;
  } rows[] = {
      {"no certificate file",
       {{{"/absent", good.key}}, ""},
       "tls-cert: /absent",
       "cannot be read: No such file"},
      {"no key file", {{{good.certificate, "/absent"}}, ""}, "tls-key: /absent", "cannot be read"},
      {"an empty certificate file", {{{empty, good.key}}, ""}, empty, "holds no PEM certificate"},
      {"a certificate that is none", {{{garbage, good.key}}, ""}, garbage, "certificate 1"},
      {"a chain that breaks off", {{{half, good.key}}, ""}, half, "certificate 2"},
      {"a key that is none", {{{good.certificate, garbage}}, ""}, garbage, "holds no PEM private key"},
      {"a key with a passphrase", {{{good.certificate, locked}}, ""}, locked, "passphrase"},
      {"another's key",
       {{good, {good.certificate, other.key}}, ""},
       other.key,
       "is not the key of the certificate in"},
      {"a weak key", {{weak}, ""}, weak.certificate, "too small"},
      {"no authorities", {{good}, empty}, "tls-client-ca: " + empty, "holds no PEM certificate"},
  };
  FakeClock clock;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto opened = TlsServer::open(row.files, clock);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().code, Code::invalid);
    EXPECT_THAT(opened.error().message, HasSubstr(row.file));
    EXPECT_THAT(opened.error().message, HasSubstr(row.why));
    EXPECT_EQ(opened.error().message.find('\n'), std::string::npos);
  }
}

TEST(TlsServer, ShowsTheCertificateThatBearsTheName) {
  Certificates certificates;
  TestHost host(
      1, {}, 1, "127.0.0.1:0",
      {{certificates.make("default", "DNS:one.test"),
        certificates.make("wild", "DNS:*.wild.test,DNS:Two.test"), certificates.make("named.wild.test", ""),
        certificates.make("again", "DNS:one.test"), certificates.make("hidden.test", "DNS:shown.test", 2048)},
       ""});
  const struct {
    const char *asked, *shown;
  } rows[] = {
      {"", "default"},
      {"one.test", "default"},
      {"unknown.test", "default"},
      {"two.test", "wild"},
      {"TWO.Test", "wild"},
      {"a.wild.test", "wild"},
      {"named.wild.test", "named.wild.test"},
      {"a.b.wild.test", "default"},
      {"wild.test", "default"},
      {"shown.test", "hidden.test"},
      {"hidden.test", "default"},
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& row : rows) {
      SCOPED_TRACE(row.asked);
      SecureClient client(host, {.version = version, .name = row.asked});
      ASSERT_TRUE(client.shake_hands());
      EXPECT_EQ(client.server_name(), row.shown);
      client.send(get("/x"));
      EXPECT_THAT(client.answer(), EndsWith("GET /x"));
    }
  }
}

TEST(TlsServer, VerifiesACertificateThatAClientShows) {
  Certificates certificates, strangers;
  const TlsFiles::Pair known = certificates.make("client", ""), stranger = strangers.make("client", "");
  TestHost host(1, {}, 1, "127.0.0.1:0",
                {{certificates.make("a", "DNS:a.test"), certificates.make("b", "DNS:b.test")},
                 certificates.authority()});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const char* const name : {"a.test", "b.test"}) {
      SCOPED_TRACE(name);
      for (const TlsFiles::Pair* const own : {static_cast<const TlsFiles::Pair*>(nullptr), &known}) {
        SecureClient client(host, {.version = version, .name = name, .own = own});
        ASSERT_TRUE(client.shake_hands());
        client.send(get("/x"));
        EXPECT_THAT(client.answer(), EndsWith("GET /x"));
      }
      SecureClient refused(host, {.version = version, .name = name, .own = &stranger});
      // In 1.3 the client is through before the server has seen its certificate.
      if (!refused.shake_hands()) continue;
      EXPECT_EQ(refused.receive_all(), "");
    }
  }
  EXPECT_EQ(host.counted().tls_failures, 4u);
}

TEST(TlsServer, ReloadsForNewHandshakesAlone) {
  Certificates certificates;
  const TlsFiles::Pair before = certificates.make("before", ""), after = certificates.make("after", "");
  TestHost host(2, {}, 2, "127.0.0.1:0", {{before}, ""});
  SecureClient old(host);
  ASSERT_TRUE(old.shake_hands());
  EXPECT_EQ(old.server_name(), "before");
  ASSERT_FALSE(host.tls->reload({{{after.certificate, before.key}}, ""}));
  {
    SecureClient still(host);
    ASSERT_TRUE(still.shake_hands());
    EXPECT_EQ(still.server_name(), "before");
  }
  ASSERT_TRUE(host.tls->reload({{after}, ""}));
  SecureClient now(host);
  ASSERT_TRUE(now.shake_hands());
  EXPECT_EQ(now.server_name(), "after");
  for (SecureClient* const client : {&old, &now}) {
    client->send(get("/x"));
    EXPECT_THAT(client->answer(), EndsWith("GET /x"));
  }
}

/// A session that can be resumed, from a client that has read an answer.
SSL_SESSION* session_of(const TestHost& host, int version, const TlsFiles::Pair* own = nullptr) {
  SecureClient client(host, {.version = version, .own = own});
  EXPECT_TRUE(client.shake_hands());
  client.send(get("/x"));
  client.answer();
  SSL_SESSION* const session = SSL_get1_session(client.get());
  EXPECT_EQ(SSL_SESSION_is_resumable(session), 1);
  return session;
}

bool resumes(const TestHost& host, int version, SSL_SESSION* session) {
  SecureClient client(host, {.version = version, .session = session});
  EXPECT_TRUE(client.shake_hands());
  client.send(get("/x"));
  EXPECT_THAT(client.answer(), EndsWith("GET /x"));
  return SSL_session_reused(client.get()) == 1;
}

TEST(TlsServer, ResumesOnAnyWorkerAndAfterAReload) {
  Certificates certificates;
  const TlsFiles files{{certificates.make("a", "")}, ""};
  TestHost host(4, {}, 4, "127.0.0.1:0", files);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_SESSION* const session = session_of(host, version);
    for (int i = 0; i < 12; ++i) EXPECT_TRUE(resumes(host, version, session)) << i;
    ASSERT_TRUE(host.tls->reload(files));
    EXPECT_TRUE(resumes(host, version, session));
    host.advance(ticket_key_period + ticket_lifetime);
    EXPECT_FALSE(resumes(host, version, session));
    SSL_SESSION_free(session);
  }
}

TEST(TlsServer, ForgetsWhomOtherAuthoritiesVerified) {
  Certificates certificates, others;
  const TlsFiles::Pair own = certificates.make("client", ""), server = certificates.make("server", "");
  TestHost host(1, {}, 1, "127.0.0.1:0", {{server}, certificates.authority()});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_SESSION* const session = session_of(host, version, &own);
    EXPECT_TRUE(resumes(host, version, session));
    ASSERT_TRUE(host.tls->reload({{server}, others.authority()}));
    EXPECT_FALSE(resumes(host, version, session));
    ASSERT_TRUE(host.tls->reload({{server}, certificates.authority()}));
    SSL_SESSION_free(session);
  }
}

TEST(TicketKeys, ChangeEachPeriodAndLiveAsLongAsTheirTickets) {
  FakeClock clock;
  TicketKeys keys(clock);
  const TicketKey first = *keys.current();
  EXPECT_EQ(keys.current()->name, first.name);
  EXPECT_FALSE(keys.find(first.name.data())->renew);
  clock.advance(ticket_key_period - milliseconds(1));
  EXPECT_EQ(keys.current()->name, first.name);
  clock.advance(milliseconds(1));
  EXPECT_TRUE(keys.find(first.name.data())->renew);
  const TicketKey second = *keys.current();
  EXPECT_NE(second.name, first.name);
  EXPECT_NE(second.cipher, first.cipher);
  clock.advance(ticket_lifetime - milliseconds(1));
  EXPECT_EQ(keys.find(first.name.data())->key.mac, first.mac);
  clock.advance(milliseconds(1));
  EXPECT_FALSE(keys.find(first.name.data()));
  EXPECT_TRUE(keys.find(second.name.data()));
  clock.advance(hours(24));
  EXPECT_FALSE(keys.find(second.name.data()));
}

}  // namespace
}  // namespace mimus
