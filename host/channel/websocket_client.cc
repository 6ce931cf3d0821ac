#include "host/channel/websocket_client.h"

#include <sys/random.h>

#include <cstdlib>

#include "mimus/base64.h"

namespace mimus {
namespace {

/// Unforeseeable bytes, 256 at most.
void fill(void* into, std::size_t size) {
  if (::getrandom(into, size, 0) != static_cast<ssize_t>(size)) std::abort();  // cannot fail for so few
}

std::string random_key() {
  std::array<char, 16> bytes;
  fill(bytes.data(), bytes.size());
  return base64::encoded({bytes.data(), bytes.size()});
}

bool is_protocols_own(std::string_view name) { return same_name(name.substr(0, 14), "sec-websocket-"); }

std::chrono::milliseconds rounded_up(std::chrono::microseconds time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

}  // namespace

WebSocketClient::WebSocketClient(Loop& loop, Upstream& upstream, const WebSocketTarget& target,
                                 WebSocketLimits limits, User& user)
    : loop_(loop),
      upstream_(upstream),
      user_(user),
      limits_(limits),
      key_(random_key()),
      subprotocol_(target.subprotocol),
      reader_(limits.max_message_bytes, {.deflate = false, .client = true}) {
  Timer::fire = [](Timer& timer) { static_cast<WebSocketClient&>(timer).watch(); };
  std::vector<Header> fields;
  for (const auto& [name, value] : target.headers) {
    if (!is_protocols_own(name)) fields.push_back({name, value});
  }
  fields.push_back({"Sec-WebSocket-Version", "13"});
  fields.push_back({"Sec-WebSocket-Key", key_});
  if (!subprotocol_.empty()) fields.push_back({"Sec-WebSocket-Protocol", subprotocol_});
  UpstreamRequest request;
  request.method = "GET";
  request.url = target.url;
  request.headers = fields;
  request.timeout = target.timeout;
  request.upgrade = "websocket";
  id_ = upstream_.start(request, *this);
}

WebSocketClient::~WebSocketClient() { close(1001, {}); }

void WebSocketClient::on_head(int status, std::span<const Header> headers, std::int64_t) {
  if (status != 101) return fail("the server answered " + std::to_string(status) + " to the handshake");
  if (const std::string fault = fault_of(headers); !fault.empty()) return fail(fault);
  stage_ = Stage::open;
  heard_ = loop_.now();
  loop_.arm(*this, limits_.ping_interval);
  if (!early_.empty()) upstream_.send(id_, std::exchange(early_, {}));
  if (paused_) upstream_.pause(id_);
  user_.on_connected();
}

/// RFC 6455, 4.1, but for what the tunnel has seen to. "": none.
std::string WebSocketClient::fault_of(std::span<const Header> headers) const {
  bool accepted = false, chosen = false;
  for (const Header& field : headers) {
    if (same_name(field.name, "sec-websocket-accept")) {
      if (accepted || field.value != websocket_accept(key_))
        return "the server's Sec-WebSocket-Accept is wrong";
      accepted = true;
    } else if (same_name(field.name, "sec-websocket-extensions")) {
      return "the server chose an extension that was not offered";
    } else if (same_name(field.name, "sec-websocket-protocol")) {
      if (chosen || subprotocol_.empty() || field.value != subprotocol_)
        return "the server chose a subprotocol that was not offered";
      chosen = true;
    }
  }
  return accepted ? "" : "the server sent no Sec-WebSocket-Accept";
}

void WebSocketClient::on_data(std::string_view data) {
  if (stage_ != Stage::open) return;
  heard_ = loop_.now();
  pinged_ = false;
  const int code = reader_.feed(data, *this);
  if (code == 0 || stage_ != Stage::open) return;
  say_goodbye(code, {});
  gone(1006, code == 1009 ? "the server sent a message that is too big"
                          : "the server broke the protocol: " + std::to_string(code));
}

void WebSocketClient::on_message(Opcode opcode, std::string_view payload) {
  if (stage_ != Stage::open) return;
  switch (opcode) {
    case Opcode::text:
    case Opcode::binary:
      return user_.on_server_message(opcode == Opcode::binary, payload);
    case Opcode::ping:
      return write(Opcode::pong, payload);
    case Opcode::pong:
      return;
    case Opcode::close:
      break;
  }
  const ClosePayload said = read_close_payload(payload);
  if (said.failure != 0) {
    say_goodbye(said.failure, {});
    return gone(1006, "the server broke the protocol: " + std::to_string(said.failure));
  }
  say_goodbye(said.code, {});
  gone(said.code == 0 ? 1005 : said.code, payload.substr(payload.empty() ? 0 : 2));
}

void WebSocketClient::on_end() { gone(1006, "the server broke the connection off"); }

void WebSocketClient::on_error(UpstreamError, std::string_view why) { gone(1006, why); }

void WebSocketClient::on_sent() {
  if (stage_ == Stage::open) user_.on_server_took_all();
}

void WebSocketClient::send(bool binary, std::string_view payload) {
  write(binary ? Opcode::binary : Opcode::text, payload);
}

void WebSocketClient::write(Opcode opcode, std::string_view payload) {
  if (stage_ == Stage::gone) return;
  const std::string framed = masked_frame(opcode, payload, mask());
  if (stage_ == Stage::open) return upstream_.send(id_, framed);
  early_ += framed;
}

std::size_t WebSocketClient::queued() const {
  return stage_ == Stage::open ? upstream_.queued(id_) : early_.size();
}

void WebSocketClient::pause() {
  paused_ = true;
  if (stage_ == Stage::open) upstream_.pause(id_);
}

void WebSocketClient::resume() {
  if (!std::exchange(paused_, false) || stage_ != Stage::open) return;
  heard_ = loop_.now();
  pinged_ = false;
  upstream_.resume(id_);
}

void WebSocketClient::close(int code, std::string_view reason) {
  if (stage_ == Stage::open) {
    say_goodbye(valid_close_code(code) ? code : 0, reason);
  } else if (stage_ == Stage::connecting) {
    upstream_.cancel(id_);
  }
  stage_ = Stage::gone;
  loop_.disarm(*this);
}

/// The server closes the connection, or the tunnel's time is over.
void WebSocketClient::say_goodbye(int code, std::string_view reason) {
  write(Opcode::close, close_payload(code, reason));
  upstream_.finish(id_);
}

/// An answer that is no WebSocket.
void WebSocketClient::fail(std::string_view why) {
  upstream_.cancel(id_);
  gone(1006, why);
}

void WebSocketClient::gone(int code, std::string_view reason) {
  if (stage_ == Stage::gone) return;
  stage_ = Stage::gone;
  early_.clear();
  loop_.disarm(*this);
  user_.on_server_gone(code, reason);
}

void WebSocketClient::watch() {
  if (pinged_) {
    upstream_.cancel(id_);
    return gone(1006, "the server answers no pings");
  }
  const auto silent = loop_.now() - heard_;
  if (silent < limits_.ping_interval) return loop_.arm(*this, rounded_up(limits_.ping_interval - silent));
  // What is not read cannot be heard; the server is asked once it is.
  if (paused_) return loop_.arm(*this, limits_.ping_interval);
  pinged_ = true;
  loop_.arm(*this, limits_.ping_timeout);
  write(Opcode::ping, {});
}

std::uint32_t WebSocketClient::mask() {
  if (masks_left_ == 0) {
    fill(masks_.data(), sizeof masks_);
    masks_left_ = masks_.size();
  }
  return masks_[--masks_left_];
}

}  // namespace mimus
