#include "host/channel/framed_wire.h"

#include "host/channel/framing.h"

namespace mimus {
namespace {

/// Silence after which a failed peer has read why.
constexpr std::chrono::milliseconds quiet{100};

/// A text of one byte under a reserved opcode and all reserved bits.
constexpr std::string_view garbage = "\xf3\x01?";

}  // namespace

FramedWire::FramedWire(std::chrono::milliseconds close_timeout, std::size_t max_slow_bytes)
    : close_timeout_(close_timeout), max_slow_bytes_(max_slow_bytes) {
  watch_.owner = this;
  watch_.fire = [](Timer& timer) { static_cast<Watch&>(timer).owner->watch(); };
}

void FramedWire::start(Takeover::Wire& wire) {
  wire_ = &wire;
  phase_ = Phase::open;
}

void FramedWire::leave() {
  slow_.reset();
  finish();
  wire_ = nullptr;
}

std::size_t FramedWire::queued() const {
  if (phase_ != Phase::open) return 0;
  return wire_->queued() + (slow_ != nullptr ? slow_->waiting() : 0);
}

bool FramedWire::write(std::string_view framed) {
  if (phase_ == Phase::over) return false;
  written_ += framed.size();
  if (slow_ != nullptr ? slow_->write(framed) : wire_->write(framed)) return true;
  if (slow_ != nullptr) wire_->close_now();
  finish();
  return false;
}

void FramedWire::heard() {
  if (phase_ == Phase::failing) heard_ = wire_->loop().now();
}

void FramedWire::close(int code, std::string_view reason) {
  if (phase_ != Phase::open) return;
  phase_ = Phase::closing;
  arm(close_timeout_);
  write(frame(Opcode::close, close_payload(code, reason)));
}

void FramedWire::answer(int code) {
  if (!reads()) return;
  close(code, {});
  hang_up();
}

void FramedWire::fail(int code) {
  if (!reads()) return;
  const bool said_goodbye = phase_ == Phase::closing;
  phase_ = Phase::failing;
  heard_ = wire_->loop().now();
  give_up_ = heard_ + close_timeout_;
  arm(quiet);
  if (!said_goodbye) write(frame(Opcode::close, close_payload(code, {})));
}

void FramedWire::hang_up() {
  if (phase_ == Phase::over) return;
  finish();
  if (slow_ != nullptr) return slow_->close_after_write();
  wire_->close_after_write();
}

void FramedWire::cut() {
  if (phase_ == Phase::over) return;
  finish();
  wire_->close_now();
}

void FramedWire::send_garbage() { write(garbage); }

void FramedWire::slow_down(std::uint64_t bytes_per_second) {
  if (phase_ == Phase::over) return;
  if (slow_ == nullptr) slow_ = std::make_unique<Throttle>(*wire_, bytes_per_second, max_slow_bytes_);
  slow_->set(bytes_per_second);
}

void FramedWire::finish() {
  phase_ = Phase::over;
  if (watch_.armed()) wire_->loop().disarm(watch_);
}

void FramedWire::watch() {
  if (phase_ == Phase::closing) return cut();
  const auto now = wire_->loop().now();
  if (now - heard_ < quiet && now < give_up_) return arm(quiet);
  hang_up();
}

}  // namespace mimus
