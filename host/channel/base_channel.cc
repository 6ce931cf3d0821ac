#include "host/channel/base_channel.h"

#include <algorithm>
#include <utility>

namespace mimus {

BaseChannel::BaseChannel(ChannelTable::State& table, const Ulid& id, const Ulid& endpoint,
                         ChannelOrigin origin, ChannelRules rules,
                         std::unique_ptr<ChannelBehaviour> behaviour)
    : table_(&table), behaviour_(std::move(behaviour)), origin_(std::move(origin)), rules_(rules) {
  info_.id = id;
  info_.endpoint = endpoint;
  table.add(*this);
}

BaseChannel::~BaseChannel() = default;

ChannelInfo BaseChannel::info() const {
  return {info_.id,          info_.endpoint,     origin_.protocol, origin_.client_ip, info_.since_us,
          info_.messages_in, info_.messages_out, info_.bytes_in,   bytes_out()};
}

void BaseChannel::open() {
  phase_ = Phase::open;
  ++table_->open;
  info_.since_us = table_->clock.wall_us();
  captures_ = behaviour_->captures();
  opened_ = true;
  if (table_->observer != nullptr) table_->observer->on_open(*this);
  std::string().swap(origin_.user_agent);
  behaviour_->on_open(*this);
}

void BaseChannel::rebind(std::unique_ptr<ChannelBehaviour> successor, std::uint32_t messages_per_second) {
  rules_.messages_per_second = messages_per_second;
  end_timers();
  leave_rooms();
  behaviour_->on_close(*this);
  behaviour_ = std::move(successor);
  captures_ = behaviour_->captures();
  if (phase_ == Phase::open) behaviour_->on_rebind(*this);
}

bool BaseChannel::count_in() {
  if (rules_.messages_per_second != 0) {
    const std::int64_t now = table_->loop.now().count();
    if (now - second_ >= 1'000'000) {
      second_ = now;
      seen_ = 0;
    }
    if (++seen_ > rules_.messages_per_second) {
      close(1008, "too many messages");
      return false;
    }
  }
  ++info_.messages_in;
  return true;
}

bool BaseChannel::observed() const {
  return table_->observer != nullptr &&
         (captures_ || (!table_->watched.empty() && table_->watched.contains(info_.endpoint)));
}

void BaseChannel::take_message(bool binary, std::string_view payload) {
  if (observed()) {
    table_->observer->on_message(
        *this, {binary ? Outgoing::Kind::binary : Outgoing::Kind::text, false, {}, payload, {}, -1});
    if (captures_ && table_->observer->is_full()) hold();
  }
  behaviour_->on_message(*this, binary, payload);
}

void BaseChannel::take_event(const IncomingEvent& event) {
  if (observed()) {
    table_->observer->on_message(
        *this, {event.name.empty() ? Outgoing::Kind::acknowledgement : Outgoing::Kind::event, false,
                event.name, event.args, event.binaries, event.ack});
  }
  behaviour_->on_event(*this, event);
}

void BaseChannel::hold() {
  if (std::exchange(is_held_, true)) return;
  table_->held.push_back(this);
  stop_reading();
}

void BaseChannel::let_go() {
  is_held_ = false;
  read_on();
}

bool BaseChannel::send(Outgoing& message) {
  if (phase_ != Phase::open) return false;
  const Sent sent = transmit(message);
  if (sent != Sent::sent) return sent == Sent::left_out;
  ++info_.messages_out;
  if (observed()) {
    const EventParts& parts = message.parts();
    const std::vector<std::string_view> binaries(parts.binaries.begin(), parts.binaries.end());
    const bool event =
        message.kind() == Outgoing::Kind::event || message.kind() == Outgoing::Kind::acknowledgement;
    table_->observer->on_message(
        *this, {message.kind(), true, parts.name,
                event ? std::string_view(parts.args) : message.raw_payload(), binaries, parts.ack});
  }
  return true;
}

bool BaseChannel::start_timer(std::chrono::milliseconds after, std::size_t plugin, void* ud) {
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

void BaseChannel::fire(Pending& pending) {
  const std::size_t plugin = pending.plugin;
  void* const ud = pending.ud;
  std::swap(pending_[pending.index], pending_.back());
  pending_[pending.index]->index = pending.index;
  spare_ = std::move(pending_.back());
  pending_.pop_back();
  behaviour_->on_timer(*this, plugin, ud);
}

void BaseChannel::end_with(int code, std::string_view reason) {
  if (end_code_ != 0) return;
  end_code_ = code;
  end_reason_ = reason;
}

void BaseChannel::end_timers() {
  for (const auto& pending : pending_) table_->loop.disarm(*pending);
  pending_.clear();
}

void BaseChannel::move_to(Phase to) {
  if (table_ != nullptr) {
    if (phase_ == Phase::open) --table_->open;
    if (std::exchange(is_held_, false)) std::erase(table_->held, this);
    end_timers();
    leave_rooms();
  }
  phase_ = to;
}

Channel::Joined BaseChannel::join(std::string_view room) {
  if (!is_room_name(room)) return Joined::bad_name;
  if (phase_ != Phase::open) return Joined::closed;
  if (std::find(rooms_.begin(), rooms_.end(), room) != rooms_.end()) return Joined::yes;
  if (rooms_.size() >= max_rooms) return Joined::too_many;
  rooms_.emplace_back(room);
  table_->lines[endpoint()].rooms[rooms_.back()].insert(this);
  return Joined::yes;
}

void BaseChannel::leave(std::string_view room) {
  const auto mine = std::find(rooms_.begin(), rooms_.end(), room);
  if (mine == rooms_.end()) return;
  auto& rooms = table_->lines[endpoint()].rooms;
  const auto at = rooms.find(*mine);
  at->second.erase(this);
  if (at->second.empty()) rooms.erase(at);
  rooms_.erase(mine);
}

void BaseChannel::leave_rooms() {
  while (!rooms_.empty()) leave(std::string(rooms_.back()));
}

void BaseChannel::detach() {
  if (table_ == nullptr) return;
  disarm();
  move_to(Phase::closed);
  if (std::exchange(opened_, false)) {
    if (table_->observer != nullptr)
      table_->observer->on_close(*this, end_code_ == 0 ? 1006 : end_code_, end_reason_);
    behaviour_->on_close(*this);
  }
  behaviour_.reset();
  std::exchange(table_, nullptr)->remove(*this);
}

}  // namespace mimus
