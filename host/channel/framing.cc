// WebSocket frames (RFC 6455) through websocketpp's processor::hybi13, on either side.
#include "host/channel/framing.h"

#include <websocketpp/base64/base64.hpp>
#include <websocketpp/close.hpp>
#include <websocketpp/sha1/sha1.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "host/channel/hybi13.h"

namespace mimus {

namespace wspp = websocketpp;
using namespace framing;

namespace {

// websocketpp finds out the byte order at its first use and keeps it in a static without a
// lock (common/network.hpp): used here before there are threads, workers only read it.
[[maybe_unused]] const auto byte_order_is_known = websocketpp::lib::net::_htonll(1);

/// How long a payload a thread keeps the room of for the next message.
constexpr std::size_t kept_bytes = std::size_t{64} << 10;

int close_code(const Error& error) {
  namespace reason = wspp::processor::error;
  if (error == reason::make_error_code(reason::message_too_big)) return 1009;
  if (error == reason::make_error_code(reason::invalid_utf8)) return 1007;
  if (error == reason::make_error_code(reason::invalid_payload)) return 1007;
  return 1002;
}

std::string unmasked(Opcode opcode, std::string_view payload, bool compressed) {
  const auto value = static_cast<wspp::frame::opcode::value>(opcode);
  const wspp::frame::basic_header basic(value, payload.size(), true, false, compressed);
  std::string out = wspp::frame::prepare_header(basic, wspp::frame::extended_header(payload.size()));
  out.reserve(out.size() + payload.size());
  return out.append(payload);
}

bool base64_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  if (key.size() != 24 || key.substr(22) != "==" ||
      !std::all_of(key.begin(), key.begin() + 22, base64_digit)) {
    return {};
  }
  std::string input(key);
  input += wspp::processor::constants::handshake_guid;
  unsigned char digest[20];
  wspp::sha1::calc(input.data(), input.size(), digest);
  return wspp::base64_encode(digest, sizeof digest);
}

std::string frame(Opcode opcode, std::string_view payload) { return unmasked(opcode, payload, false); }

std::string compressed_frame(Opcode opcode, std::string_view deflated) {
  return unmasked(opcode, deflated, true);
}

std::string masked_frame(Opcode opcode, std::string_view payload, std::uint32_t mask) {
  const auto value = static_cast<wspp::frame::opcode::value>(opcode);
  const wspp::frame::basic_header basic(value, payload.size(), true, true);
  std::string out = wspp::frame::prepare_header(basic, wspp::frame::extended_header(payload.size(), mask));
  const std::size_t header = out.size();
  out.reserve(header + payload.size());
  out.append(payload);
  wspp::frame::masking_key_type key;
  key.i = mask;
  unmask(out.data() + header, payload.size(), wspp::frame::prepare_masking_key(key));
  return out;
}

bool valid_close_code(int code) {
  if (code < 0 || code > 0xffff) return false;
  const auto value = static_cast<wspp::close::status::value>(code);
  return !wspp::close::status::invalid(value) && !wspp::close::status::reserved(value);
}

std::string close_payload(int code, std::string_view reason) {
  if (code == 0) return {};
  std::string out{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  std::size_t length = std::min<std::size_t>(reason.size(), 123);
  while (length > 0 && length < reason.size() && (reason[length] & 0xc0) == 0x80) --length;
  return out.append(reason.substr(0, length));
}

ClosePayload read_close_payload(std::string_view payload) {
  if (payload.empty()) return {0, 0};
  if (payload.size() == 1) return {0, 1002};
  const int code = (static_cast<unsigned char>(payload[0]) << 8) | static_cast<unsigned char>(payload[1]);
  if (!valid_close_code(code)) return {0, 1002};
  if (!wspp::utf8_validator::validate(std::string(payload.substr(2)))) return {0, 1007};
  return {code, 0};
}

struct FrameReader::State {
  explicit State(bool server) : processor(messages, rng, server) {}

  /// As FrameReader::feed; `closed` once a close frame has come.
  int feed(std::string_view data, Events& events, bool& closed) {
    while (!data.empty() && !closed) {
      Error error;
      if (processor.in_payload()) {
        const std::size_t size = std::min(processor.missing(), data.size());
        processor.take_payload(data.substr(0, size), error);
        data.remove_prefix(size);
      } else {
        data.remove_prefix(processor.take_header(data, error));
      }
      if (error) return close_code(error);
      if (!processor.ready()) continue;
      if (processor.ends_within_a_character()) return 1007;
      Message& message = processor.message();
      closed = message.get_opcode() == wspp::frame::opcode::close;
      events.on_message(static_cast<Opcode>(message.get_opcode()), message.payload());
      if (message.payload().capacity() > kept_bytes) std::string().swap(message.get_raw_payload());
    }
    return 0;
  }

  Config::rng_type rng;
  Messages messages;
  Processor processor;
};

/// A thread's state that no reader needs now, for each side.
struct FrameReader::Spare {
  static thread_local std::array<std::unique_ptr<State>, 2> states;
};
thread_local std::array<std::unique_ptr<FrameReader::State>, 2> FrameReader::Spare::states;

FrameReader::FrameReader(std::size_t max_message_bytes) : FrameReader(max_message_bytes, {false, false}) {}

FrameReader::FrameReader(std::size_t max_message_bytes, Mode mode)
    : max_message_bytes_(max_message_bytes), mode_(mode) {}

FrameReader::~FrameReader() = default;

int FrameReader::feed(std::string_view data, Events& events) {
  if (failed_ == 0 && !closed_ && !data.empty()) failed_ = static_cast<short>(read(data, events));
  return failed_;
}

int FrameReader::read(std::string_view data, Events& events) {
  std::unique_ptr<State>& spare = Spare::states[mode_.client ? 1 : 0];
  if (!state_) {
    state_ = spare ? std::move(spare) : std::make_unique<State>(!mode_.client);
    state_->processor.limit(max_message_bytes_, mode_.deflate);
  }
  const int failure = state_->feed(data, events, closed_);
  if (failure != 0) {
    state_.reset();
  } else if (state_->processor.between_messages()) {
    if (!spare) spare = std::move(state_);
    state_.reset();
  } else if (closed_) {
    state_.reset();  // within a message, which nobody waits for any more
  } else {
    state_->processor.shrink();
  }
  return failure;
}

}  // namespace mimus
