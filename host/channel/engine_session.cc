#include "host/channel/engine_session.h"

#include <algorithm>
#include <utility>

#include "host/channel/engine_http.h"
#include "host/channel/engine_polling.h"
#include "host/channel/engine_websocket.h"
#include "mimus/header_text.h"

namespace mimus {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// For how long a poll may fetch a session's last word: when the client said goodbye while its poll
/// was under way, and when the host did.
constexpr milliseconds crossing{1'000}, last_word{30'000};
/// Polls that wait while a client upgrades are ended in this rhythm, should it go on polling.
constexpr milliseconds pace{100};
/// A ping that leaves this much too late gives the client no more time.
constexpr microseconds lateness{10'000};

constexpr std::string_view goodbye = "1", noop = "6";

}  // namespace

LiveSession::LiveSession(EngineTable::State& table, const EngineSid& sid, EngineOrigin origin)
    : table_(table), sid_(sid), origin_(std::move(origin)) {
  watch_.session = this;
  watch_.fire = [](Timer& timer) { static_cast<Watch&>(timer).session->watch(); };
}

LiveSession::~LiveSession() { table_.loop.disarm(watch_); }

void LiveSession::begin(EngineWebSocket* socket) {
  socket_ = socket;
  const EngineOptions& options = table_.options;
  due_ = table_.loop.now() + options.ping_interval;
  table_.loop.arm(watch_, options.ping_interval);
  std::string about = R"({"sid":")";
  about.append(sid()).append(socket == nullptr ? R"(","upgrades":["websocket"])" : R"(","upgrades":[])");
  about.append(R"(,"pingInterval":)").append(std::to_string(options.ping_interval.count()));
  about.append(R"(,"pingTimeout":)").append(std::to_string(options.ping_timeout.count()));
  about.append(R"(,"maxPayload":)").append(std::to_string(options.max_payload)).append("}");
  say(EngineType::open, about);
  user_ = table_.make(*this);
}

bool LiveSession::send(EngineMessages& messages) {
  if (phase_ != Phase::open) return false;
  if (socket_ != nullptr) return transmit(messages.frames());
  for (const EngineMessages::One& one : messages.all()) append_message(waiting_, one.binary, one.data);
  return wait_for_poll();
}

void LiveSession::say(EngineType type, std::string_view data) {
  std::string packet;
  append_packet(socket_ != nullptr ? packet : waiting_, type, data);
  if (socket_ != nullptr)
    transmit(frame(Opcode::text, packet));
  else
    wait_for_poll();
}

/// False: the client reads too slowly, and the session has ended.
bool LiveSession::transmit(std::string_view framed) {
  if (socket_->send(framed)) return true;
  socket_ = nullptr;
  end(Phase::ended);
  return false;
}

/// The same of polls that come too slowly.
bool LiveSession::wait_for_poll() {
  const EngineOptions& options = table_.options;
  if (poll_ != nullptr && waiting_.size() >= options.max_payload) answer();
  if (waiting_.size() > options.max_waiting + 2 * options.max_payload) {
    end(Phase::ended);
    return false;
  }
  table_.attend(*this);
  return true;
}

void LiveSession::close() {
  if (phase_ != Phase::open) return;
  if (socket_ != nullptr) return end(Phase::ended);
  append_packet(waiting_, EngineType::close);
  // A client that was told to upgrade may poll no more: it hears of the end once it has upgraded.
  std::unique_ptr<Upgrade> under_way;
  if (upgrade_ != nullptr && upgrade_->probed) under_way = std::move(upgrade_);
  end(Phase::parting);
  upgrade_ = std::move(under_way);
  table_.loop.arm(watch_, last_word);
}

void LiveSession::drain() {
  if (phase_ != Phase::open) return;
  if (user_ != nullptr) user_->on_drain();
  if (phase_ != Phase::open) return;
  if (EngineWebSocket* const socket = socket_) socket->close(1001);
  close();
}

void LiveSession::fault(ChannelFault how, std::uint64_t value) {
  if (phase_ != Phase::open) return;
  switch (how) {
    case ChannelFault::drop:
      if (socket_ != nullptr) socket_->cut();
      if (poll_ != nullptr) std::exchange(poll_, nullptr)->cut();
      return end(Phase::ended);
    case ChannelFault::garbage:
      if (socket_ != nullptr) return socket_->send_garbage();
      waiting_.append(waiting_.empty() ? 0 : 1, packet_separator).append("?");
      return table_.attend(*this);
    case ChannelFault::ignore_pings:
      // A client that is not pinged gives up; one that has vanished must not stay for ever.
      heartbeat_ = Heartbeat::silenced;
      return table_.loop.arm(watch_, 2 * (table_.options.ping_interval + table_.options.ping_timeout));
    case ChannelFault::slow:
      slow_ = value;
      if (socket_ != nullptr) socket_->slow_down(value);
      return;
  }
}

void LiveSession::poll(Exchange& exchange) {
  if (poll_ != nullptr) {
    end(Phase::ended);
    return refuse(exchange, EngineError::bad_request);
  }
  if (phase_ != Phase::open) {
    if (waiting_.empty()) return refuse(exchange, EngineError::sid_unknown);
    table_.attend(*this);
  }
  poll_ = new Poll(exchange, *this);
  if (!waiting_.empty()) return answer();
  if (upgrade_ != nullptr && upgrade_->probed) table_.loop.arm(upgrade_->pace, pace);
}

/// REQUIRES: poll_ is there, and something waits
void LiveSession::answer() {
  const std::size_t size = payload_prefix(waiting_, table_.options.max_payload);
  std::string payload = size == waiting_.size() ? std::exchange(waiting_, {}) : waiting_.substr(0, size);
  waiting_.erase(0, size + 1);
  std::exchange(poll_, nullptr)->answer(std::move(payload), slow_);
}

void LiveSession::on_poll_lost() {
  poll_ = nullptr;
  if (phase_ == Phase::open) end(Phase::ended);
}

void LiveSession::upload(Exchange& exchange) {
  const std::string_view* const type = exchange.request.find("content-type");
  const bool binary = type != nullptr && header::same_name(*type, "application/octet-stream");
  if (upload_ != nullptr || binary) {
    end(Phase::ended);
    return refuse(exchange, EngineError::bad_request);
  }
  upload_ = new Upload(exchange, *this);
  upload_->start(table_.options.max_payload);
}

bool LiveSession::on_upload(std::string_view payload) {
  upload_ = nullptr;
  PayloadReader reader(payload);
  bool good = is_utf8(payload);
  while (good && phase_ == Phase::open) {
    const PayloadReader::Got got = reader.next();
    if (got == PayloadReader::Got::end) break;
    good = got == PayloadReader::Got::packet && take(reader.packet());
  }
  if (!good && phase_ == Phase::open) end(Phase::ended);
  return good;
}

void LiveSession::on_upload_lost() {
  upload_ = nullptr;
  end(Phase::ended);
}

/// False: a client may not send that.
bool LiveSession::take(const EnginePacket& packet) {
  if (heartbeat_ == Heartbeat::awaited && packet.type != EngineType::pong) {
    // It lives; what it has under way may be in the pong's way.
    heartbeat_ = Heartbeat::extended;
    await(table_.loop.now() + table_.options.ping_timeout);
  }
  switch (packet.type) {
    case EngineType::message:
      if (user_ != nullptr) user_->on_message(packet.binary, packet.data);
      return true;
    case EngineType::pong:
      if (heartbeat_ == Heartbeat::silenced) return true;
      heartbeat_ = Heartbeat::resting;
      await(table_.loop.now() + table_.options.ping_interval);
      return true;
    case EngineType::close:
      if (socket_ != nullptr) {
        end(Phase::ended);
      } else {
        waiting_ = noop;
        end(Phase::parting);
        table_.loop.arm(watch_, crossing);
      }
      return true;
    case EngineType::ping:
      return false;
    case EngineType::open:
    case EngineType::upgrade:
    case EngineType::noop:
      return true;
  }
  return false;
}

void LiveSession::probe(EngineWebSocket& socket) {
  upgrade_ = std::make_unique<Upgrade>();
  upgrade_->socket = &socket;
  upgrade_->pace.session = this;
  upgrade_->pace.fire = [](Timer& timer) { static_cast<Watch&>(timer).session->end_poll(); };
}

void LiveSession::on_packet(EngineWebSocket& from, const EnginePacket& packet) {
  if (&from == socket_) {
    if (phase_ == Phase::open && !take(packet)) end(Phase::ended);
  } else if (packet.type == EngineType::ping && packet.data == "probe") {
    upgrade_->probed = true;
    if (!from.send_text("3probe")) return drop_upgrade();
    end_poll();
  } else if (packet.type == EngineType::upgrade) {
    upgrade_to(from);
  } else {
    drop_upgrade();
  }
}

void LiveSession::on_bad_packet(EngineWebSocket& from) {
  if (&from != socket_) return drop_upgrade();
  end(Phase::ended);
}

void LiveSession::on_gone(EngineWebSocket& socket) {
  if (&socket != socket_) return drop_upgrade();
  socket_ = nullptr;
  if (phase_ == Phase::open) end(Phase::ended);
}

/// A client that upgrades waits for its poll to come back.
void LiveSession::end_poll() {
  if (poll_ == nullptr) return;
  if (waiting_.empty()) waiting_ = noop;
  answer();
}

void LiveSession::upgrade_to(EngineWebSocket& socket) {
  upgrade_->socket = nullptr;
  drop_upgrade();
  socket.settle_in();
  std::string frames;
  const std::string waiting = std::exchange(waiting_, {});
  PayloadReader reader(waiting);
  while (reader.next() == PayloadReader::Got::packet) {
    const EnginePacket& packet = reader.packet();
    std::string text;
    if (!packet.binary) append_packet(text, packet.type, packet.data);
    frames += packet.binary ? frame(Opcode::binary, packet.data) : frame(Opcode::text, text);
  }
  end_poll();
  if (phase_ != Phase::open) {
    phase_ = Phase::ended;
    if (!frames.empty()) socket.send(frames);
    socket.close();
    return table_.attend(*this);
  }
  socket_ = &socket;
  if (slow_ != 0) socket.slow_down(slow_);
  if (!frames.empty()) transmit(frames);
}

void LiveSession::drop_upgrade() {
  if (upgrade_ == nullptr) return;
  const std::unique_ptr<Upgrade> upgrade = std::move(upgrade_);
  table_.loop.disarm(upgrade->pace);
  if (upgrade->socket != nullptr) upgrade->socket->close();
}

void LiveSession::await(microseconds due) {
  due_ = due;
  const microseconds left = std::max(due - table_.loop.now(), microseconds(0));
  table_.loop.arm(watch_, std::chrono::ceil<milliseconds>(left));
}

void LiveSession::watch() {
  if (phase_ == Phase::open && heartbeat_ == Heartbeat::resting) {
    heartbeat_ = Heartbeat::awaited;
    const milliseconds timeout = table_.options.ping_timeout;
    await(std::max(due_, table_.loop.now() - lateness) + timeout);
    return say(EngineType::ping);
  }
  if (phase_ == Phase::open) return end(Phase::ended);
  phase_ = Phase::ended;
  table_.attend(*this);
}

bool LiveSession::expire() {
  const bool awaits = heartbeat_ == Heartbeat::awaited || heartbeat_ == Heartbeat::extended;
  if (phase_ != Phase::open || !awaits || table_.loop.now() < due_) return false;
  end(Phase::ended);
  return true;
}

/// What a poll has not fetched is lost where nothing parts.
void LiveSession::end(Phase phase) {
  if (phase_ != Phase::open) return;
  phase_ = phase;
  table_.count(-1);
  table_.loop.disarm(watch_);
  if (phase == Phase::ended) waiting_ = goodbye;
  drop_upgrade();
  if (upload_ != nullptr) std::exchange(upload_, nullptr)->detach();
  if (socket_ != nullptr) std::exchange(socket_, nullptr)->close();
  table_.attend(*this);
}

bool LiveSession::settle() {
  if (phase_ != Phase::open) end_user();
  if (poll_ != nullptr && !waiting_.empty()) answer();
  if (phase_ == Phase::parting && waiting_.empty()) phase_ = Phase::ended;
  if (phase_ == Phase::ended) drop_upgrade();
  return phase_ != Phase::ended;
}

void LiveSession::end_user() {
  if (const std::unique_ptr<EngineUser> user = std::move(user_)) user->on_closed();
}

void LiveSession::abandon() {
  end(Phase::ended);
  drop_upgrade();
  end_user();
  if (poll_ != nullptr) std::exchange(poll_, nullptr)->detach();
}

}  // namespace mimus
