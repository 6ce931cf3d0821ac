// A Socket.IO client: the namespaces of one Engine.IO session.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/channel/door.h"
#include "host/channel/engine.h"
#include "host/channel/namespace_channel.h"
#include "host/channel/socket_packet.h"

namespace mimus {

struct SocketOptions {
  std::chrono::milliseconds connect_timeout{45'000};  ///< For the first namespace.
  std::size_t max_packet_bytes = 1 << 20;             ///< With its attachments.
  std::size_t max_json_depth = 100;
  std::size_t max_namespaces = 100;
};

/// Owned by its session. A client that sends what no client may, or to a namespace that it is not
/// in, has its session closed, as at the reference implementation; but not for what was on its way
/// when it was disconnected.
class SocketClient final : public EngineUser,
                           private SocketDecoder::Packets,
                           private NamespaceChannel::Owner {
 public:
  /// All must outlive it.
  SocketClient(EngineSession& session, ChannelTable& channels, Door& door, const SocketOptions& options);
  ~SocketClient() override;

  void on_message(bool binary, std::string_view data) override;
  void on_drain() override;
  void on_closed() override;

 private:
  struct Seat;
  struct Watch : Timer {
    SocketClient* client = nullptr;
  };

  void on_packet(const SocketPacket& packet) override;
  void on_channel_ended() override;

  Seat* find(std::string_view ns);
  void remove(const Seat& seat);
  void connect(const SocketPacket& packet);
  bool has_room();
  void admit(Seat& seat, Admitted admitted);
  void refuse(std::string_view ns, const Refused& refused);
  void expire();
  void sweep();
  void give_up();

  EngineSession& session_;
  ChannelTable& channels_;
  Door& door_;
  const SocketOptions options_;
  SocketDecoder decoder_;
  std::vector<std::unique_ptr<Seat>> seats_;
  bool over_ = false;
  Watch patience_;  ///< Until the first namespace.
  Watch broom_;     ///< For channels that have ended.
};

}  // namespace mimus
