// Connections driven in the caller's own thread over socket pairs: no threads, no waiting,
// so that every run is the same.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/net/connection.h"

namespace mimus {

/// A worker without its thread. One client at a time; the next takes its place.
class SyncHost final : public Commons {
 public:
  SyncHost(const Limits& limits_of_host, std::unique_ptr<Service> answers)
      : Commons(own_loop, own_limits), own_limits(limits_of_host), own_loop(0, clock) {
    service = std::move(answers);
    stopper_.run = [](Post& post) { static_cast<Stopper&>(post).loop->stop(); };
    stopper_.loop = &own_loop;
  }
  ~SyncHost() override {
    leave();
    service.reset();
  }

  /// A new client; what the last one received is forgotten. `send_buffer`: how much the kernel
  /// takes from the host at once, 0 for its own choice.
  void connect(int send_buffer = 0) {
    leave();
    received_.clear();
    ended_ = false;
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    client_ = ends[0];
    if (send_buffer) ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    connection_ = std::make_unique<Connection>(*this, ends[1], Origin{"192.0.2.1"});
    if (!connection_->start()) std::abort();
  }

  /// Sends and lets the host take a turn. What a closed connection is sent is lost.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    turn();
  }
  void end_sending() {
    ::shutdown(client_, SHUT_WR);
    turn();
  }

  /// One turn of the loop without waiting, then everything that came is received.
  void turn() {
    run_once();
    char bytes[16 << 10];
    ssize_t n = 0;
    while ((n = ::recv(client_, bytes, sizeof bytes, 0)) > 0)
      received_.append(bytes, static_cast<std::size_t>(n));
    ended_ = ended_ || n == 0 || errno != EAGAIN;
  }

  /// Turns until nothing more comes.
  void settle() {
    for (std::size_t before = 0, calm = 0; calm < 2; calm = received_.size() == before ? calm + 1 : 0) {
      before = received_.size();
      turn();
    }
  }

  /// The client hangs up, and the connection is gone.
  void leave() {
    if (client_ >= 0) {
      ::close(std::exchange(client_, -1));
      run_once();
    }
    if (connection_) connection_->cut();
    run_once();  // A connection that waited for its turn is buried in it.
  }

  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }  ///< The host has shut its direction, or all.
  bool alive() const { return connection_ != nullptr; }

  void bury(Connection& connection) override {
    if (&connection != connection_.get()) std::abort();
    buried_ = std::move(connection_);
  }
  Commons* peer(unsigned) override { return nullptr; }
  void give_away(Connection&) override { std::abort(); }
  void take_in(Connection&) override { std::abort(); }

  FakeClock clock;
  Limits own_limits;
  Loop own_loop;

 private:
  struct Stopper : Post {
    Loop* loop = nullptr;
  } stopper_;

  void run_once() {
    own_loop.defer(stopper_);
    own_loop.run();
    if (buried_) buried_->bid_farewell();
    buried_.reset();
  }

  int client_ = -1;
  bool ended_ = false;
  std::string received_;
  std::unique_ptr<Connection> connection_, buried_;
};

/// One answer as a client sees it.
struct Answer {
  int status = 0;
  std::string head, body;
  bool whole = false;  ///< Head and body are all there.

  /// A field's value, or "" if it has none.
  std::string_view field(std::string_view name) const {
    const std::string line = std::string("\r\n").append(name).append(": ");
    const std::size_t at = head.find(line);
    if (at == head.npos) return {};
    const std::string_view rest = std::string_view(head).substr(at + line.size());
    return rest.substr(0, rest.find("\r\n"));
  }
};

/// Takes the next answer off the front of `bytes`; interim answers are skipped. `head_only`:
/// it is to a HEAD request.
inline Answer take_answer(std::string_view& bytes, bool head_only) {
  Answer out;
  do {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == bytes.npos || !bytes.starts_with("HTTP/1.1 ") || end < 12) return out;
    out.head = bytes.substr(0, end + 2);
    out.status = std::stoi(out.head.substr(9, 3));
    bytes.remove_prefix(end + 4);
  } while (out.status == 100);
  const bool bodiless = head_only || out.status < 200 || out.status == 204 || out.status == 304;
  const std::string_view length = out.field("Content-Length");
  if (bodiless) {
    out.whole = true;
  } else if (!length.empty()) {
    const std::size_t size = std::stoul(std::string(length));
    out.whole = bytes.size() >= size;
    out.body = bytes.substr(0, size);
    bytes.remove_prefix(out.body.size());
  } else if (out.field("Transfer-Encoding") == "chunked") {
    BodyReader reader;
    reader.start_chunked();
    Bytes body;
    out.whole = reader.read(bytes, &body, UINT64_MAX) == BodyReader::State::end;
    out.body = body.view();
  } else {  // To the end of the connection.
    out.whole = true;
    out.body = std::exchange(bytes, {});
  }
  return out;
}

}  // namespace mimus
