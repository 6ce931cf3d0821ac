// One namespace of a Socket.IO client: a channel on the endpoint of that path.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "host/channel/base_channel.h"
#include "host/channel/door.h"
#include "host/channel/engine.h"
#include "host/channel/socket_packet.h"

namespace mimus {

/// Owned by its client, known to its table until one of the two ends.
class NamespaceChannel final : public BaseChannel {
 public:
  class Owner {
   public:
    /// It was closed from this side, or cannot send: it is to be destroyed, but not from within.
    virtual void on_channel_ended() = 0;

   protected:
    ~Owner() = default;
  };

  /// What it remembers, each: acknowledgements that it owes, and that it awaits. Beyond that the
  /// oldest are forgotten.
  static constexpr std::size_t max_acknowledgements = 1024;

  /// All must outlive it.
  NamespaceChannel(ChannelTable& channels, Admitted admitted, EngineSession& session, Owner& owner);
  ~NamespaceChannel() override;

  /// Tells the client its id, and opens.
  void start();
  /// An event or an acknowledgement. Ignored once it is closed.
  void take(const SocketPacket& packet);
  /// The client has left; with 0 it did not say why. Nothing is sent any more.
  void end(int code, std::string_view reason);

  /// The client is told that it is out, but neither code nor reason; and that it should come back,
  /// by the session's end, with 1012.
  void close(int code, std::string_view reason) override;
  bool fault(ChannelFault how, std::uint64_t value) override;

 private:
  Sent transmit(Outgoing& message) override;
  void disarm() override {}
  std::uint64_t bytes_out() const override { return bytes_out_; }
  bool say(SocketType type, std::string_view payload);
  bool send_all(EngineMessages& messages);

  EngineSession& session_;
  Owner& owner_;
  std::uint64_t bytes_out_ = 0;
  std::vector<std::int64_t> owed_, awaited_;  ///< Ids, oldest first.
};

}  // namespace mimus
