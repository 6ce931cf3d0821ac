// The table of a worker's channels, by endpoint.
#include "host/channel/channels.h"

#include <utility>

#include "host/channel/raw_channel.h"

namespace mimus {

bool is_room_name(std::string_view name) { return !name.empty() && name.size() <= max_room_name; }

std::string_view name_of(ChannelProtocol protocol) {
  return protocol == ChannelProtocol::websocket ? "websocket" : "socket.io";
}

void ChannelTable::State::add(BaseChannel& channel) {
  ChannelLine& line = lines[channel.endpoint()];
  channel.previous = line.last;
  (line.last != nullptr ? line.last->next : line.first) = &channel;
  line.last = &channel;
}

void ChannelTable::State::remove(BaseChannel& channel) {
  const auto at = lines.find(channel.endpoint());
  ChannelLine& line = at->second;
  (channel.previous != nullptr ? channel.previous->next : line.first) = channel.next;
  (channel.next != nullptr ? channel.next->previous : line.last) = channel.previous;
  if (line.first == nullptr) lines.erase(at);
}

BaseChannel* ChannelTable::State::first(const Ulid& endpoint) const {
  const auto at = lines.find(endpoint);
  return at == lines.end() ? nullptr : at->second.first;
}

BaseChannel* ChannelTable::State::find_open(const Ulid& endpoint, const Ulid& channel) const {
  for (BaseChannel* c = first(endpoint); c != nullptr; c = c->next) {
    if (c->is_open() && c->id() == channel) return c;
  }
  return nullptr;
}

ChannelTable::ChannelTable(Loop& loop, const Clock& clock, ChannelOptions options)
    : state_(std::make_unique<State>(loop, clock, options)) {}

const ChannelOptions& ChannelTable::options() const { return state_->options; }

ChannelTable::~ChannelTable() {
  while (!state_->lines.empty()) state_->lines.begin()->second.first->detach();
}

void ChannelTable::observe(ChannelObserver* observer) { state_->observer = observer; }

void ChannelTable::tell_refused(const ChannelRefusal& refusal) {
  if (state_->observer != nullptr) state_->observer->on_refused(refusal);
}

std::unique_ptr<Takeover> ChannelTable::make(const Ulid& id, const Ulid& endpoint, ChannelOrigin origin,
                                             ChannelRules rules,
                                             std::unique_ptr<ChannelBehaviour> behaviour) {
  return std::make_unique<RawChannel>(*state_, id, endpoint, std::move(origin), rules, std::move(behaviour));
}

Ulid ChannelTable::next_id() { return state_->ulids.next(state_->clock.wall_us()); }

void ChannelTable::list(const Ulid& endpoint, std::vector<ChannelInfo>& out) const {
  for (const BaseChannel* c = state_->first(endpoint); c != nullptr; c = c->next) {
    if (c->is_open()) out.push_back(c->info());
  }
}

std::size_t ChannelTable::broadcast(const Ulid& endpoint, const std::string& room, Outgoing& message,
                                    const Channel* except) {
  std::size_t sent = 0;
  const auto send = [&](BaseChannel& channel) {
    if (&channel != except && channel.send(message)) ++sent;
  };
  const auto line = state_->lines.find(endpoint);
  if (line == state_->lines.end()) return 0;
  if (room.empty()) {
    for (BaseChannel* c = line->second.first; c != nullptr; c = c->next) send(*c);
  } else if (const auto members = line->second.rooms.find(room); members != line->second.rooms.end()) {
    // A peer that reads too slowly is closed, and leaves: not while this runs over the room.
    const std::vector<BaseChannel*> now(members->second.begin(), members->second.end());
    for (BaseChannel* const c : now) send(*c);
  }
  return sent;
}

bool ChannelTable::send(const Ulid& endpoint, const Ulid& channel, Outgoing& message) {
  BaseChannel* const to = state_->find_open(endpoint, channel);
  return to != nullptr && to->send(message);
}

bool ChannelTable::close(const Ulid& endpoint, const Ulid& channel, int code, std::string_view reason) {
  BaseChannel* const one = state_->find_open(endpoint, channel);
  if (one != nullptr) one->close(code, reason);
  return one != nullptr;
}

std::size_t ChannelTable::close_all(const Ulid& endpoint, int code, std::string_view reason) {
  std::size_t closed = 0;
  for (BaseChannel *c = state_->first(endpoint), *next = nullptr; c != nullptr; c = next) {
    next = c->next;
    if (!c->is_open()) continue;
    c->close(code, reason);
    ++closed;
  }
  return closed;
}

std::size_t ChannelTable::rebind(
    const Ulid& endpoint, std::uint32_t messages_per_second,
    const std::function<std::unique_ptr<ChannelBehaviour>(const Channel&)>& next) {
  std::size_t bound = 0;
  for (BaseChannel* c = state_->first(endpoint); c != nullptr; c = c->next) {
    if (!c->is_open()) continue;
    c->rebind(next(*c), messages_per_second);
    ++bound;
  }
  return bound;
}

void ChannelTable::watch(const Ulid& endpoint, bool on) {
  unsigned& watchers = state_->watched[endpoint];
  watchers += on ? 1 : -1;
  if (watchers == 0) state_->watched.erase(endpoint);
}

void ChannelTable::close_users(const void* plugin, int code, std::string_view reason) {
  std::vector<BaseChannel*> users;  // closing may change the lines
  for (const auto& [endpoint, line] : state_->lines) {
    for (BaseChannel* c = line.first; c != nullptr; c = c->next) {
      if (c->is_open() && c->uses(plugin)) users.push_back(c);
    }
  }
  for (BaseChannel* const c : users) c->close(code, reason);
}

void ChannelTable::close_but(const std::function<bool(const Ulid&)>& keep, int code,
                             std::string_view reason) {
  std::vector<Ulid> gone;  // closing may change the lines
  for (const auto& [endpoint, line] : state_->lines) {
    if (!keep(endpoint)) gone.push_back(endpoint);
  }
  for (const Ulid& endpoint : gone) close_all(endpoint, code, reason);
}

void ChannelTable::read_on() {
  for (BaseChannel* const held : std::exchange(state_->held, {})) held->let_go();
}

std::size_t ChannelTable::count(const Ulid& endpoint, std::string_view client_ip) const {
  std::size_t out = 0;
  for (const BaseChannel* c = state_->first(endpoint); c != nullptr; c = c->next) {
    if (c->is_open() && c->info().client_ip == client_ip) ++out;
  }
  return out;
}

std::size_t ChannelTable::size() const { return state_->open; }

}  // namespace mimus
