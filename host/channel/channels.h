// Open WebSockets: each worker's table of them, and what the admin API does with them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/exchange.h"
#include "host/net/loop.h"
#include "mimus/result.h"
#include "store/ulid.h"

namespace mimus {

class Channel;

/// What happens on a channel: implemented by the plugin host for the bound plugins.
/// On the channel's loop.
class ChannelBehaviour {
 public:
  virtual ~ChannelBehaviour() = default;  ///< Gives back the binding.
  virtual void on_open(Channel& channel) = 0;
  virtual void on_timer(Channel& channel, std::size_t plugin, void* ud) = 0;
  /// A whole message from the client.
  virtual void on_message(Channel& channel, bool binary, std::string_view payload) = 0;
  virtual void on_close(Channel& channel) = 0;  ///< Last; no timer fires afterwards.
};

/// One open WebSocket. Owned by its connection. Everything on its loop.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual const Ulid& id() const = 0;
  virtual const Ulid& endpoint() const = 0;
  /// {"event":name,"data":payload} as one text frame. False: closing or closed.
  virtual bool send_event(std::string_view name, std::string_view payload) = 0;
  virtual bool send_frame(std::string_view framed) = 0;
  virtual void close(int code, std::string_view reason) = 0;
  /// Calls behaviour.on_timer(…, plugin, ud) unless the channel closes before.
  virtual void start_timer(std::chrono::milliseconds after, std::size_t plugin, void* ud) = 0;
};

struct ChannelInfo {
  Ulid id, endpoint;
  std::string client_ip;
  std::int64_t since_us = 0;
  std::uint64_t messages_in = 0, messages_out = 0, bytes_in = 0, bytes_out = 0;
};

struct ChannelOptions {
  std::size_t max_message_bytes = 1 << 20;
  std::chrono::milliseconds ping_interval{30'000};  ///< A silent peer is pinged …
  std::chrono::milliseconds ping_timeout{30'000};   ///< … and closed if it stays silent.
  std::chrono::milliseconds close_timeout{5'000};   ///< For the peer's close frame.
};

/// One worker's open channels. Not thread-safe.
class ChannelTable {
 public:
  ChannelTable(Loop& loop, const Clock& clock, ChannelOptions options);
  ~ChannelTable();
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  /// A takeover for ResponseSink::upgrade, which opens a channel on the endpoint when it starts.
  std::unique_ptr<Takeover> make(const Ulid& endpoint, std::string client_ip,
                                 std::unique_ptr<ChannelBehaviour> behaviour);

  void list(const Ulid& endpoint, std::vector<ChannelInfo>& out) const;
  /// Sends one frame, framed once, to all open channels of an endpoint; how many.
  std::size_t broadcast(const Ulid& endpoint, std::string_view framed);
  /// False if no open channel has that id on that endpoint.
  bool close(const Ulid& endpoint, const Ulid& channel, int code, std::string_view reason);
  std::size_t count(const Ulid& endpoint, std::string_view client_ip) const;
  std::size_t size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
