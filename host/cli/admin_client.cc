#include "host/cli/admin_client.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>
#include <memory>

#include "host/net/unix_socket.h"
#include "host/upstream/tls.h"

namespace mimus {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t max_answer_bytes = 64 << 20;
constexpr timeval patience{600, 0};

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }
  int get() const { return fd_; }

  /// TLS from now on; the certificate must name `host`.
  Status secure(const std::string& at, const std::string& host) {
    auto opened = tls_client_.open(fd_, host);
    if (!opened) return opened.error();
    tls_ = *std::move(opened);
    if (SSL_do_handshake(tls_.get()) == 1) return Done{};
    return Error{Code::unavailable, at + ": " + tls_failure(tls_.get()) +
                                        "; SSL_CERT_FILE names the authorities that are believed"};
  }

  /// As send and recv.
  ssize_t write(std::string_view bytes) {
    if (!tls_) return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    std::size_t written = 0;
    return SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written) == 1 ? static_cast<ssize_t>(written)
                                                                               : -1;
  }
  ssize_t read(char* to, std::size_t size) {
    if (!tls_) return ::recv(fd_, to, size, 0);
    std::size_t got = 0;
    const int returned = SSL_read_ex(tls_.get(), to, size, &got);
    if (returned == 1) return static_cast<ssize_t>(got);
    return SSL_get_error(tls_.get(), returned) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
  }

 private:
  int fd_;
  TlsClient tls_client_;
  TlsSession tls_;
};

using Connected = Result<std::unique_ptr<Connection>>;

Error nobody(const std::string& at) {
  return {Code::not_found, "no host answers at " + at + ": " + std::strerror(errno)};
}

Connected connect_local(const std::string& at) {
  auto out = std::make_unique<Connection>(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect_unix(out->get(), at.substr(5)) != 0) return nobody(at);
  return out;
}

Connected connect_tcp(const std::string& at, const std::string& authority, bool tls) {
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  std::string host = authority.substr(0, has_port ? colon : authority.npos);
  const std::string port = has_port ? authority.substr(colon + 1) : tls ? "443" : "80";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int wrong = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); wrong != 0) {
    return invalid(at + ": " + ::gai_strerror(wrong));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    auto out = std::make_unique<Connection>(
        ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol));
    if (::connect(out->get(), one->ai_addr, one->ai_addrlen) != 0) continue;
    if (Status secured = tls ? out->secure(at, host) : Status(Done{}); !secured)
      return std::move(secured).error();
    return out;
  }
  return nobody(at);
}

Status send_all(Connection& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = connection.write(bytes);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0)
      return Error{Code::unavailable, std::string("the host went away: ") + std::strerror(errno)};
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return Done{};
}

Result<AdminReply> read_reply(Connection& connection) {
  std::string bytes;
  char chunk[16384];
  for (;;) {  // "Connection: close" was asked for: all there is until the end is the answer
    const ssize_t size = connection.read(chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0)
      return Error{Code::unavailable, std::string("the host does not answer: ") + std::strerror(errno)};
    if (size == 0) break;
    bytes.append(chunk, static_cast<std::size_t>(size));
    if (bytes.size() > max_answer_bytes)
      return Error{Code::unavailable, "the host's answer is larger than 64 MiB"};
  }
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(max_answer_bytes);
  boost::system::error_code wrong;
  const std::size_t used = parser.put(boost::asio::buffer(bytes), wrong);
  if (!wrong && !parser.is_done() && used == bytes.size()) parser.put_eof(wrong);
  if (wrong || !parser.is_done())
    return Error{Code::unavailable, "the host's answer is no complete HTTP message"};
  return AdminReply{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

}  // namespace

Result<AdminReply> admin_request(const std::string& at, const std::string& token, std::string_view method,
                                 const std::string& path, const std::string& body) {
  constexpr std::string_view schemes[] = {"http://", "https://"};
  const auto hidden = [](char c) { return c <= ' ' || c == 0x7F; };
  if (std::any_of(token.begin(), token.end(), hidden))
    return invalid("the admin token holds a space or control character");
  std::string authority = "localhost";
  const bool tls = at.starts_with(schemes[1]), tcp = tls || at.starts_with(schemes[0]);
  if (tcp) {
    const std::size_t begin = schemes[tls ? 1 : 0].size();
    authority = at.substr(begin, at.find('/', begin) - begin);
  } else if (!at.starts_with("unix:")) {
    return invalid("\"" + at + "\" is no admin URL: write http://ADDR:PORT, https://NAME:PORT or unix:PATH");
  }
  if (authority.empty() || std::any_of(authority.begin(), authority.end(), hidden))
    return invalid(at + " has no host");
  const Connected connection = tcp ? connect_tcp(at, authority, tls) : connect_local(at);
  if (!connection) return connection.error();
  std::string request = std::string(method) + " " + path + " HTTP/1.1\r\nHost: " + authority +
                        "\r\nAuthorization: Bearer " + token + "\r\nConnection: close\r\n";
  if (!body.empty()) {
    request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request += "\r\n" + body;
  if (const Status sent = send_all(**connection, request); !sent) return sent.error();
  return read_reply(**connection);
}

}  // namespace mimus
