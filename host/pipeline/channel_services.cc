#include "host/pipeline/channel_services.h"

#include <optional>
#include <string>

#include "host/channel/channels.h"
#include "host/pipeline/broadcast.h"
#include "host/pipeline/channel_binding.h"
#include "host/plugin/worker_rooms.h"
#include "host/upstream/upstream.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

std::string_view view(mimus_str s) { return {s.p, s.n}; }

PluginChannel& seat_of(mimus_channel* channel) { return *reinterpret_cast<PluginChannel*>(channel); }

/// A channel that was open and is not any more reads too slowly.
mimus_rc send(mimus_channel* to, Outgoing message) {
  Channel& channel = *seat_of(to).channel;
  if (!channel.is_open()) return MIMUS_E_GONE;
  return channel.send(message) ? MIMUS_OK : MIMUS_E_NOSPC;
}

/// Nothing: its arguments are no array.
std::optional<EventParts> parts_of(const mimus_event& event) {
  const std::string_view args = view(event.args);
  if (args.size() < 2 || args.front() != '[' || args.back() != ']') return std::nullopt;
  EventParts parts{std::string(view(event.name)), std::string(args), {}, event.ack};
  for (std::uint32_t i = 0; i < event.n_binaries; ++i) parts.binaries.emplace_back(view(event.binaries[i]));
  return parts;
}

mimus_rc send_event(mimus_channel* channel, mimus_str name, mimus_str payload) {
  return send(channel, Outgoing::event({std::string(view(name)), only_argument(view(payload)), {}, -1}));
}
mimus_rc send_text(mimus_channel* channel, mimus_str text) {
  return send(channel, Outgoing::text(std::string(view(text))));
}
mimus_rc send_binary(mimus_channel* channel, mimus_str data) {
  return send(channel, Outgoing::binary(std::string(view(data))));
}
mimus_rc emit(mimus_channel* channel, const mimus_event* event) {
  std::optional<EventParts> parts = parts_of(*event);
  return parts ? send(channel, Outgoing::event(*std::move(parts))) : MIMUS_E_INVAL;
}
mimus_rc acknowledge(mimus_channel* channel, const mimus_event* event) {
  if (seat_of(channel).channel->origin().protocol != ChannelProtocol::socket_io) return MIMUS_ABSENT;
  std::optional<EventParts> parts = parts_of(*event);
  if (!parts || parts->ack < 0) return MIMUS_E_INVAL;
  return send(channel, Outgoing::acknowledgement(*std::move(parts)));
}

mimus_rc broadcast_parts(mimus_channel* from, mimus_str room, EventParts parts, std::int32_t but_me) {
  PluginChannel& own = seat_of(from);
  if (room.n != 0 && !is_room_name(view(room))) return MIMUS_E_INVAL;
  const bool sent = mimus::broadcast(own.services->server, *own.channel, std::string(view(room)),
                                     std::move(parts), but_me != 0);
  return sent ? MIMUS_OK : MIMUS_E_NOSPC;
}
mimus_rc broadcast(mimus_channel* from, mimus_str room, mimus_str name, mimus_str payload,
                   std::int32_t but_me) {
  return broadcast_parts(from, room, {std::string(view(name)), only_argument(view(payload)), {}, -1}, but_me);
}
mimus_rc broadcast_event(mimus_channel* from, mimus_str room, const mimus_event* event, std::int32_t but_me) {
  std::optional<EventParts> parts = parts_of(*event);
  if (!parts) return MIMUS_E_INVAL;
  parts->ack = -1;
  return broadcast_parts(from, room, *std::move(parts), but_me);
}

mimus_rc join(mimus_channel* channel, mimus_str room) {
  switch (seat_of(channel).channel->join(view(room))) {
    case Channel::Joined::yes:
      return MIMUS_OK;
    case Channel::Joined::closed:
      return MIMUS_E_GONE;
    case Channel::Joined::too_many:
      return MIMUS_E_NOSPC;
    default:
      return MIMUS_E_INVAL;
  }
}
mimus_rc leave(mimus_channel* channel, mimus_str room) {
  if (!is_room_name(view(room))) return MIMUS_E_INVAL;
  seat_of(channel).channel->leave(view(room));
  return MIMUS_OK;
}

mimus_rc close(mimus_channel* channel, std::int32_t code, mimus_str reason) {
  seat_of(channel).channel->close(code, view(reason));
  return MIMUS_OK;
}
mimus_rc start_timer(mimus_channel* channel, std::uint64_t ms, void* ud) {
  PluginChannel& own = seat_of(channel);
  if (!own.channel->is_open()) return MIMUS_E_GONE;
  return own.channel->start_timer(std::chrono::milliseconds(ms), own.step, ud) ? MIMUS_OK : MIMUS_E_NOSPC;
}
mimus_str client_id(mimus_channel* channel) {
  PluginChannel& own = seat_of(channel);
  if (own.id.empty()) own.id = own.channel->id().text();
  return {own.id.data(), own.id.size()};
}

mimus_rc attr(mimus_channel* channel, mimus_channel_attr which, mimus_str* out) {
  const ChannelOrigin& origin = seat_of(channel).channel->origin();
  const auto give = [&](std::string_view value) {
    *out = {value.data(), value.size()};
    return MIMUS_OK;
  };
  switch (which) {
    case MIMUS_CHANNEL_PROTOCOL:
      return give(name_of(origin.protocol));
    case MIMUS_CHANNEL_PATH:
      return give(origin.path);
    case MIMUS_CHANNEL_CLIENT_IP:
      return give(origin.client_ip);
    case MIMUS_CHANNEL_AUTH:
      return give(origin.auth.empty() ? std::string_view("{}") : std::string_view(origin.auth));
    case MIMUS_CHANNEL_QUERY:
      return give(origin.query);
    case MIMUS_CHANNEL_SUBPROTOCOL:
      return give(origin.subprotocol);
    default:
      return MIMUS_ABSENT;
  }
}

mimus_rc fault(mimus_channel* channel, mimus_channel_fault how, std::uint64_t value) {
  if (how < MIMUS_FAULT_DROP || how > MIMUS_FAULT_SLOW) return MIMUS_E_INVAL;
  return seat_of(channel).channel->fault(static_cast<ChannelFault>(how), value) ? MIMUS_OK : MIMUS_E_GONE;
}

// ---- mimus.relay/1 ---------------------------------------------------------------------

mimus_rc start_relay(mimus_channel* from, const mimus_relay* to) {
  PluginChannel& own = seat_of(from);
  const WorkerRooms& rooms = WorkerRooms::here();
  if (!own.channel->is_open()) return MIMUS_E_GONE;
  if (*own.relay != nullptr) return MIMUS_E_NOSPC;
  if (rooms.upstream == nullptr || rooms.channels == nullptr) return MIMUS_E_UNAVAILABLE;
  Result<Url> url = Url::parse_websocket(view(to->url));
  if (!url || own.services->addresses->refuses(*url)) return MIMUS_E_INVAL;
  WebSocketTarget target;
  target.url = *std::move(url);
  for (std::size_t i = 0; i < to->n_headers; ++i)
    target.headers.emplace_back(view(to->headers[i].name), view(to->headers[i].value));
  if (to->timeout_ms != 0) target.timeout = std::chrono::milliseconds(to->timeout_ms);
  *own.relay = make_relay(*own.channel, *Loop::current(), *rooms.upstream, std::move(target),
                          rooms.channels->options());
  return MIMUS_OK;
}

constexpr mimus_channel_v1 channel_table{sizeof(mimus_channel_v1),
                                         send_event,
                                         close,
                                         start_timer,
                                         client_id,
                                         send_text,
                                         send_binary,
                                         join,
                                         leave,
                                         broadcast,
                                         emit,
                                         broadcast_event,
                                         acknowledge,
                                         attr,
                                         fault};
constexpr mimus_relay_v1 relay_table{sizeof(mimus_relay_v1), start_relay};

}  // namespace

const void* channel_extension(std::string_view id) {
  if (id == "mimus.channel/1") return &channel_table;
  if (id == "mimus.relay/1") return &relay_table;
  return nullptr;
}

}  // namespace mimus
