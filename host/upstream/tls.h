// TLS to upstreams: OpenSSL's client settings, made when the first https target is met.
#pragma once

#include <memory>
#include <string>

#include "mimus/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace mimus {

struct TlsDeleter {
  void operator()(ssl_st* session) const;
  void operator()(ssl_ctx_st* context) const;
};
using TlsSession = std::unique_ptr<ssl_st, TlsDeleter>;

/// TLS 1.2 or newer; certificates from OpenSSL's default places, which SSL_CERT_FILE and
/// SSL_CERT_DIR replace; they are read once. Not thread-safe.
class TlsClient {
 public:
  /// A session on the connected, non-blocking `fd`, which it does not own, for a server
  /// whose certificate must name `host` (a name or a numeric address).
  /// Errors: unavailable - OpenSSL refused
  Result<TlsSession> open(int fd, const std::string& host);

 private:
  std::unique_ptr<ssl_ctx_st, TlsDeleter> context_;
};

/// Why the last call on `session` failed, from OpenSSL's queue, errno and the verification.
std::string tls_failure(ssl_st* session);

}  // namespace mimus
