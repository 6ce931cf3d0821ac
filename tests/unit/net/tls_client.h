// A TLS client that blocks, with all its records in the test's hands.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/unit/net/test_host.h"

namespace mimus {

struct SecureOptions {
  int version = 0;                      ///< Only this one; 0: the newest.
  std::string name{};                   ///< SNI.
  std::string protocols{};              ///< ALPN, as on the wire.
  std::size_t piece = SIZE_MAX;         ///< So much goes out at once.
  const TlsFiles::Pair* own = nullptr;  ///< The client's certificate.
  SSL_SESSION* session = nullptr;       ///< To resume.
  int receive_buffer = 0;               ///< Of its socket; 0: the system's choice.
};

/// Every call fails the test after 60 s rather than hang.
class SecureClient {
 public:
  explicit SecureClient(const TestHost& host, const SecureOptions& options = {})
      : socket_(host, options.receive_buffer),
        piece_(options.piece),
        context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, options.version ? options.version : TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, options.version);
    if (options.own) {
      SSL_CTX_use_certificate_file(context_, options.own->certificate.c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context_, options.own->key.c_str(), SSL_FILETYPE_PEM);
    }
    ssl_ = SSL_new(context_);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
    if (!options.name.empty()) SSL_set_tlsext_host_name(ssl_, options.name.c_str());
    if (!options.protocols.empty()) {
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(options.protocols.data()),
                          static_cast<unsigned>(options.protocols.size()));
    }
    if (options.session) SSL_set_session(ssl_, options.session);
  }
  ~SecureClient() {
    SSL_set_shutdown(ssl_,
                     SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // Or its session could not be resumed.
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  SecureClient(const SecureClient&) = delete;
  SecureClient& operator=(const SecureClient&) = delete;

  /// False: the server refused, or went away.
  bool shake_hands() {
    for (;;) {
      ERR_clear_error();
      const int returned = SSL_do_handshake(ssl_);
      push();
      if (returned == 1) return true;
      if (SSL_get_error(ssl_, returned) != SSL_ERROR_WANT_READ || !pull()) return false;
    }
  }

  void send(std::string_view text) {
    ERR_clear_error();
    std::size_t written = 0;
    EXPECT_EQ(SSL_write_ex(ssl_, text.data(), text.size(), &written), 1);
    EXPECT_EQ(written, text.size());
    push();
  }
  void say_goodbye() {
    SSL_shutdown(ssl_);
    push();
  }

  /// Exactly `size` bytes, or fewer if the connection ends.
  std::string receive(std::size_t size) {
    while (got_.size() < size && more()) {
    }
    return take(size);
  }
  std::string receive_to(std::string_view mark) {
    for (;;) {
      const std::size_t at = got_.find(mark);
      if (at != got_.npos) return take(at + mark.size());
      if (!more()) return take(got_.size());
    }
  }
  std::string receive_all() {
    while (more()) {
    }
    return take(got_.size());
  }
  /// Head and body of one answer with Content-Length.
  std::string answer() {
    const std::string head = receive_to("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    return head + (at == head.npos ? "" : receive(std::stoul(head.substr(at + 16))));
  }
  /// After receive_all: the server ended with close_notify.
  bool was_told_goodbye() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }

  /// The common name of the server's certificate.
  std::string server_name() const {
    X509* const certificate = SSL_get1_peer_certificate(ssl_);
    char name[256] = "";
    if (certificate)
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    X509_free(certificate);
    return name;
  }

  ssl_st* get() { return ssl_; }
  Client& socket() { return socket_; }
  void push() {
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(out_, &data));
    for (std::string_view left(data, size); !left.empty();) {
      const std::string_view piece = left.substr(0, piece_);
      if (::send(socket_.fd(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
      left.remove_prefix(piece.size());
    }
    (void)BIO_reset(out_);
  }

 private:
  bool pull() {
    char bytes[65536];
    const ssize_t n = ::recv(socket_.fd(), bytes, sizeof bytes, 0);
    EXPECT_FALSE(n < 0 && errno == EAGAIN) << "nothing came for 60 s";
    if (n > 0) BIO_write(in_, bytes, static_cast<int>(n));
    return n > 0;
  }
  bool more() {
    for (;;) {
      char bytes[65536];
      ERR_clear_error();
      std::size_t n = 0;
      const int returned = SSL_read_ex(ssl_, bytes, sizeof bytes, &n);
      push();
      if (returned == 1) {
        got_.append(bytes, n);
        return true;
      }
      if (SSL_get_error(ssl_, returned) != SSL_ERROR_WANT_READ || !pull()) return false;
    }
  }
  std::string take(std::size_t size) {
    std::string out = got_.substr(0, size);
    got_.erase(0, out.size());
    return out;
  }

  Client socket_;
  std::size_t piece_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  BIO *in_ = nullptr, *out_ = nullptr;
  std::string got_;
};

}  // namespace mimus
