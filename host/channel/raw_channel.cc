// One peer: frames to messages, pings, pauses.
#include "host/channel/raw_channel.h"

#include <utility>

namespace mimus {
namespace {

using std::chrono::milliseconds;

/// Bytes between two looks at whether the channel is stopped, where they may become a thousand
/// times as many: compressed messages, and small ones that the journal keeps.
constexpr std::size_t small_step = 1024;

milliseconds round_up(std::chrono::microseconds time) { return std::chrono::ceil<milliseconds>(time); }

}  // namespace

RawChannel::RawChannel(ChannelTable::State& table, const Ulid& id, const Ulid& endpoint, ChannelOrigin origin,
                       ChannelRules rules, std::unique_ptr<ChannelBehaviour> behaviour)
    : BaseChannel(table, id, endpoint, std::move(origin), rules, std::move(behaviour)),
      wire_(table.options.close_timeout, table.options.max_slow_bytes),
      reader_(table.options.max_message_bytes, {.deflate = rules.deflate_window_bits != 0, .client = false}) {
  watch_.channel = this;
  watch_.fire = [](Timer& timer) { static_cast<Watch&>(timer).channel->watch(); };
}

RawChannel::~RawChannel() { on_closed(); }

void RawChannel::on_start(Wire& wire) {
  wire_.start(wire);
  if (!attached()) return wire_.hang_up();
  heard_ = table().loop.now();
  table().loop.arm(watch_, table().options.ping_interval);
  open();
}

void RawChannel::on_bytes(std::string_view data) {
  if (!attached()) return;
  heard_ = table().loop.now();
  pinged_ = false;
  wire_.heard();
  count_bytes_in(data.size());
  if (held_.empty()) return feed(data);
  held_ += data;
  feed(std::exchange(held_, {}));
}

void RawChannel::feed(std::string_view data) {
  const std::size_t step = rules().deflate_window_bits != 0 || captures() ? small_step : data.size();
  while (!data.empty() && wire_.reads()) {
    if (is_stopped()) {
      held_ = data;
      return;
    }
    const std::string_view some = data.substr(0, step);
    data.remove_prefix(some.size());
    if (const int code = reader_.feed(some, *this); code != 0) return fail(code);
  }
}

void RawChannel::on_message(Opcode opcode, std::string_view payload) {
  if (opcode == Opcode::close) return answer_close(payload);
  if (phase() != Phase::open) return;
  if (opcode == Opcode::ping) {
    if (!ignores_pings_) write(frame(Opcode::pong, payload));
  } else if (opcode != Opcode::pong && count_in()) {
    take_message(opcode == Opcode::binary, payload);
  }
}

void RawChannel::answer_close(std::string_view payload) {
  const ClosePayload said = read_close_payload(payload);
  if (said.failure != 0) return fail(said.failure);
  end_with(said.code == 0 ? 1005 : said.code, payload.substr(payload.empty() ? 0 : 2));
  end(Phase::closed);
  wire_.answer(said.code);
}

void RawChannel::fail(int code) {
  if (!wire_.reads()) return;
  end_with(code, {});
  end(Phase::closing);
  wire_.fail(code);
}

void RawChannel::on_flushed() {
  if (phase() == Phase::open && queued() == 0) tell_flushed();
}

std::size_t RawChannel::queued() const { return phase() == Phase::open ? wire_.queued() : 0; }

void RawChannel::pause() {
  if (phase() != Phase::open || std::exchange(paused_, true)) return;
  stop_reading();
}

void RawChannel::resume() {
  if (std::exchange(paused_, false)) read_on();
}

void RawChannel::stop_reading() { wire_.wire().pause(); }

void RawChannel::read_on() {
  if (is_stopped()) return;
  heard_ = table().loop.now();
  pinged_ = false;
  if (held_.empty()) return wire_.wire().resume();
  table().loop.arm(watch_, milliseconds(0));  // Not from within.
}

void RawChannel::feed_held() {
  feed(std::exchange(held_, {}));
  if (phase() != Phase::open) return;
  table().loop.arm(watch_, table().options.ping_interval);
  if (!is_stopped()) wire_.wire().resume();
}

void RawChannel::on_drain() { close(1001, {}); }

void RawChannel::close(int code, std::string_view reason) {
  if (phase() != Phase::open) return;
  const int said = valid_close_code(code) ? code : 0;
  end_with(said == 0 ? 1005 : said, reason);
  end(Phase::closing);
  wire_.close(said, reason);
}

bool RawChannel::fault(ChannelFault how, std::uint64_t value) {
  if (phase() != Phase::open) return false;
  switch (how) {
    case ChannelFault::drop:
      cut();
      break;
    case ChannelFault::garbage:
      wire_.send_garbage();
      break;
    case ChannelFault::ignore_pings:
      ignores_pings_ = true;
      break;
    case ChannelFault::slow:
      wire_.slow_down(value);
      break;
  }
  return true;
}

BaseChannel::Sent RawChannel::transmit(Outgoing& message) {
  if (message.kind() == Outgoing::Kind::acknowledgement) return Sent::left_out;
  return write(message.raw_frame(rules().deflate_window_bits)) ? Sent::sent : Sent::failed;
}

void RawChannel::disarm() { table().loop.disarm(watch_); }

bool RawChannel::write(std::string_view framed) {
  if (wire_.write(framed)) return true;
  end(Phase::closed);  // too slow; on_closed follows
  return false;
}

void RawChannel::cut() {
  end(Phase::closed);
  wire_.cut();
}

void RawChannel::end(Phase phase) {
  if (attached()) disarm();
  const bool stopped = is_stopped();
  paused_ = false;
  if (stopped || !held_.empty()) wire_.wire().resume();  // The peer's goodbye must get through.
  move_to(phase);
}

void RawChannel::watch() {
  const ChannelOptions& options = table().options;
  if (is_stopped()) return table().loop.arm(watch_, options.ping_interval);  // Whom nobody reads is silent.
  if (!held_.empty()) return feed_held();
  if (pinged_) return cut();
  const auto silent = table().loop.now() - heard_;
  if (silent < options.ping_interval) {
    return table().loop.arm(watch_, round_up(options.ping_interval - silent));
  }
  pinged_ = true;
  table().loop.arm(watch_, options.ping_timeout);
  write(frame(Opcode::ping, {}));
}

void RawChannel::on_closed() {
  detach();
  wire_.leave();
}

}  // namespace mimus
