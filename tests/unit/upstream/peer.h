// A scripted upstream on loopback, in a thread of its own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "gtest/gtest.h"

namespace mimus {

/// A blocking connection of the peer's. Waits 60 s at most, then reads as ended.
class PeerSocket {
 public:
  explicit PeerSocket(int fd) : fd_(fd) {
    const timeval limit{60, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  ~PeerSocket() { close(); }
  PeerSocket(const PeerSocket&) = delete;
  PeerSocket& operator=(const PeerSocket&) = delete;

  int fd() const { return fd_; }

  /// The head of the next request and `body` bytes after it; "" at the end.
  std::string request(std::size_t body = 0) {
    std::string text;
    std::size_t end = std::string::npos;
    char byte;
    while (end == std::string::npos || text.size() < end + 4 + body) {
      if (::recv(fd_, &byte, 1, 0) != 1) return "";
      text += byte;
      if (end == std::string::npos) end = text.find("\r\n\r\n");
    }
    return text;
  }
  /// False: the client has gone.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// Answers the next request.
  void serve(std::string_view answer) {
    request();
    send(answer);
  }
  /// Waits until the client has closed.
  bool ended() {
    char byte;
    return ::recv(fd_, &byte, 1, 0) <= 0;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// The same, and returns once the client's system has heard of it.
  void close_heard() {
    ::shutdown(fd_, SHUT_WR);
    tcp_info info{};
    do {
      socklen_t size = sizeof info;
      ASSERT_EQ(::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    } while (info.tcpi_state == TCP_FIN_WAIT1);
    close();
  }

 private:
  int fd_;
};

/// A port of 127.0.0.1 that refuses connections, and that no other process takes meanwhile.
class ClosedPort {
 public:
  ClosedPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    number_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { ::close(fd_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;

  std::uint16_t number() const { return number_; }

 private:
  int fd_;
  std::uint16_t number_ = 0;
};

/// Listens on 127.0.0.1; what it does is `script`, which accepts as it likes.
class Peer {
 public:
  explicit Peer(std::function<void(Peer&)> script) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, run = std::move(script)] { run(*this); });
  }
  ~Peer() {
    ::shutdown(listener_, SHUT_RDWR);  // Ends an accept that waits in vain.
    thread_.join();
    ::close(listener_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  int accept() { return ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); }
  std::uint16_t port() const { return port_; }
  std::string url(std::string_view path = "/", std::string_view host = "127.0.0.1", bool tls = false) const {
    return (tls ? "https://" : "http://") + std::string(host) + ":" + std::to_string(port_) +
           std::string(path);
  }

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace mimus
