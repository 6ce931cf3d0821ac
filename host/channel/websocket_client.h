// A WebSocket to a real server, from the client's side (RFC 6455), without extensions.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/channel/framing.h"
#include "host/net/loop.h"
#include "host/upstream/upstream.h"

namespace mimus {

/// Where to, and what to say in the handshake.
struct WebSocketTarget {
  Url url;
  /// Fields that are the protocol's are left out.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string subprotocol;                  ///< To offer, or "".
  std::chrono::milliseconds timeout{5000};  ///< Connect, TLS and the handshake; and of a goodbye.
};

struct WebSocketLimits {
  std::size_t max_message_bytes = 1 << 20;
  std::chrono::milliseconds ping_interval{25'000};  ///< A silent server is pinged …
  std::chrono::milliseconds ping_timeout{20'000};   ///< … and given up if it stays silent.
};

/// Answers pings itself. On its loop. Tells its user nothing from within its constructor.
class WebSocketClient final : private UpstreamReceiver, private FrameReader::Events, private Timer {
 public:
  /// None of them may destroy the client.
  class User {
   public:
    virtual void on_connected() = 0;
    virtual void on_server_message(bool binary, std::string_view payload) = 0;
    /// Nothing that was sent waits any more.
    virtual void on_server_took_all() = 0;
    /// Last, unless close was called. The server's code and reason, 1005 for no code; or 1006 and in
    /// words why there is no connection.
    virtual void on_server_gone(int code, std::string_view reason) = 0;

   protected:
    ~User() = default;
  };

  /// `loop`, `upstream` and `user` must outlive it.
  WebSocketClient(Loop& loop, Upstream& upstream, const WebSocketTarget& target, WebSocketLimits limits,
                  User& user);
  ~WebSocketClient() override;  ///< As close(1001, "").
  WebSocketClient(const WebSocketClient&) = delete;
  WebSocketClient& operator=(const WebSocketClient&) = delete;

  /// Queues, without a bound; before the connection is there, too. Nothing once it has gone.
  void send(bool binary, std::string_view payload);
  std::size_t queued() const;  ///< Bytes.
  /// No messages until resume, but those that were read already.
  void pause();
  void resume();
  /// Says goodbye after what was sent, and lets it leave by itself; nothing is told any more. A code
  /// that may not be sent goes out as none. Where the connection is not there yet, it never is.
  void close(int code, std::string_view reason);

 private:
  enum class Stage : std::uint8_t { connecting, open, gone };

  void on_head(int status, std::span<const Header> headers, std::int64_t length) override;
  void on_data(std::string_view data) override;
  void on_end() override;
  void on_error(UpstreamError error, std::string_view why) override;
  void on_sent() override;
  void on_message(Opcode opcode, std::string_view payload) override;

  std::string fault_of(std::span<const Header> headers) const;
  void write(Opcode opcode, std::string_view payload);
  void say_goodbye(int code, std::string_view reason);
  void fail(std::string_view why);
  void gone(int code, std::string_view reason);
  void watch();
  std::uint32_t mask();

  Loop& loop_;
  Upstream& upstream_;
  User& user_;
  const WebSocketLimits limits_;
  const std::string key_, subprotocol_;
  FrameReader reader_;
  Upstream::Id id_ = 0;
  Stage stage_ = Stage::connecting;
  bool paused_ = false;
  bool pinged_ = false;  ///< And nothing came since.
  std::chrono::microseconds heard_{0};
  std::string early_;  ///< Frames that wait for the connection.
  std::array<std::uint32_t, 16> masks_;
  std::size_t masks_left_ = 0;
};

}  // namespace mimus
