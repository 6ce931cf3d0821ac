// Sockets and TLS sessions, made to look alike.
#include "host/upstream/wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace mimus {
namespace {

std::string message_of(int error) { return std::generic_category().message(error); }

int connect_to(int fd, const Address& address, std::uint16_t port) {
  if (address.v6) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    std::memcpy(&to.sin6_addr, address.bytes.data(), 16);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  std::memcpy(&to.sin_addr, address.bytes.data(), 4);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Result<std::unique_ptr<Wire>> Wire::connect(Loop& loop, const Address& address, std::uint16_t port,
                                            TlsClient* tls, const std::string& host, Listener& listener) {
  const int fd = ::socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error{Code::unavailable, message_of(errno)};
  auto wire = std::unique_ptr<Wire>(new Wire(loop, fd, tls, host, listener));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect_to(fd, address, port) != 0 && errno != EINPROGRESS)
    return Error{Code::unavailable, message_of(errno)};
  wire->watch_ = loop.watch(fd, Interest::write, *wire);
  if (wire->watch_ == 0) return Error{Code::unavailable, "the loop cannot watch the connection"};
  return wire;
}

Wire::Wire(Loop& loop, int fd, TlsClient* tls, const std::string& host, Listener& listener)
    : loop_(loop), fd_(fd), tls_(tls), host_(host), listener_(&listener) {}

Wire::~Wire() {
  loop_.unwatch(watch_);
  if (session_ && stage_ == Stage::open) {
    ERR_clear_error();
    SSL_shutdown(session_.get());
  }
  session_.reset();
  ::close(fd_);
}

void Wire::on_ready(Ready ready) {
  switch (stage_) {
    case Stage::connecting:
      return check_connected(ready);
    case Stage::handshake:
      return handshake();
    case Stage::open:
      return listener_->on_wire_ready(ready);
    case Stage::failed:
      return deaf();
  }
}

void Wire::check_connected(Ready ready) {
  if (const int error = pending_error(fd_)) return fail(message_of(error));
  if (!ready.write) return fail("the connection broke off");
  if (!tls_) {
    stage_ = Stage::open;
    return listener_->on_wire_open();
  }
  auto session = tls_->open(fd_, host_);
  if (!session) return fail(session.error().message);
  session_ = std::move(*session);
  stage_ = Stage::handshake;
  handshake();
}

void Wire::handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_connect(session_.get());
  if (result == 1) {
    stage_ = Stage::open;
    return listener_->on_wire_open();
  }
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return set_interest(Interest::read);
    case SSL_ERROR_WANT_WRITE:
      return set_interest(Interest::write);
    default:
      return fail(tls_failure(session_.get()));
  }
}

void Wire::fail(std::string why) {
  stage_ = Stage::failed;
  listener_->on_wire_failed(std::move(why));
}

Wire::Moved Wire::read(std::span<char> into) {
  if (stage_ == Stage::failed) return {Outcome::broken};
  if (session_) {
    ERR_clear_error();
    errno = 0;
    tls_wants_write_ = false;
    std::size_t bytes = 0;
    const int result = SSL_read_ex(session_.get(), into.data(), into.size(), &bytes);
    return tls_moved(result, bytes);
  }
  const ssize_t bytes = ::recv(fd_, into.data(), into.size(), 0);
  if (bytes > 0) return {Outcome::moved, static_cast<std::size_t>(bytes)};
  if (bytes == 0) return {Outcome::ended};
  if (errno == EAGAIN || errno == EINTR) return {Outcome::would_block};
  why_ = message_of(errno);
  return {Outcome::broken};
}

Wire::Moved Wire::write(std::string_view data) {
  if (stage_ == Stage::failed) return {Outcome::broken};
  if (session_) {
    ERR_clear_error();
    errno = 0;
    std::size_t bytes = 0;
    const int result = SSL_write_ex(session_.get(), data.data(), data.size(), &bytes);
    return tls_moved(result, bytes);
  }
  const ssize_t bytes = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
  if (bytes >= 0) return {Outcome::moved, static_cast<std::size_t>(bytes)};
  if (errno == EAGAIN || errno == EINTR) return {Outcome::would_block};
  why_ = message_of(errno);
  return {Outcome::broken};
}

Wire::Moved Wire::tls_moved(int result, std::size_t bytes) {
  if (result == 1) return {Outcome::moved, bytes};
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Outcome::would_block};
    case SSL_ERROR_WANT_WRITE:
      tls_wants_write_ = true;
      return {Outcome::would_block};
    case SSL_ERROR_ZERO_RETURN:
      return {Outcome::ended};
    default:
      break;
  }
  why_ = tls_failure(session_.get());
  stage_ = Stage::failed;  // OpenSSL forbids a shutdown after a fatal error.
  return {Outcome::broken};
}

void Wire::want(bool read, bool write) {
  write = write || tls_wants_write_;
  set_interest(read ? (write ? Interest::both : Interest::read) : (write ? Interest::write : Interest::none));
}

void Wire::set_interest(Interest interest) {
  if (watch_ == 0) {
    watch_ = loop_.watch(fd_, interest, *this);
  } else {
    loop_.rewatch(watch_, interest);
  }
}

void Wire::deaf() {
  loop_.unwatch(watch_);
  watch_ = 0;
}

bool Wire::looks_dead() const {
  char byte = 0;
  const ssize_t bytes = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return bytes >= 0 || errno != EAGAIN;
}

}  // namespace mimus
