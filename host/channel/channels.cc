// The table of a worker's channels, by endpoint.
#include "host/channel/channels.h"

#include "host/channel/framing.h"
#include "host/channel/open_channel.h"
#include "mimus/json_text.h"

namespace mimus {

std::string event_text(std::string_view name, std::string_view payload) {
  std::string out;
  out.reserve(name.size() + payload.size() + 24);
  out += R"({"event":)";
  json::quote(out, name);
  out += R"(,"data":)";
  out += payload;
  out += '}';
  return out;
}

bool is_room_name(std::string_view name) { return !name.empty() && name.size() <= max_room_name; }

std::string event_frame(std::string_view name, std::string_view payload) {
  return frame(Opcode::text, event_text(name, payload));
}

void ChannelTable::State::add(OpenChannel& channel) {
  ChannelLine& line = lines[channel.endpoint()];
  channel.previous = line.last;
  (line.last != nullptr ? line.last->next : line.first) = &channel;
  line.last = &channel;
}

void ChannelTable::State::remove(OpenChannel& channel) {
  const auto at = lines.find(channel.endpoint());
  ChannelLine& line = at->second;
  (channel.previous != nullptr ? channel.previous->next : line.first) = channel.next;
  (channel.next != nullptr ? channel.next->previous : line.last) = channel.previous;
  if (line.first == nullptr) lines.erase(at);
}

OpenChannel* ChannelTable::State::first(const Ulid& endpoint) const {
  const auto at = lines.find(endpoint);
  return at == lines.end() ? nullptr : at->second.first;
}

ChannelTable::ChannelTable(Loop& loop, const Clock& clock, ChannelOptions options)
    : state_(std::make_unique<State>(loop, clock, options)) {}

ChannelTable::~ChannelTable() {
  while (!state_->lines.empty()) state_->lines.begin()->second.first->detach();
}

std::unique_ptr<Takeover> ChannelTable::make(const Ulid& endpoint, std::string client_ip,
                                             std::unique_ptr<ChannelBehaviour> behaviour) {
  return std::make_unique<OpenChannel>(*state_, endpoint, std::move(client_ip), std::move(behaviour));
}

void ChannelTable::list(const Ulid& endpoint, std::vector<ChannelInfo>& out) const {
  for (const OpenChannel* c = state_->first(endpoint); c != nullptr; c = c->next) {
    if (c->is_open()) out.push_back(c->info());
  }
}

std::size_t ChannelTable::broadcast(const Ulid& endpoint, std::string_view framed) {
  return broadcast(endpoint, {}, framed, nullptr);
}

std::size_t ChannelTable::broadcast(const Ulid& endpoint, const std::string& room, std::string_view framed,
                                    const Channel* except) {
  std::size_t sent = 0;
  const auto send = [&](OpenChannel& channel) {
    if (&channel != except && channel.send_frame(framed)) ++sent;
  };
  const auto line = state_->lines.find(endpoint);
  if (line == state_->lines.end()) return 0;
  if (room.empty()) {
    for (OpenChannel* c = line->second.first; c != nullptr; c = c->next) send(*c);
  } else if (const auto members = line->second.rooms.find(room); members != line->second.rooms.end()) {
    // A peer that reads too slowly is closed, and leaves: not while this runs over the room.
    const std::vector<OpenChannel*> now(members->second.begin(), members->second.end());
    for (OpenChannel* const c : now) send(*c);
  }
  return sent;
}

bool ChannelTable::close(const Ulid& endpoint, const Ulid& channel, int code, std::string_view reason) {
  for (OpenChannel* c = state_->first(endpoint); c != nullptr; c = c->next) {
    if (!c->is_open() || c->id() != channel) continue;
    c->close(code, reason);
    return true;
  }
  return false;
}

void ChannelTable::close_users(const void* plugin, int code, std::string_view reason) {
  std::vector<OpenChannel*> users;  // closing may change the lines
  for (const auto& [endpoint, line] : state_->lines) {
    for (OpenChannel* c = line.first; c != nullptr; c = c->next) {
      if (c->is_open() && c->uses(plugin)) users.push_back(c);
    }
  }
  for (OpenChannel* const c : users) c->close(code, reason);
}

std::size_t ChannelTable::count(const Ulid& endpoint, std::string_view client_ip) const {
  std::size_t out = 0;
  for (const OpenChannel* c = state_->first(endpoint); c != nullptr; c = c->next) {
    if (c->is_open() && c->info().client_ip == client_ip) ++out;
  }
  return out;
}

std::size_t ChannelTable::size() const { return state_->open; }

}  // namespace mimus
