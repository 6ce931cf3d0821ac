// The same story for a client without TLS and one with it: a typed test's parameter.
#pragma once

#include "tests/unit/net/test_certificates.h"
#include "tests/unit/net/tls_client.h"

namespace mimus {

struct Plain {
  struct Client : mimus::Client {
    using mimus::Client::Client;
    mimus::Client& socket() { return *this; }
  };
  static TlsFiles files(const Certificates&) { return {}; }
};

struct Secure {
  struct Client : SecureClient {
    explicit Client(const TestHost& host, int receive_buffer = 0)
        : SecureClient(host, {.receive_buffer = receive_buffer}) {
      EXPECT_TRUE(shake_hands());
    }
  };
  static TlsFiles files(Certificates& certificates) { return {{certificates.make("a", "DNS:a.test")}, ""}; }
};

using PlainAndSecure = testing::Types<Plain, Secure>;

}  // namespace mimus
