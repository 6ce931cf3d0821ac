// A session of OpenSSL on our own socket BIO.
#include "host/net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

namespace mimus {
namespace {

/// What SSL_get_error looks at must be about the call that failed. Usually there is nothing.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

/// The BIO is ours for MSG_NOSIGNAL: OpenSSL's would raise SIGPIPE.
struct TlsStream::Socket {
  static TlsStream& stream(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int receive(BIO* bio, char* to, int size) {
    TlsStream& self = stream(bio);
    BIO_clear_retry_flags(bio);
    if (self.renegotiates_) return -1;
    const ssize_t n = ::recv(self.fd_, to, static_cast<std::size_t>(size), 0);
    if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    return static_cast<int>(n);
  }

  static int send(BIO* bio, const char* from, int size) {
    TlsStream& self = stream(bio);
    BIO_clear_retry_flags(bio);
    const ssize_t n = ::send(self.fd_, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (n > 0) self.sent_ += static_cast<std::uint64_t>(n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(n);
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
  }

  static void note(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT && (value & 0xff) == SSL_AD_NO_RENEGOTIATION) {
      static_cast<TlsStream*>(SSL_get_app_data(ssl))->renegotiates_ = true;
    }
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* const out = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "mimus socket");
      if (out == nullptr) return out;
      BIO_meth_set_read(out, receive);
      BIO_meth_set_write(out, send);
      BIO_meth_set_ctrl(out, control);
      return out;
    }();
    return made;
  }
};

std::unique_ptr<TlsStream> TlsStream::accept(ssl_ctx_st* context, int fd) {
  std::unique_ptr<TlsStream> out(new TlsStream(fd));
  forget_errors();
  out->ssl_ = SSL_new(context);
  if (out->ssl_ == nullptr || Socket::method() == nullptr) return nullptr;
  BIO* const bio = BIO_new(Socket::method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, out.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(out->ssl_, bio, bio);
  SSL_set_app_data(out->ssl_, out.get());
  SSL_set_info_callback(out->ssl_, Socket::note);
  SSL_set_accept_state(out->ssl_);
  return out;
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

TlsStream::Outcome TlsStream::outcome(int returned) {
  wants_write_ = false;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      if (!renegotiates_) return Outcome::blocked;
      break;
    case SSL_ERROR_WANT_WRITE:
      wants_write_ = true;
      return Outcome::blocked;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::ended;
    default:
      break;
  }
  broken_ = true;
  return Outcome::failed;
}

TlsStream::Outcome TlsStream::shake_hands() {
  forget_errors();
  const int returned = SSL_do_handshake(ssl_);
  if (returned != 1) return outcome(returned);
  wants_write_ = false;
  established_ = true;
  more_ = SSL_has_pending(ssl_) == 1;
  return Outcome::done;
}

TlsStream::Read TlsStream::read(char* to, std::size_t size) {
  Read out;
  while (out.bytes < size) {
    forget_errors();
    std::size_t n = 0;
    if (const int returned = SSL_read_ex(ssl_, to + out.bytes, size - out.bytes, &n); returned != 1) {
      more_ = false;
      out.outcome = outcome(returned);
      return out;
    }
    out.bytes += n;
    more_ = SSL_has_pending(ssl_) == 1;
    if (!more_) break;
  }
  wants_write_ = false;
  return out;
}

TlsStream::Written TlsStream::write(std::string_view data) {
  Written out;
  forget_errors();
  const int returned = SSL_write_ex(ssl_, data.data(), data.size(), &out.bytes);
  write_wants_read_ = false;
  if (returned == 1) return out;
  out.bytes = 0;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      write_wants_read_ = true;
      out.outcome = Outcome::blocked;
      return out;
    case SSL_ERROR_WANT_WRITE:
      out.outcome = Outcome::blocked;
      return out;
    default:
      broken_ = true;
      out.outcome = Outcome::failed;
      return out;
  }
}

bool TlsStream::say_goodbye() {
  if (said_goodbye_ || broken_ || !established_) return true;
  forget_errors();
  // 0 is success: ours is out, theirs we don't wait for.
  const int returned = SSL_shutdown(ssl_);
  said_goodbye_ = returned >= 0 || outcome(returned) != Outcome::blocked;
  if (said_goodbye_) wants_write_ = false;
  return said_goodbye_;
}

}  // namespace mimus
