// Sending: the shortest way that an act allows.
#include "plugins/channels/acting.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/json_text.h"
#include "plugins/channels/attachments.h"

namespace mimus::channels {
namespace {

using What = Act::What;

/// False where the payload became too large: the channel is being closed then.
bool render(const Payload& payload, const Occasion& on, std::string& out) {
  const Moment moment{on.count, payload.tells_time() ? on.host.wall_us() : 0, on.peer.client_id(),
                      payload.looks_at_auth() ? on.peer.attr(MIMUS_CHANNEL_AUTH) : std::string_view(),
                      on.message};
  if (payload.render(moment, out)) return true;
  on.peer.close(1011, "an event is too large");
  return false;
}

/// The act's payload as a JSON array of arguments. False as above.
bool arguments(const Act& act, const Occasion& on, std::string& out) {
  if (act.spread && on.message != nullptr && act.payload.is_message_data()) {
    out = on.message->args();
    return true;
  }
  out = "[";
  if (!render(act.payload, on, out)) return false;
  if (act.spread && out.compare(1, 1, "[") == 0) {
    out.erase(0, 1);
  } else {
    out += "]";
  }
  return true;
}

/// What the binary placeholders of an act stand for.
class Binaries {
 public:
  Binaries(const Act& act, const Occasion& on) {
    for (const std::string& one : act.binaries) own_.push_back(str(one));
    if (on.message != nullptr) all_ = on.message->binaries();
    if (!own_.empty()) all_ = own_;
  }
  Binaries(const Binaries&) = delete;
  Binaries& operator=(const Binaries&) = delete;
  std::span<const mimus_str> all() const { return all_; }

 private:
  std::vector<mimus_str> own_;
  std::span<const mimus_str> all_;
};

/// Calls `send` with the event that has these arguments, and the binaries of the message that they
/// refer to.
template <class Send>
mimus_rc with_event(std::string_view name, std::string_view args, std::span<const mimus_str> binaries,
                    std::int64_t ack, Send&& send) {
  if (binaries.empty()) return send(mimus_event{sizeof(mimus_event), 0, str(name), str(args), nullptr, ack});
  const Attached attached = attach(args, binaries);
  return send(mimus_event{sizeof(mimus_event), static_cast<std::uint32_t>(attached.binaries.size()),
                          str(name), str(attached.json), attached.binaries.data(), ack});
}

/// A broadcast that finds no room is lost, which does not end the channel.
bool after_broadcast(const Act& act, const Occasion& on, mimus_rc rc) {
  if (rc == MIMUS_E_NOSPC)
    on.host.log(MIMUS_LOG_DEBUG, "a broadcast of the event \"" + act.name + "\" was dropped");
  return rc != MIMUS_E_GONE;
}

bool send_event(const Act& act, const Occasion& on) {
  const Binaries binaries(act, on);
  if (!act.spread && !act.asks_ack && binaries.all().empty()) {
    std::string rendered;
    const std::string* payload = act.payload.constant();
    if (payload == nullptr) {
      if (!render(act.payload, on, rendered)) return false;
      payload = &rendered;
    }
    if (act.to_sender) return on.peer.send_event(act.name, *payload) == MIMUS_OK;
    return after_broadcast(act, on, on.peer.broadcast(act.room, act.name, *payload));
  }
  std::string args;
  if (!arguments(act, on, args)) return false;
  const std::int64_t ack = act.asks_ack ? on.ack_id : -1;
  const mimus_rc rc = with_event(act.name, args, binaries.all(), ack, [&](const mimus_event& event) {
    return act.to_sender ? on.peer.emit(event) : on.peer.broadcast_event(act.room, event);
  });
  return act.to_sender ? rc == MIMUS_OK : after_broadcast(act, on, rc);
}

/// What a Socket.IO client is sent for a raw message.
constexpr std::string_view raw_event = "message";

bool speaks_socket_io(const Peer& peer) { return peer.attr(MIMUS_CHANNEL_PROTOCOL) == "socket.io"; }

bool send_text(const Act& act, const Peer& peer) {
  if (!speaks_socket_io(peer)) return peer.send_text(act.bytes) == MIMUS_OK;
  return peer.send_event(raw_event, json::quoted(act.bytes)) == MIMUS_OK;
}

bool send_binary(const Act& act, const Peer& peer) {
  if (!speaks_socket_io(peer)) return peer.send_binary(act.bytes) == MIMUS_OK;
  const mimus_str binary = str(act.bytes);
  return peer.emit({sizeof(mimus_event), 1, str(raw_event), str(R"([{"_placeholder":true,"num":0}])"),
                    &binary, -1}) == MIMUS_OK;
}

bool echo(const Occasion& on) {
  const Message& message = *on.message;
  if (message.is_binary()) return on.peer.send_binary(message.bytes()) == MIMUS_OK;
  if (message.is_raw()) return on.peer.send_text(message.bytes()) == MIMUS_OK;
  return with_event(*message.name(), message.args(), message.binaries(), -1,
                    [&](const mimus_event& event) { return on.peer.emit(event); }) == MIMUS_OK;
}

}  // namespace

bool perform(const Act& act, const Occasion& on) {
  if (!act.leave.empty()) on.peer.leave(act.leave);
  if (!act.join.empty()) on.peer.join(act.join);
  switch (act.what) {
    case What::nothing:
      return true;
    case What::event:
      return send_event(act, on);
    case What::text:
      return send_text(act, on.peer);
    case What::binary:
      return send_binary(act, on.peer);
    case What::echo:
      return on.message == nullptr || echo(on);
    case What::close:
      on.peer.close(act.code, act.bytes);
      return false;
    case What::fault:
      return on.peer.fault(act.fault, act.value) != MIMUS_E_GONE && act.fault != MIMUS_FAULT_DROP;
  }
  return true;
}

bool acknowledge(const Act& act, const Occasion& on, std::int64_t ack) {
  std::string args;
  if (!arguments(act, on, args)) return false;
  const Binaries binaries(act, on);
  const mimus_rc rc = with_event("", args, binaries.all(), ack,
                                 [&](const mimus_event& event) { return on.peer.acknowledge(event); });
  return rc == MIMUS_OK || rc == MIMUS_ABSENT;
}

}  // namespace mimus::channels
