// Client sessions of OpenSSL: certificate and name are always checked.
#include "host/upstream/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <system_error>

#include "host/upstream/address.h"

namespace mimus {
namespace {

Error refused(const char* doing) {
  const unsigned long code = ERR_get_error();
  const char* const reason = code ? ERR_reason_error_string(code) : nullptr;
  return {Code::unavailable, std::string("TLS: ") + doing + ": " + (reason ? reason : "refused by OpenSSL")};
}

}  // namespace

void TlsDeleter::operator()(ssl_st* session) const { SSL_free(session); }
void TlsDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<TlsSession> TlsClient::open(int fd, const std::string& host) {
  ERR_clear_error();
  if (!context_) {
    std::unique_ptr<ssl_ctx_st, TlsDeleter> made(SSL_CTX_new(TLS_client_method()));
    if (!made) return refused("no context");
    SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                     SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(made.get(), SSL_OP_NO_RENEGOTIATION);  // So that a write never waits for a read.
    SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
    if (SSL_CTX_set_default_verify_paths(made.get()) != 1) return refused("no certificates");
    context_ = std::move(made);
  }
  TlsSession session(SSL_new(context_.get()));
  if (!session || SSL_set_fd(session.get(), fd) != 1) return refused("no session");
  static constexpr unsigned char http1[] = "\x08http/1.1";
  SSL_set_alpn_protos(session.get(), http1, sizeof http1 - 1);
  std::string name = host;
  if (!name.empty() && name.back() == '.') name.pop_back();
  SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  bool named = false;
  if (const auto address = Address::parse(name)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), address->text().c_str()) == 1;
  } else {
    named = SSL_set1_host(session.get(), name.c_str()) == 1 &&
            SSL_set_tlsext_host_name(session.get(), name.c_str()) == 1;
  }
  if (!named) return refused("no host name");
  SSL_set_connect_state(session.get());
  return session;
}

std::string tls_failure(ssl_st* session) {
  const int saved_errno = errno;
  if (const long verified = SSL_get_verify_result(session); verified != X509_V_OK) {
    return std::string("certificate: ") + X509_verify_cert_error_string(verified);
  }
  if (const unsigned long code = ERR_get_error()) {
    const char* const reason = ERR_reason_error_string(code);
    return std::string("TLS: ") + (reason ? reason : "unknown error");
  }
  return saved_errno != 0 ? std::generic_category().message(saved_errno) : "TLS: broken off";
}

}  // namespace mimus
