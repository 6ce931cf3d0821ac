// The least of a WebSocket client: connecting, framing, taking frames apart.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

namespace load {

[[noreturn]] inline void die(const std::string& why) {
  std::fprintf(stderr, "channels_load: %s\n", why.c_str());
  std::exit(1);
}

/// Seconds, on the clock that the kernel stamps packets with.
inline double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

inline sockaddr_in local(int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

/// A non-blocking socket.
inline int connected(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = local(port);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    die(std::string("cannot connect: ") + std::strerror(errno));
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/// Has the kernel note when bytes come.
inline void stamp(int fd, bool on) {
  const int value = on ? 1 : 0;
  if (::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &value, sizeof value) != 0) die("no timestamps");
}

/// As recv; `at` is when the last of the bytes came, or now if they bear no stamp.
inline ssize_t receive(int fd, char* to, std::size_t size, double& at) {
  iovec part{to, size};
  alignas(cmsghdr) std::array<char, 64> control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(fd, &message, 0);
  if (n < 0) return n;
  at = 0;
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamped{};
    std::memcpy(&stamped, CMSG_DATA(one), sizeof stamped);
    at = static_cast<double>(stamped.tv_sec) + static_cast<double>(stamped.tv_nsec) * 1e-9;
  }
  if (at == 0) at = now();
  return n;
}

/// A client's frame with a whole payload.
inline std::string framed(unsigned char opcode, std::string_view payload) {
  constexpr std::array<char, 4> mask{0x11, 0x22, 0x33, 0x44};
  std::string out;
  out += static_cast<char>(0x80 | opcode);
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  }
  out.append(mask.data(), mask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

struct Frame {
  std::size_t size = 0;  ///< Of all of it; 0: it is not whole yet.
  unsigned opcode = 0;
  std::string_view payload{};
};

/// What a server's bytes begin with.
inline Frame first_frame(std::string_view input) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(input[at]); };
  if (input.size() < 2) return {};
  std::size_t head = 2, size = byte(1) & 0x7f;
  if (size >= 126) {
    const std::size_t digits = size == 126 ? 2 : 8;
    head += digits;
    if (input.size() < head) return {};
    size = 0;
    for (std::size_t i = 2; i < head; ++i) size = size << 8 | byte(i);
  }
  if (input.size() < head + size) return {};
  return {head + size, byte(0) & 0x0fu, input.substr(head, size)};
}

}  // namespace load
