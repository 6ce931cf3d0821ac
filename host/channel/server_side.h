// What the relays of raw and of Socket.IO clients have in common.
#pragma once

#include <string_view>

#include "host/channel/relay.h"

namespace mimus {

/// Holds the client back while the server takes less than comes, and carries an end over to either
/// side. See Relay.
class ServerSide : public Relay, protected WebSocketClient::User {
 public:
  ~ServerSide() override = default;

 protected:
  /// The server's side is closed by the derived class, which knows how to say goodbye.
  ServerSide(Channel& channel, Loop& loop, Upstream& upstream, const WebSocketTarget& target,
             const ChannelOptions& options);

  void on_server_took_all() override;
  void on_server_gone(int code, std::string_view reason) override;

  /// Called when something was sent to the server; `more` bytes wait elsewhere.
  void hold_client(std::size_t more = 0);
  /// The code that the channel was closed with, as it can be said to the server.
  int code_for_server() const;

  Channel& channel_;
  WebSocketClient server_;

 private:
  const std::size_t most_waiting_;
  bool holding_ = false;  ///< The client is.
};

}  // namespace mimus
