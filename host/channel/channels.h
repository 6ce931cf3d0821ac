// Open WebSockets: each worker's table of them, and what the admin API does with them.
#pragma once

#include <chrono>
#include <cstdint>
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

/// {"event":name,"data":payload}: what a raw WebSocket client receives for an event.
/// `payload` is JSON and goes in as it is.
std::string event_text(std::string_view name, std::string_view payload);
/// The same as one text frame, for ChannelTable::broadcast.
std::string event_frame(std::string_view name, std::string_view payload);

/// Rooms are joined by name; how long one may be, and how many one channel may be in.
inline constexpr std::size_t max_room_name = 128, max_rooms = 64;
bool is_room_name(std::string_view name);

/// What happens on a channel: implemented by the plugin host for the bound plugins.
/// On the channel's loop. All may call the channel, also to close it.
class ChannelBehaviour {
 public:
  virtual ~ChannelBehaviour() = default;  ///< Gives back the binding.
  virtual void on_open(Channel& channel) = 0;
  virtual void on_timer(Channel& channel, std::size_t plugin, void* ud) = 0;
  /// A whole message from the client.
  virtual void on_message(Channel& channel, bool binary, std::string_view payload) = 0;
  /// Last, if on_open was called; the connection has gone. No timer fires afterwards.
  virtual void on_close(Channel& channel) = 0;
  /// Whether it has a part in `plugin`'s hands, which names a plugin instance.
  virtual bool uses(const void* plugin) const = 0;
};

/// One open WebSocket. Owned by its connection. Everything on its loop.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual const Ulid& id() const = 0;
  virtual const Ulid& endpoint() const = 0;
  /// {"event":name,"data":payload} as one text frame. False: it is closing or closed, or
  /// the peer reads so slowly that it is being closed now.
  virtual bool send_event(std::string_view name, std::string_view payload) = 0;
  /// The same with a frame that was made by `frame` or `event_frame`.
  virtual bool send_frame(std::string_view framed) = 0;
  /// Says goodbye and disarms all timers at once; a second call does nothing. A code that a
  /// peer may not be sent (see valid_close_code) goes out as none.
  virtual void close(int code, std::string_view reason) = 0;
  virtual bool is_open() const = 0;  ///< False while it is closing, too.
  /// Calls behaviour.on_timer(…, plugin, ud) unless the channel closes before. False: it
  /// is closing or closed, or max_timers wait already.
  virtual bool start_timer(std::chrono::milliseconds after, std::size_t plugin, void* ud) = 0;

  enum class Joined : std::uint8_t { yes, closed, too_many, bad_name };
  /// Joins a room of its endpoint. Joining twice is `yes`. It leaves all when it closes.
  virtual Joined join(std::string_view room) = 0;
  virtual void leave(std::string_view room) = 0;
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
  std::size_t max_timers = 1024;                    ///< Waiting at once on one channel.
};

/// One worker's open channels. Not thread-safe. Counts and lists leave out those that are
/// closing.
class ChannelTable {
 public:
  /// `loop` must outlive the table.
  ChannelTable(Loop& loop, const Clock& clock, ChannelOptions options);
  /// Ends the behaviours (on_close) of channels that are left; their connections may
  /// outlive the table and do nothing any more.
  ~ChannelTable();
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  /// A takeover for ResponseSink::upgrade, which opens a channel on the endpoint when it starts.
  std::unique_ptr<Takeover> make(const Ulid& endpoint, std::string client_ip,
                                 std::unique_ptr<ChannelBehaviour> behaviour);

  /// Appends, oldest first.
  void list(const Ulid& endpoint, std::vector<ChannelInfo>& out) const;
  /// Sends one frame, framed once, to all open channels of an endpoint; how many.
  std::size_t broadcast(const Ulid& endpoint, std::string_view framed);
  /// The same to those in a room, or to all if it is ""; `except` (may be nullptr) is left out.
  std::size_t broadcast(const Ulid& endpoint, const std::string& room, std::string_view framed,
                        const Channel* except);
  /// False if no open channel has that id on that endpoint.
  bool close(const Ulid& endpoint, const Ulid& channel, int code, std::string_view reason);
  /// Closes all whose behaviour uses `plugin`.
  void close_users(const void* plugin, int code, std::string_view reason);
  std::size_t count(const Ulid& endpoint, std::string_view client_ip) const;
  std::size_t size() const;

  struct State;  ///< Known to the channels themselves.

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mimus
