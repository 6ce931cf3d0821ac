// Channels: the tables mimus.channel/1 and mimus.relay/1, and the clients that a test plays.
#include <algorithm>

#include "mimus/json_text.h"
#include "state.h"

namespace mimus::testing {
namespace {

// ---- mimus.channel/1 -------------------------------------------------------------------

/// OK: the channel takes a message now.
mimus_rc takes(mimus_channel* c) {
  if (const mimus_rc rc = c->host->fault("mimus.channel/1"); rc != MIMUS_OK) return rc;
  if (!c->open) return MIMUS_E_GONE;
  if (!c->slow) return MIMUS_OK;
  c->open = false;  // on_close follows once the hook has returned
  return MIMUS_E_NOSPC;
}
mimus_rc send_event(mimus_channel* c, mimus_str name, mimus_str payload) {
  if (const mimus_rc rc = takes(c); rc != MIMUS_OK) return rc;
  c->sent.push_back({std::string(borrow(name)), std::string(borrow(payload))});
  return MIMUS_OK;
}
mimus_rc close_by_plugin(mimus_channel* c, std::int32_t code, mimus_str reason) {
  if (!c->open) return MIMUS_E_GONE;
  c->open = false;
  c->close_code = code;
  c->close_reason = borrow(reason);
  return MIMUS_OK;
}
mimus_rc channel_timer(mimus_channel* c, std::uint64_t ms, void* ud) {
  if (!c->open) return MIMUS_E_GONE;
  Timer timer{Timer::Kind::channel, nullptr, ud};
  timer.channel = c;
  c->host->timers.emplace(c->host->now + ms, timer);
  return MIMUS_OK;
}
mimus_str client_id(mimus_channel* c) { return lend(c->id); }
mimus_rc send_text(mimus_channel* c, mimus_str text) {
  if (const mimus_rc rc = takes(c); rc != MIMUS_OK) return rc;
  c->texts.emplace_back(borrow(text));
  return MIMUS_OK;
}
mimus_rc send_binary(mimus_channel* c, mimus_str data) {
  if (const mimus_rc rc = takes(c); rc != MIMUS_OK) return rc;
  c->data.emplace_back(borrow(data));
  return MIMUS_OK;
}
mimus_rc join(mimus_channel* c, mimus_str room) {
  if (room.n == 0 || room.n > 128) return MIMUS_E_INVAL;
  if (!c->open) return MIMUS_E_GONE;
  const std::string name(borrow(room));
  if (!c->rooms.contains(name) && c->rooms.size() >= 64) return MIMUS_E_NOSPC;
  c->rooms.insert(name);
  return MIMUS_OK;
}
mimus_rc leave(mimus_channel* c, mimus_str room) {
  if (room.n == 0 || room.n > 128) return MIMUS_E_INVAL;
  c->rooms.erase(std::string(borrow(room)));
  return MIMUS_OK;
}

/// Calls `send` for each channel that a broadcast reaches.
template <class Send>
mimus_rc to_room(mimus_channel* from, mimus_str room, std::int32_t but_me, Send&& send) {
  if (room.n > 128) return MIMUS_E_INVAL;
  if (const mimus_rc rc = from->host->fault("mimus.channel/1"); rc != MIMUS_OK) return rc;
  for (const auto& c : from->host->channels) {
    if (c->bound != from->bound || (but_me != 0 && c.get() == from)) continue;
    if (room.n != 0 && !c->rooms.contains(std::string(borrow(room)))) continue;
    (void)send(c.get());
  }
  return MIMUS_OK;
}
mimus_rc broadcast(mimus_channel* from, mimus_str room, mimus_str name, mimus_str payload,
                   std::int32_t but_me) {
  return to_room(from, room, but_me, [&](mimus_channel* c) { return send_event(c, name, payload); });
}

bool is_array(mimus_str args) { return borrow(args).starts_with('[') && borrow(args).ends_with(']'); }

Channel::Emitted emitted(const mimus_event& event) {
  Channel::Emitted out{std::string(borrow(event.name)), std::string(borrow(event.args)), {}, event.ack};
  for (std::uint32_t i = 0; i < event.n_binaries; ++i) out.binaries.emplace_back(borrow(event.binaries[i]));
  return out;
}
mimus_rc emit(mimus_channel* c, const mimus_event* event) {
  if (!is_array(event->args)) return MIMUS_E_INVAL;
  if (const mimus_rc rc = takes(c); rc != MIMUS_OK) return rc;
  std::vector<std::string_view> each;
  json::elements(borrow(event->args), [&](std::string_view argument) {
    each.push_back(argument);
    return true;
  });
  c->sent.push_back(
      {std::string(borrow(event->name)), std::string(each.size() == 1 ? each.front() : borrow(event->args))});
  c->emitted.push_back(emitted(*event));
  return MIMUS_OK;
}
mimus_rc broadcast_event(mimus_channel* from, mimus_str room, const mimus_event* event, std::int32_t but_me) {
  if (!is_array(event->args)) return MIMUS_E_INVAL;
  mimus_event unasked = *event;
  unasked.ack = -1;
  return to_room(from, room, but_me, [&](mimus_channel* c) { return emit(c, &unasked); });
}
mimus_rc acknowledge(mimus_channel* c, const mimus_event* event) {
  if (!is_array(event->args) || event->ack < 0) return MIMUS_E_INVAL;
  if (!c->client.socket_io) return MIMUS_ABSENT;
  if (const mimus_rc rc = takes(c); rc != MIMUS_OK) return rc;
  c->acknowledged.push_back(emitted(*event));
  c->acknowledged.back().name.clear();
  return MIMUS_OK;
}

mimus_rc attr(mimus_channel* c, mimus_channel_attr which, mimus_str* out) {
  switch (which) {
    case MIMUS_CHANNEL_PROTOCOL:
      *out = lend(c->client.socket_io ? "socket.io" : "websocket");
      return MIMUS_OK;
    case MIMUS_CHANNEL_PATH:
      *out = lend(c->path);
      return MIMUS_OK;
    case MIMUS_CHANNEL_CLIENT_IP:
      *out = lend(c->client.client_ip);
      return MIMUS_OK;
    case MIMUS_CHANNEL_AUTH:
      *out = lend(c->client.auth);
      return MIMUS_OK;
    case MIMUS_CHANNEL_QUERY:
      *out = lend(c->client.query);
      return MIMUS_OK;
    case MIMUS_CHANNEL_SUBPROTOCOL:
      *out = lend(c->client.subprotocol);
      return MIMUS_OK;
    default:
      return MIMUS_ABSENT;
  }
}
mimus_rc misbehave(mimus_channel* c, mimus_channel_fault kind, std::uint64_t value) {
  if (kind < MIMUS_FAULT_DROP || kind > MIMUS_FAULT_SLOW) return MIMUS_E_INVAL;
  if (!c->open) return MIMUS_E_GONE;
  c->faults.push_back({kind, value});
  if (kind == MIMUS_FAULT_DROP) c->open = false;
  return MIMUS_OK;
}

// ---- mimus.relay/1 ---------------------------------------------------------------------

mimus_rc start_relay(mimus_channel* c, const mimus_relay* to) {
  if (const mimus_rc rc = c->host->fault("mimus.relay/1"); rc != MIMUS_OK) return rc;
  if (!c->opening) c->host->misuse("a relay was started outside on_open and on_rebind");
  if (!c->opening || c->relay) return c->relay ? MIMUS_E_NOSPC : MIMUS_E_INVAL;
  const std::string_view url = borrow(to->url);
  const auto is = [&](std::string_view scheme) {
    return url.starts_with(scheme) && url.size() > scheme.size();
  };
  if (!is("ws://") && !is("wss://") && !is("http://") && !is("https://")) return MIMUS_E_INVAL;
  Channel::Relay relay{std::string(url), {}, to->timeout_ms};
  for (std::size_t i = 0; i < to->n_headers; ++i) {
    const std::string_view name = borrow(to->headers[i].name), value = borrow(to->headers[i].value);
    if (!is_field(name, value)) return MIMUS_E_INVAL;
    relay.headers.push_back({std::string(name), std::string(value)});
  }
  c->relay = std::move(relay);
  return MIMUS_OK;
}

// ---- the clients -----------------------------------------------------------------------

const mimus_peer_v1* peer_of(const State& state) { return state.extension_of<mimus_peer_v1>("mimus.peer/1"); }

}  // namespace

const mimus_channel_v1* channel_table() {
  static const mimus_channel_v1 table{
      sizeof table, send_event, close_by_plugin, channel_timer, client_id, send_text,
      send_binary,  join,       leave,           broadcast,     emit,      broadcast_event,
      acknowledge,  attr,       misbehave};
  return &table;
}
const mimus_relay_v1* relay_table() {
  static const mimus_relay_v1 table{sizeof table, start_relay};
  return &table;
}

bool FakeHost::has_peer() const { return peer_of(*state_) != nullptr; }

Handshake FakeHost::handshake(Bound& bound) {
  const auto* const peer = peer_of(*state_);
  mimus_handshake out{sizeof out, 0, 0};
  if (!bound.in_pipeline || !MIMUS_HAS(peer, on_handshake) || peer->on_handshake == nullptr) return {};
  peer->on_handshake(state_->instance, bound.handle, &out);
  if (out.delay_ms > 600'000) state_->misuse("a handshake was delayed for longer than 600000 ms");
  if (out.refuse_with != 0 && (out.refuse_with < 400 || out.refuse_with > 599))
    state_->misuse("a handshake was refused with a status that is none of 400 to 599");
  state_->settle();
  return {out.delay_ms, out.refuse_with};
}

Channel& FakeHost::open(Bound& bound, Client client) {
  State& s = *state_;
  const auto* const peer = peer_of(s);
  if (peer == nullptr) give_up("the plugin has no mimus.peer/1");
  if (!bound.in_pipeline) give_up("open() needs a binding that is in the pipeline");
  s.channels.push_back(std::make_unique<mimus_channel>());
  mimus_channel& c = *s.channels.back();
  c.host = &s;
  c.bound = &bound;
  c.id = "01JCLIENT0000000000000000" + std::to_string(s.channels.size() % 10);
  c.path = bound.path;
  c.client = std::move(client);
  c.opening = true;
  if (peer->on_open != nullptr) peer->on_open(s.instance, bound.handle, &c, &c.context);
  c.opening = false;
  s.close_what_ended();
  s.settle();
  return c;
}

void FakeHost::say(Channel& channel, std::string_view data, bool binary) {
  mimus_channel& c = static_cast<mimus_channel&>(channel);
  const auto* const peer = peer_of(*state_);
  if (c.client.socket_io) give_up("say() is for raw clients: use say_event()");
  if (!c.open || !MIMUS_HAS(peer, on_message) || peer->on_message == nullptr) return;
  peer->on_message(state_->instance, c.bound->handle, &c, &c.context, lend(data), binary ? 1 : 0);
  state_->close_what_ended();
  state_->settle();
}

void FakeHost::say_event(Channel& channel, std::string_view name, std::string_view args,
                         const std::vector<std::string>& binaries, std::int64_t ack) {
  mimus_channel& c = static_cast<mimus_channel&>(channel);
  const auto* const peer = peer_of(*state_);
  if (!c.client.socket_io) give_up("say_event() is for Socket.IO clients: use say()");
  if (!c.open || !MIMUS_HAS(peer, on_event) || peer->on_event == nullptr) return;
  std::vector<mimus_str> lent;
  for (const std::string& one : binaries) lent.push_back(lend(one));
  const mimus_event event{
      sizeof event, static_cast<std::uint32_t>(lent.size()), lend(name), lend(args), lent.data(), ack};
  peer->on_event(state_->instance, c.bound->handle, &c, &c.context, &event);
  state_->close_what_ended();
  state_->settle();
}

void FakeHost::say_ack(Channel& channel, std::int64_t ack, std::string_view args) {
  say_event(channel, "", args, {}, ack);
}

void FakeHost::rebind(Channel& channel, Bound& bound) {
  mimus_channel& c = static_cast<mimus_channel&>(channel);
  const auto* const peer = peer_of(*state_);
  if (!c.open) return;
  if (!bound.in_pipeline) give_up("rebind() needs a binding that is in the pipeline");
  state_->close_channel(c);
  c.open = true;
  c.bound = &bound;
  c.path = bound.path;
  c.context = nullptr;
  c.rooms.clear();
  c.relay.reset();
  const auto hook =
      MIMUS_HAS(peer, on_rebind) && peer->on_rebind != nullptr ? peer->on_rebind : peer->on_open;
  c.opening = true;
  if (hook != nullptr) hook(state_->instance, bound.handle, &c, &c.context);
  c.opening = false;
  state_->close_what_ended();
  state_->settle();
}

void FakeHost::close(Channel& channel) {
  state_->close_channel(static_cast<mimus_channel&>(channel));
  state_->settle();
}

/// Once: on_close, after which nothing of the channel may be called.
void State::close_channel(mimus_channel& c) {
  c.open = false;
  std::erase_if(timers, [&](const auto& entry) { return entry.second.channel == &c; });
  if (c.bound == nullptr) return;
  const auto* const peer = peer_of(*this);
  if (peer->on_close != nullptr) peer->on_close(instance, c.bound->handle, &c, &c.context);
  c.bound = nullptr;
}

void State::close_what_ended() {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (!channels[i]->open && channels[i]->bound != nullptr) close_channel(*channels[i]);
  }
}

}  // namespace mimus::testing
