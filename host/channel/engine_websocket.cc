#include "host/channel/engine_websocket.h"

#include <utility>

namespace mimus {

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
  wire_.start(wire);
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
  wire.loop().arm(watch_, table.options.upgrade_timeout);
  session_->probe(*this);
}

void EngineWebSocket::on_bytes(std::string_view data) {
  wire_.heard();
  if (!wire_.reads()) return;
  const int code = reader_.feed(data, *this);
  if (code == 0 || !wire_.reads()) return;
  LiveSession* const session = part();
  wire_.fail(code);
  if (session != nullptr) session->on_gone(*this);
}

void EngineWebSocket::on_message(Opcode opcode, std::string_view payload) {
  if (opcode == Opcode::close) return answer_close(payload);
  if (!wire_.is_open() || opcode == Opcode::pong) return;
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
  LiveSession* const session = part();
  if (said.failure != 0) {
    wire_.fail(said.failure);
  } else {
    wire_.answer(said.code);
  }
  if (session != nullptr) session->on_gone(*this);
}

void EngineWebSocket::on_drain() {
  if (session_ != nullptr) session_->drain();
}

void EngineWebSocket::on_closed() {
  LiveSession* const session = part();
  wire_.leave();
  if (session != nullptr) session->on_gone(*this);
}

bool EngineWebSocket::send(std::string_view framed) {
  if (wire_.write(framed)) return true;
  part();
  return false;
}

void EngineWebSocket::close(int code) {
  part();
  wire_.close(code, {});
}

void EngineWebSocket::cut() {
  part();
  wire_.cut();
}

void EngineWebSocket::settle_in() {
  if (watch_.armed()) wire_.wire().loop().disarm(watch_);
}

/// It and its session do not know each other any more, once the session is told.
LiveSession* EngineWebSocket::part() {
  settle_in();
  return std::exchange(session_, nullptr);
}

/// No upgrade came.
void EngineWebSocket::watch() {
  if (LiveSession* const session = session_) session->on_gone(*this);
  close();
}

}  // namespace mimus
