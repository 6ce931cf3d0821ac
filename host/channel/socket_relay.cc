#include "host/channel/socket_relay.h"

#include <cstdint>
#include <utility>

#include "mimus/json_text.h"

namespace mimus {
namespace {

/// Added to the ids under which the server wants to be told: 2^52, of 2^53 that JavaScript counts.
constexpr std::int64_t servers_ids = std::int64_t{1} << 52;

constexpr std::size_t max_json_depth = 64;

std::string path_of(const Url& url) { return url.path_query.substr(0, url.path_query.find('?')); }

/// The handshake of Engine.IO at the same origin, the target's own query at its end.
WebSocketTarget engine_at(WebSocketTarget target) {
  const std::size_t question = target.url.path_query.find('?');
  std::string query = "EIO=4&transport=websocket";
  if (question != std::string::npos && question + 1 < target.url.path_query.size())
    query.append("&").append(target.url.path_query, question + 1);
  target.url.path_query = "/socket.io/?" + query;
  return target;
}

std::size_t size_of(const EngineMessages& messages) {
  std::size_t size = sizeof(EngineMessages);
  for (const EngineMessages::One& one : messages.all()) size += one.data.size() + sizeof one;
  return size;
}

/// What a connect error says: {"message":…} since protocol 5.
std::string message_in(std::string_view payload) {
  const auto message = json::member(payload, "message");
  const std::string_view text = message ? *message : payload;
  return text.starts_with('"') ? json::unquote(text) : std::string(text);
}

}  // namespace

SocketRelay::SocketRelay(Channel& channel, Loop& loop, Upstream& upstream, WebSocketTarget target,
                         const ChannelOptions& options)
    : ServerSide(channel, loop, upstream, engine_at(target), options),
      loop_(loop),
      ns_(path_of(target.url)),
      decoder_({options.max_message_bytes, max_json_depth}) {
  Timer::fire = [](Timer& timer) {
    static_cast<SocketRelay&>(timer).end(1014, "the server did not let the client in in time");
  };
  loop_.arm(*this, target.timeout);
}

SocketRelay::~SocketRelay() {
  loop_.disarm(*this);
  if (connected_ && !ended_) send_packet(SocketType::disconnect, {});
  server_.close(code_for_server(), channel_.end_reason());
}

void SocketRelay::on_event(const IncomingEvent& event) {
  if (ended_) return;
  const bool acknowledges = event.name.empty();
  if (acknowledges && event.ack < servers_ids) return;  // A plugin asked for it.
  EventParts parts{std::string(event.name), std::string(event.args), {}, event.ack};
  parts.binaries.assign(event.binaries.begin(), event.binaries.end());
  if (acknowledges) parts.ack -= servers_ids;
  Outgoing message =
      acknowledges ? Outgoing::acknowledgement(std::move(parts)) : Outgoing::event(std::move(parts));
  EngineMessages& messages = message.socket(ns_);
  if (connected_) {
    send(messages);
  } else {
    early_bytes_ += size_of(messages);
    early_.push_back(std::move(messages));
  }
  hold_client(early_bytes_);
}

void SocketRelay::on_server_message(bool binary, std::string_view data) {
  if (ended_) return;
  if (binary) return take(true, data);
  const char type = data.empty() ? '?' : data.front();
  switch (type) {
    case '0':
      return send_packet(SocketType::connect, channel_.origin().auth);
    case '1':
      return end(1012, "the server closed the session");
    case '2':
      return server_.send(false, "3" + std::string(data.substr(1)));
    case '4':
      return take(false, data.substr(1));
    case '3':
    case '6':
      return;
    default:
      return end(1014, "the server does not speak Engine.IO");
  }
}

void SocketRelay::take(bool binary, std::string_view message) {
  if (!decoder_.take(binary, message, *this)) end(1014, "the server does not speak Socket.IO");
}

void SocketRelay::on_packet(const SocketPacket& packet) {
  if (ended_ || packet.ns != ns_) return;
  if (packet.type == SocketType::connect) return connected();
  if (packet.type == SocketType::connect_error) return end(1008, message_in(packet.data));
  if (packet.type == SocketType::disconnect) return end(1000, "the server disconnected the client");
  EventParts parts{std::string(packet.name), std::string(packet.data), {}, packet.id};
  parts.binaries.assign(packet.binaries.begin(), packet.binaries.end());
  if (packet.type == SocketType::event) {
    if (packet.id >= servers_ids) parts.ack = -1;  // More than a server has ever asked for.
    if (parts.ack >= 0) parts.ack += servers_ids;
    Outgoing message = Outgoing::event(std::move(parts));
    channel_.send(message);
  } else if (packet.id >= 0) {
    Outgoing message = Outgoing::acknowledgement(std::move(parts));
    channel_.send(message);
  }
}

void SocketRelay::connected() {
  if (std::exchange(connected_, true)) return;
  loop_.disarm(*this);
  early_bytes_ = 0;
  for (EngineMessages& one : std::exchange(early_, {})) send(one);
}

void SocketRelay::send(EngineMessages& messages) {
  for (const EngineMessages::One& one : messages.all()) {
    server_.send(one.binary, one.binary ? one.data : "4" + one.data);
  }
}

void SocketRelay::send_packet(SocketType type, std::string_view payload) {
  server_.send(false, "4" + socket_packet(type, ns_, -1, payload));
}

void SocketRelay::on_server_gone(int code, std::string_view reason) {
  ended_ = true;
  loop_.disarm(*this);
  // Whatever it says as it goes: who was connected to it itself would come back.
  ServerSide::on_server_gone(connected_ && code != 1006 ? 1012 : 1014, reason);
}

void SocketRelay::end(int code, std::string_view reason) {
  if (std::exchange(ended_, true)) return;
  loop_.disarm(*this);
  server_.close(1000, {});
  channel_.close(code, reason);
}

}  // namespace mimus
