// Listening sockets: bound alone first, so that an address in use is an error.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "host/net/server.h"
#include "host/net/unix_socket.h"

namespace mimus {
namespace {

constexpr int backlog = 4096;
constexpr int bind_tries = 26;
constexpr int bind_pause_ms = 20;
// What the kernel takes of an answer beyond what is on its way: without it, up to 4 MiB for
// each client that does not read, and a slow reader shows progress only every megabyte or so.
constexpr int max_unsent = 256 << 10;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error refused(const std::string& address, const char* what) {
  if (errno == EADDRINUSE) {
    return {Code::conflict, address + " is in use; stop what listens there, or choose another address"};
  }
  return {Code::unavailable, "cannot " + std::string(what) + " " + address + ": " + std::strerror(errno)};
}

struct TcpAddress {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Result<TcpAddress> parse_tcp(const std::string& text) {
  const auto fault = [&text](const char* why) {
    std::string message(1, '"');
    message.append(text).append("\" is no address to listen on: ").append(why);
    return invalid(message + "; write ADDR:PORT, [ADDR]:PORT or unix:PATH");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return fault("it has no port");
  std::string host = text.substr(0, colon);
  unsigned port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc() || stop != end || port > 65535)
    return fault("its port is not a number up to 65535");
  TcpAddress out;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out.address);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    out.size = sizeof v6;
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) == 1) return out;
    return fault("it holds no IPv6 address between its brackets");
  }
  if (host == "localhost") host = "127.0.0.1";
  auto& v4 = reinterpret_cast<sockaddr_in&>(out.address);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<std::uint16_t>(port));
  out.size = sizeof v4;
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) return out;
  return fault("its host is no numeric address");
}

void set(int fd, int level, int option, int value = 1) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

/// Binds and listens once. errno tells of a failure.
Socket bound(const TcpAddress& at, bool shared) {
  Socket socket(::socket(at.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return socket;
  set(socket.get(), SOL_SOCKET, SO_REUSEADDR);  // Past the remains of old connections only.
  // Accepted sockets inherit these.
  set(socket.get(), IPPROTO_TCP, TCP_NODELAY);
  set(socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, max_unsent);
  if (shared) set(socket.get(), SOL_SOCKET, SO_REUSEPORT);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at.address), at.size) == 0 &&
      ::listen(socket.get(), backlog) == 0) {
    return socket;
  }
  const int reason = errno;
  ::close(socket.release());
  errno = reason;
  return socket;
}

std::string url_of(const TcpAddress& at) {
  char text[INET6_ADDRSTRLEN] = "";
  if (at.address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(at.address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "http://[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(at.address);
  ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  return "http://" + std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
}

Result<Listener> listen_tcp(const std::string& address, unsigned sockets) {
  auto parsed = parse_tcp(address);
  if (!parsed) return parsed.error();
  TcpAddress at = *parsed;
  // The first binds without SO_REUSEPORT: with it, a second host on the same port would
  // share it silently. A predecessor that was killed may need a moment to die.
  Socket first = bound(at, false);
  for (int left = bind_tries; first.get() < 0 && errno == EADDRINUSE && --left > 0;) {
    ::poll(nullptr, 0, bind_pause_ms);
    first = bound(at, false);
  }
  if (first.get() < 0) return refused(address, "listen on");
  // The kernel looks at the option of both sockets when the second is bound, so it may be
  // switched on now; the first then joins their group.
  set(first.get(), SOL_SOCKET, SO_REUSEPORT);
  at.size = sizeof at.address;
  ::getsockname(first.get(), reinterpret_cast<sockaddr*>(&at.address), &at.size);
  std::vector<Socket> all;
  all.push_back(std::move(first));
  while (all.size() < sockets) {
    Socket next = bound(at, true);
    if (next.get() < 0) return refused(address, "listen on");
    all.push_back(std::move(next));
  }
  Listener out;
  out.url = url_of(at);
  for (Socket& socket : all) out.fds.push_back(socket.release());
  return out;
}

Result<Listener> listen_unix(const std::string& address) {
  const std::string path = address.substr(5);
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return refused(address, "make a socket for");
  ::fchmod(socket.get(), 0600);  // The file is made with the socket's mode: it is never open to others.
  int bind_failed = bind_unix(socket.get(), path);
  if (bind_failed && errno == EADDRINUSE) {
    const Socket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    struct stat file {};
    const bool stale = connect_unix(probe.get(), path) != 0 && errno == ECONNREFUSED &&
                       ::lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode) &&
                       ::unlink(path.c_str()) == 0;
    errno = EADDRINUSE;
    if (stale) bind_failed = bind_unix(socket.get(), path);
  }
  if (bind_failed && (errno == EINVAL || errno == ENAMETOOLONG)) {
    return invalid("\"" + address + "\" names no Unix socket: its path is empty, or the last part too long");
  }
  if (bind_failed || ::chmod(path.c_str(), 0600) != 0 || ::listen(socket.get(), backlog) != 0) {
    return refused(address, "listen on");
  }
  Listener out;
  out.url = address;
  out.fds.push_back(socket.release());
  return out;
}

}  // namespace

Result<Listener> listen_on(const std::string& address, unsigned sockets) {
  return address.starts_with("unix:") ? listen_unix(address) : listen_tcp(address, sockets);
}

}  // namespace mimus
