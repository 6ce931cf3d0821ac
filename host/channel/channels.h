// Open channels: each worker's table of them, and what is done with them from outside.
//
// A channel is one client of one WebSocket endpoint: a raw WebSocket, or one namespace of a
// Socket.IO client.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/channel/outgoing.h"
#include "host/net/exchange.h"
#include "host/net/loop.h"
#include "mimus/result.h"
#include "store/ulid.h"

namespace mimus {

class BaseChannel;
class Channel;

/// Rooms are joined by name; how long one may be, and how many one channel may be in.
inline constexpr std::size_t max_room_name = 128, max_rooms = 64;
bool is_room_name(std::string_view name);

enum class ChannelProtocol : std::uint8_t { websocket, socket_io };
/// "websocket", "socket.io"
std::string_view name_of(ChannelProtocol protocol);

/// What a client came with.
struct ChannelOrigin {
  ChannelProtocol protocol = ChannelProtocol::websocket;
  Ulid api;          ///< The endpoint's; all zero where there is none.
  std::string path;  ///< The endpoint's.
  std::string client_ip;
  std::string user_agent;  ///< "" once the channel is open: only the journal wants it.
  std::string query;       ///< Raw, of the handshake's target.
  std::string subprotocol;
  std::string auth;  ///< JSON, or "" for none: what a Socket.IO client connected with.
};

/// An event of a Socket.IO client, or (name "") its acknowledgement of one. Views for the call.
struct IncomingEvent {
  std::string_view name;
  std::string_view
      args;  ///< A valid JSON array; placeholders as in EventParts, each below `binaries.size()`.
  std::span<const std::string_view> binaries;
  std::int64_t ack = -1;  ///< What Channel::send is to be told in an acknowledgement; -1: none is awaited.
};

/// What happens on a channel: implemented by the plugin host for the bound plugins.
/// On the channel's loop. All may call the channel, also to close it.
class ChannelBehaviour {
 public:
  virtual ~ChannelBehaviour() = default;  ///< Gives back the binding.
  virtual void on_open(Channel& channel) = 0;
  /// Instead of on_open, where it takes another behaviour's place on a channel that is open.
  virtual void on_rebind(Channel& channel) = 0;
  virtual void on_timer(Channel& channel, std::size_t plugin, void* ud) = 0;
  /// A whole message of a raw client.
  virtual void on_message(Channel& channel, bool binary, std::string_view payload) = 0;
  virtual void on_event(Channel& channel, const IncomingEvent& event) = 0;
  /// Nothing waits for the client any more (Channel::queued). Only of channels that can say.
  virtual void on_flushed(Channel& channel) { (void)channel; }
  /// Last, if on_open was called; the connection has gone. No timer fires afterwards.
  virtual void on_close(Channel& channel) = 0;
  /// Whether it has a part in `plugin`'s hands, which names a plugin instance.
  virtual bool uses(const void* plugin) const = 0;
  /// Whether messages are to be kept.
  virtual bool captures() const = 0;
};

enum class ChannelFault : std::uint8_t { drop, garbage, ignore_pings, slow };

/// One open channel. Owned by its connection. Everything on its loop.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual const Ulid& id() const = 0;
  virtual const Ulid& endpoint() const = 0;
  virtual const ChannelOrigin& origin() const = 0;
  /// False: it is closing or closed, or the peer reads so slowly that it is being closed now.
  /// What the peer cannot be told is left out, and true.
  virtual bool send(Outgoing& message) = 0;
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

  /// Bytes that wait for the client, where the transport can say; else 0.
  virtual std::size_t queued() const = 0;
  /// No messages from the client until resume, but those that were read already. Nothing where
  /// the transport cannot wait.
  virtual void pause() = 0;
  virtual void resume() = 0;

  /// Which of both sides said what first of the end: its code, 1005 for none; 0: nobody did.
  virtual int end_code() const = 0;
  virtual std::string_view end_reason() const = 0;

  /// Misbehaves as mimus_channel_v1::fault says. False: it is closing or closed.
  virtual bool fault(ChannelFault how, std::uint64_t value) = 0;
};

struct ChannelInfo {
  Ulid id, endpoint;
  ChannelProtocol protocol = ChannelProtocol::websocket;
  std::string client_ip;
  std::int64_t since_us = 0;
  /// Bytes as they were on the wire: frames of a raw client, packets of a Socket.IO one.
  std::uint64_t messages_in = 0, messages_out = 0, bytes_in = 0, bytes_out = 0;
};

/// What passed through a channel. Views for the call.
struct ChannelMessage {
  Outgoing::Kind kind = Outgoing::Kind::text;
  bool out = false;       ///< From the host to the client.
  std::string_view name;  ///< Of an event.
  std::string_view data;  ///< The arguments, a JSON array; or the text or bytes.
  std::span<const std::string_view> binaries;
  std::int64_t ack = -1;
};

/// A client that was not let in. Views for the call.
struct ChannelRefusal {
  const ChannelOrigin& origin;
  const Ulid* endpoint = nullptr;  ///< nullptr: there is none, or it is disabled.
  int status = 0;                  ///< Of the handshake; a Socket.IO client is not told it.
  std::string_view code;           ///< A problem's: "unauthorized" …
};

/// Is told of what happens on a worker's channels: for the journal and for who watches. On the
/// loop; may not call the channel.
class ChannelObserver {
 public:
  virtual ~ChannelObserver() = default;
  virtual void on_open(const BaseChannel& channel) = 0;
  /// Only for channels that capture and for watched endpoints.
  virtual void on_message(const BaseChannel& channel, const ChannelMessage& message) = 0;
  /// `code` is what the first of both sides said: 1005 for none, 1006 where the connection was lost.
  virtual void on_close(const BaseChannel& channel, int code, std::string_view reason) = 0;
  virtual void on_refused(const ChannelRefusal&) {}
  /// True: raw channels that capture are not read until ChannelTable::read_on.
  virtual bool is_full() const { return false; }
};

struct ChannelOptions {
  std::size_t max_message_bytes = 1 << 20;
  std::chrono::milliseconds ping_interval{25'000};  ///< A silent peer is pinged …
  std::chrono::milliseconds ping_timeout{20'000};   ///< … and closed if it stays silent.
  std::chrono::milliseconds close_timeout{5'000};   ///< For the peer's close frame.
  std::size_t max_timers = 1024;                    ///< Waiting at once on one channel.
  std::size_t max_slow_bytes = 1 << 20;             ///< That a slowed channel may have waiting.
};

/// What holds for one channel: its endpoint's definition and its handshake say.
struct ChannelRules {
  std::uint32_t messages_per_second = 0;  ///< Beyond it the channel is closed with 1008; 0: no limit.
  /// Of a raw client that agreed on permessage-deflate: DeflateTerms::server_window_bits; else 0.
  int deflate_window_bits = 0;
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

  /// Before the first channel; must outlive the table. nullptr: nobody.
  void observe(ChannelObserver* observer);
  /// Tells the observer, if there is one.
  void tell_refused(const ChannelRefusal& refusal);

  /// A takeover for ResponseSink::upgrade, which opens a raw channel on the endpoint when it
  /// starts. `id` is the channel's.
  std::unique_ptr<Takeover> make(const Ulid& id, const Ulid& endpoint, ChannelOrigin origin,
                                 ChannelRules rules, std::unique_ptr<ChannelBehaviour> behaviour);
  Ulid next_id();

  /// Appends, oldest first.
  void list(const Ulid& endpoint, std::vector<ChannelInfo>& out) const;
  /// Sends to all open channels of an endpoint, or to those in a room unless it is "", but to
  /// `except` (may be nullptr); to how many.
  std::size_t broadcast(const Ulid& endpoint, const std::string& room, Outgoing& message,
                        const Channel* except);
  /// False if no open channel has that id on that endpoint, or it cannot be sent to.
  bool send(const Ulid& endpoint, const Ulid& channel, Outgoing& message);
  /// False if no open channel has that id on that endpoint.
  bool close(const Ulid& endpoint, const Ulid& channel, int code, std::string_view reason);
  /// Closes all whose behaviour uses `plugin`.
  void close_users(const void* plugin, int code, std::string_view reason);
  /// Closes all of an endpoint; how many.
  std::size_t close_all(const Ulid& endpoint, int code, std::string_view reason);
  /// Closes all whose endpoint is not to be kept.
  void close_but(const std::function<bool(const Ulid& endpoint)>& keep, int code, std::string_view reason);
  /// The observer is full no more: what its channels sent meanwhile is read.
  void read_on();
  /// Gives every open channel of an endpoint what `next` makes for it, in the place of its
  /// behaviour (see ChannelBehaviour::on_rebind), and this limit of messages; how many.
  std::size_t rebind(const Ulid& endpoint, std::uint32_t messages_per_second,
                     const std::function<std::unique_ptr<ChannelBehaviour>(const Channel&)>& next);
  /// Has the observer told of the endpoint's messages, until as many calls with false.
  void watch(const Ulid& endpoint, bool on);
  std::size_t count(const Ulid& endpoint, std::string_view client_ip) const;
  std::size_t size() const;

  const ChannelOptions& options() const;

  struct State;  ///< Known to the channels themselves (host/channel/base_channel.h).
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mimus
