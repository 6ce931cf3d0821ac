// A namespace of a Socket.IO client, relayed to one of a real Socket.IO server.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "host/channel/server_side.h"
#include "host/channel/socket_packet.h"

namespace mimus {

/// Speaks Engine.IO 4 over WebSocket and Socket.IO protocol 5 to the server, a connection of its own
/// for each channel. Acknowledgements go under the ids that the asking side chose; those that the
/// server chose are moved beyond all that plugins may have chosen on the client's side.
class SocketRelay final : public ServerSide, private SocketDecoder::Packets, private Timer {
 public:
  /// See make_relay.
  SocketRelay(Channel& channel, Loop& loop, Upstream& upstream, WebSocketTarget target,
              const ChannelOptions& options);
  ~SocketRelay() override;

  void on_message(bool, std::string_view) override {}
  void on_event(const IncomingEvent& event) override;
  void on_flushed() override {}

 private:
  void on_connected() override {}
  void on_server_message(bool binary, std::string_view data) override;
  void on_server_gone(int code, std::string_view reason) override;
  void on_packet(const SocketPacket& packet) override;

  void take(bool binary, std::string_view message);
  void connected();
  void send(EngineMessages& messages);
  void send_packet(SocketType type, std::string_view payload);
  void end(int code, std::string_view reason);

  Loop& loop_;
  const std::string ns_;
  SocketDecoder decoder_;
  bool connected_ = false, ended_ = false;
  std::vector<EngineMessages> early_;  ///< Events that came before the server had let us in.
  std::size_t early_bytes_ = 0;
};

}  // namespace mimus
