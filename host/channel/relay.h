// A real server behind a channel: what the client sends goes there, and what that sends to the client.
#pragma once

#include <memory>
#include <string_view>

#include "host/channel/channels.h"
#include "host/channel/websocket_client.h"

namespace mimus {

/// On its channel's loop. What passes between client and server keeps its order; what the client
/// sends before the server can be reached waits. A side that reads slowly is not read from faster.
/// Where the server closes or is lost, the channel is closed: with its code, or with 1014. A Socket.IO
/// client is closed with 1000 or 1008 where the server disconnects or refuses it, and it stays away; with
/// 1012 or 1014 where the server ends the session, is lost or not there, and it comes back.
class Relay {
 public:
  virtual ~Relay() = default;  ///< Closes the server's side with what the channel was closed with.
  /// The client's messages, of a raw one and of a Socket.IO one.
  virtual void on_message(bool binary, std::string_view payload) = 0;
  virtual void on_event(const IncomingEvent& event) = 0;
  virtual void on_flushed() = 0;  ///< ChannelBehaviour::on_flushed
};

/// A raw client is relayed to the target's URL; a Socket.IO client to /socket.io/ of its origin, the
/// URL's path being the namespace and its query going along. The other three must outlive the
/// relay. REQUIRES: the channel is open, and its behaviour tells the relay and destroys it in on_close
std::unique_ptr<Relay> make_relay(Channel& channel, Loop& loop, Upstream& upstream, WebSocketTarget target,
                                  const ChannelOptions& options);

}  // namespace mimus
