#include "host/channel/namespace_channel.h"

#include <algorithm>
#include <utility>

#include "host/channel/framing.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

void remember(std::vector<std::int64_t>& ids, std::int64_t id) {
  if (ids.size() == NamespaceChannel::max_acknowledgements) ids.erase(ids.begin());
  ids.push_back(id);
}

/// False: it is not among them.
bool strike_out(std::vector<std::int64_t>& ids, std::int64_t id) {
  const auto newest = std::find(ids.rbegin(), ids.rend(), id);
  if (newest == ids.rend()) return false;
  ids.erase(std::next(newest).base());
  return true;
}

}  // namespace

NamespaceChannel::NamespaceChannel(ChannelTable& channels, Admitted admitted, EngineSession& session,
                                   Owner& owner)
    : BaseChannel(channels.state(), channels.next_id(), admitted.endpoint, std::move(admitted.origin),
                  admitted.rules, std::move(admitted.behaviour)),
      session_(session),
      owner_(owner) {}

NamespaceChannel::~NamespaceChannel() { detach(); }

void NamespaceChannel::start() {
  if (say(SocketType::connect, "{\"sid\":" + json::quoted(id().text()) + "}")) open();
}

void NamespaceChannel::take(const SocketPacket& packet) {
  if (!attached() || phase() != Phase::open) return;
  count_bytes_in(packet.bytes);
  if (!count_in()) return;
  const bool event = packet.type == SocketType::event;
  // A name that is empty means an acknowledgement to those who are told of it.
  if (event ? packet.name.empty() : !strike_out(awaited_, packet.id)) return;
  if (event && packet.id >= 0) remember(owed_, packet.id);
  take_event({packet.name, packet.data, packet.binaries, packet.id});
}

void NamespaceChannel::end(int code, std::string_view reason) {
  if (phase() != Phase::open) return;
  end_with(code == 0 ? 1005 : code, reason);
  move_to(Phase::closed);
}

void NamespaceChannel::close(int code, std::string_view reason) {
  if (phase() != Phase::open) return;
  end(valid_close_code(code) ? code : 0, reason);
  // Who is disconnected by a packet stays away: a client comes back only to a session that was lost.
  if (code == 1012 || code == 1014) return session_.close();
  say(SocketType::disconnect, {});
  owner_.on_channel_ended();
}

bool NamespaceChannel::fault(ChannelFault how, std::uint64_t value) {
  if (phase() != Phase::open) return false;
  session_.fault(how, value);
  return true;
}

BaseChannel::Sent NamespaceChannel::transmit(Outgoing& message) {
  const std::int64_t ack = message.parts().ack;
  if (message.kind() == Outgoing::Kind::acknowledgement && !strike_out(owed_, ack)) return Sent::left_out;
  if (message.kind() == Outgoing::Kind::event) {
    if (is_reserved_event(message.parts().name)) return Sent::left_out;
    if (ack >= 0) remember(awaited_, ack);
  }
  if (send_all(message.socket(origin().path))) return Sent::sent;
  move_to(Phase::closed);  // the session has ended, and with it the client
  return Sent::failed;
}

bool NamespaceChannel::say(SocketType type, std::string_view payload) {
  EngineMessages one;
  one.add(false, socket_packet(type, origin().path, -1, payload));
  return send_all(one);
}

bool NamespaceChannel::send_all(EngineMessages& messages) {
  for (const EngineMessages::One& one : messages.all()) bytes_out_ += one.data.size();
  return session_.send(messages);
}

}  // namespace mimus
