// One peer: bytes to messages, timers, pings and the two close handshakes.
#include "host/channel/open_channel.h"

#include <algorithm>
#include <utility>

namespace mimus {
namespace {

using std::chrono::milliseconds;

/// Silence after which a failed peer has read why.
constexpr milliseconds quiet{100};

milliseconds round_up(std::chrono::microseconds time) { return std::chrono::ceil<milliseconds>(time); }

}  // namespace

OpenChannel::OpenChannel(ChannelTable::State& table, const Ulid& endpoint, std::string client_ip,
                         std::unique_ptr<ChannelBehaviour> behaviour)
    : table_(&table), behaviour_(std::move(behaviour)), reader_(table.options.max_message_bytes) {
  info_.id = table.ulids.next(table.clock.wall_us());
  info_.endpoint = endpoint;
  info_.client_ip = std::move(client_ip);
  watch_.channel = this;
  watch_.fire = [](Timer& timer) { static_cast<Watch&>(timer).channel->watch(); };
  table.add(*this);
}

OpenChannel::~OpenChannel() { detach(); }

void OpenChannel::on_start(Wire& wire) {
  wire_ = &wire;
  if (table_ == nullptr) return hang_up();
  phase_ = Phase::open;
  ++table_->open;
  heard_ = table_->loop.now();
  info_.since_us = table_->clock.wall_us();
  table_->loop.arm(watch_, table_->options.ping_interval);
  opened_ = true;
  behaviour_->on_open(*this);
}

void OpenChannel::on_bytes(std::string_view data) {
  if (table_ == nullptr) return;
  heard_ = table_->loop.now();
  pinged_ = false;
  info_.bytes_in += data.size();
  if (phase_ != Phase::open && phase_ != Phase::closing) return;
  if (const int code = reader_.feed(data, *this); code != 0) fail(code);
}

void OpenChannel::on_message(Opcode opcode, std::string_view payload) {
  if (opcode == Opcode::close) return answer_close(payload);
  if (phase_ != Phase::open) return;
  if (opcode == Opcode::ping) {
    write(frame(Opcode::pong, payload));
  } else if (opcode != Opcode::pong) {
    ++info_.messages_in;
    behaviour_->on_message(*this, opcode == Opcode::binary, payload);
  }
}

void OpenChannel::answer_close(std::string_view payload) {
  const ClosePayload said = read_close_payload(payload);
  if (said.failure != 0) return fail(said.failure);
  if (phase_ == Phase::open) {
    move_to(Phase::closing);
    write(frame(Opcode::close, close_payload(said.code, {})));
  }
  if (phase_ == Phase::closing) hang_up();
}

void OpenChannel::fail(int code) {
  if (phase_ != Phase::open && phase_ != Phase::closing) return;
  const bool said_goodbye = phase_ == Phase::closing;
  move_to(Phase::failing);
  give_up_ = table_->loop.now() + table_->options.close_timeout;
  table_->loop.arm(watch_, quiet);
  if (!said_goodbye) write(frame(Opcode::close, close_payload(code, {})));
}

void OpenChannel::on_drain() { close(1001, {}); }

void OpenChannel::close(int code, std::string_view reason) {
  if (phase_ != Phase::open) return;
  move_to(Phase::closing);
  table_->loop.arm(watch_, table_->options.close_timeout);
  write(frame(Opcode::close, close_payload(valid_close_code(code) ? code : 0, reason)));
}

bool OpenChannel::send_event(std::string_view name, std::string_view payload) {
  return phase_ == Phase::open && send_frame(event_frame(name, payload));
}

bool OpenChannel::send_frame(std::string_view framed) {
  if (phase_ != Phase::open || !write(framed)) return false;
  ++info_.messages_out;
  return true;
}

bool OpenChannel::start_timer(milliseconds after, std::size_t plugin, void* ud) {
  if (phase_ != Phase::open || pending_.size() >= table_->options.max_timers) return false;
  if (!spare_) spare_ = std::make_unique<Pending>();
  Pending& pending = *spare_;
  pending.channel = this;
  pending.index = pending_.size();
  pending.plugin = plugin;
  pending.ud = ud;
  pending.Timer::fire = [](Timer& timer) {
    Pending& fired = static_cast<Pending&>(timer);
    fired.channel->fire(fired);
  };
  pending_.push_back(std::move(spare_));
  table_->loop.arm(pending, after);
  return true;
}

void OpenChannel::fire(Pending& pending) {
  const std::size_t plugin = pending.plugin;
  void* const ud = pending.ud;
  std::swap(pending_[pending.index], pending_.back());
  pending_[pending.index]->index = pending.index;
  spare_ = std::move(pending_.back());
  pending_.pop_back();
  behaviour_->on_timer(*this, plugin, ud);
}

bool OpenChannel::write(std::string_view framed) {
  info_.bytes_out += framed.size();
  if (wire_->write(framed)) return true;
  move_to(Phase::closed);  // too slow; on_closed follows
  return false;
}

void OpenChannel::hang_up() {
  move_to(Phase::closed);
  wire_->close_after_write();
}

void OpenChannel::move_to(Phase to) {
  if (table_ != nullptr) {
    if (phase_ == Phase::open) --table_->open;
    table_->loop.disarm(watch_);
    for (const auto& pending : pending_) table_->loop.disarm(*pending);
  }
  pending_.clear();
  leave_rooms();
  phase_ = to;
}

Channel::Joined OpenChannel::join(std::string_view room) {
  if (!is_room_name(room)) return Joined::bad_name;
  if (phase_ != Phase::open) return Joined::closed;
  if (std::find(rooms_.begin(), rooms_.end(), room) != rooms_.end()) return Joined::yes;
  if (rooms_.size() >= max_rooms) return Joined::too_many;
  rooms_.emplace_back(room);
  table_->lines[endpoint()].rooms[rooms_.back()].insert(this);
  return Joined::yes;
}

void OpenChannel::leave(std::string_view room) {
  const auto mine = std::find(rooms_.begin(), rooms_.end(), room);
  if (mine == rooms_.end()) return;
  auto& rooms = table_->lines[endpoint()].rooms;
  const auto at = rooms.find(*mine);
  at->second.erase(this);
  if (at->second.empty()) rooms.erase(at);
  rooms_.erase(mine);
}

void OpenChannel::leave_rooms() {
  while (!rooms_.empty()) leave(std::string(rooms_.back()));
}

void OpenChannel::watch() {
  const auto now = table_->loop.now();
  switch (phase_) {
    case Phase::open:
      return watch_idle();
    case Phase::failing:
      if (now - heard_ < quiet && now < give_up_) return table_->loop.arm(watch_, quiet);
      return hang_up();
    default:
      move_to(Phase::closed);
      wire_->close_now();
  }
}

void OpenChannel::watch_idle() {
  if (pinged_) {
    move_to(Phase::closed);
    return wire_->close_now();
  }
  const ChannelOptions& options = table_->options;
  const auto silent = table_->loop.now() - heard_;
  if (silent < options.ping_interval) {
    return table_->loop.arm(watch_, round_up(options.ping_interval - silent));
  }
  pinged_ = true;
  table_->loop.arm(watch_, options.ping_timeout);
  write(frame(Opcode::ping, {}));
}

void OpenChannel::on_closed() { detach(); }

void OpenChannel::detach() {
  move_to(Phase::closed);
  if (std::exchange(opened_, false)) behaviour_->on_close(*this);
  behaviour_.reset();
  if (table_ != nullptr) std::exchange(table_, nullptr)->remove(*this);
}

}  // namespace mimus
