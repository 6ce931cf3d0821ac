#include "host/channel/engine_websocket.h"

#include <utility>

namespace mimus {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds close_timeout{5'000};
/// Silence after which a failed client has read why.
constexpr milliseconds quiet{100};
/// A text of one byte under a reserved opcode and all reserved bits.
constexpr std::string_view garbage = "\xf3\x01?";
constexpr std::size_t max_slow_bytes = 1 << 20;

}  // namespace

EngineWebSocket::EngineWebSocket(EngineTable::State& table, EngineOrigin origin)
    : arrival_(new Arrival{&table, std::move(origin), {}}), reader_(table.options.max_payload) {
  watch_.socket = this;
  watch_.fire = [](Timer& timer) { static_cast<Watch&>(timer).socket->watch(); };
}

EngineWebSocket::EngineWebSocket(EngineTable::State& table, std::string_view sid)
    : EngineWebSocket(table, EngineOrigin{}) {
  arrival_->sid = sid;
}

EngineWebSocket::~EngineWebSocket() { on_closed(); }

void EngineWebSocket::on_start(Wire& wire) {
  wire_ = &wire;
  const std::unique_ptr<Arrival> arrival = std::move(arrival_);
  EngineTable::State& table = *arrival->table;
  if (arrival->sid.empty()) {
    session_ = table.add(std::move(arrival->origin));
    if (session_ == nullptr) return close(1013);
    return session_->begin(this);
  }
  LiveSession* const found = table.find(arrival->sid);
  if (found == nullptr || !found->is_open() || !found->polls() || found->is_upgrading()) return close();
  session_ = found;
  arm(table.options.upgrade_timeout);
  session_->probe(*this);
}

void EngineWebSocket::on_bytes(std::string_view data) {
  if (phase_ == Phase::failing) heard_ = wire_->loop().now();
  if (phase_ != Phase::open && phase_ != Phase::closing) return;
  if (const int code = reader_.feed(data, *this); code != 0) fail(code);
}

void EngineWebSocket::on_message(Opcode opcode, std::string_view payload) {
  if (opcode == Opcode::close) return answer_close(payload);
  if (phase_ != Phase::open || opcode == Opcode::pong) return;
  LiveSession& session = *session_;
  if (opcode == Opcode::ping) {
    if (!send(frame(Opcode::pong, payload))) session.on_gone(*this);
  } else if (opcode == Opcode::binary) {
    session.on_packet(*this, {EngineType::message, true, payload});
  } else {
    std::string scratch;
    const std::optional<EnginePacket> packet = engine_packet(payload, scratch);
    if (!packet) return session.on_bad_packet(*this);
    session.on_packet(*this, *packet);
  }
}

void EngineWebSocket::answer_close(std::string_view payload) {
  const ClosePayload said = read_close_payload(payload);
  if (said.failure != 0) return fail(said.failure);
  if (LiveSession* const session = std::exchange(session_, nullptr)) {
    send(frame(Opcode::close, close_payload(said.code, {})));
    session->on_gone(*this);
  }
  hang_up();
}

void EngineWebSocket::fail(int code) {
  if (phase_ != Phase::open && phase_ != Phase::closing) return;
  const bool said_goodbye = phase_ == Phase::closing;
  LiveSession* const session = std::exchange(session_, nullptr);
  phase_ = Phase::failing;
  heard_ = wire_->loop().now();
  give_up_ = heard_ + close_timeout;
  arm(quiet);
  if (!said_goodbye) send(frame(Opcode::close, close_payload(code, {})));
  if (session != nullptr) session->on_gone(*this);
}

void EngineWebSocket::on_drain() {
  if (session_ != nullptr) session_->drain();
}

void EngineWebSocket::on_closed() {
  LiveSession* const session = std::exchange(session_, nullptr);
  slow_.reset();
  over();
  wire_ = nullptr;
  if (session != nullptr) session->on_gone(*this);
}

bool EngineWebSocket::send(std::string_view framed) {
  if (phase_ == Phase::over) return false;
  if (slow_ != nullptr ? slow_->write(framed) : wire_->write(framed)) return true;
  if (slow_ != nullptr) wire_->close_now();
  over();
  return false;
}

void EngineWebSocket::close(int code) {
  session_ = nullptr;
  if (phase_ != Phase::open) return;
  phase_ = Phase::closing;
  arm(close_timeout);
  send(frame(Opcode::close, close_payload(code, {})));
}

void EngineWebSocket::cut() {
  if (phase_ == Phase::over) return;
  over();
  wire_->close_now();
}

void EngineWebSocket::send_garbage() { send(garbage); }

void EngineWebSocket::slow_down(std::uint64_t bytes_per_second) {
  if (phase_ == Phase::over) return;
  if (slow_ == nullptr) slow_ = std::make_unique<Throttle>(*wire_, bytes_per_second, max_slow_bytes);
  slow_->set(bytes_per_second);
}

void EngineWebSocket::settle_in() { wire_->loop().disarm(watch_); }

void EngineWebSocket::over() {
  session_ = nullptr;
  phase_ = Phase::over;
  if (wire_ != nullptr) wire_->loop().disarm(watch_);
}

void EngineWebSocket::hang_up() {
  if (phase_ == Phase::over) return;
  over();
  if (slow_ != nullptr) return slow_->close_after_write();
  wire_->close_after_write();
}

void EngineWebSocket::watch() {
  const auto now = wire_->loop().now();
  switch (phase_) {
    case Phase::open:  // no upgrade came
      if (LiveSession* const session = session_) session->on_gone(*this);
      return close();
    case Phase::failing:
      if (now - heard_ < quiet && now < give_up_) return arm(quiet);
      return hang_up();
    case Phase::closing:
      return cut();
    case Phase::over:
      return;
  }
}

}  // namespace mimus
