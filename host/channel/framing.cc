// WebSocket frames (RFC 6455), server side, through websocketpp's processor::hybi13.
#include "host/channel/framing.h"

#include <websocketpp/base64/base64.hpp>
#include <websocketpp/close.hpp>
#include <websocketpp/extensions/permessage_deflate/disabled.hpp>
#include <websocketpp/frame.hpp>
#include <websocketpp/http/request.hpp>
#include <websocketpp/http/response.hpp>
#include <websocketpp/processors/hybi13.hpp>
#include <websocketpp/random/none.hpp>
#include <websocketpp/sha1/sha1.hpp>
#include <websocketpp/utf8_validator.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace mimus {
namespace {

// websocketpp finds out the byte order at its first use and keeps it in a static without a
// lock (common/network.hpp): used here before there are threads, workers only read it.
[[maybe_unused]] const auto byte_order_is_known = websocketpp::lib::net::_htonll(1);

namespace wspp = websocketpp;

/// What may be reserved on the word of a header alone; more only as bytes come in.
constexpr std::size_t trusted_bytes = 4096;

/// A message as hybi13 wants one. Of its own make only the payload is kept.
class Message {
 public:
  using ptr = std::shared_ptr<Message>;

  Message(wspp::frame::opcode::value opcode, std::size_t announced) : opcode_(opcode) {
    payload_.reserve(std::min(announced, trusted_bytes));
  }
  std::string& get_raw_payload() { return payload_; }
  wspp::frame::opcode::value get_opcode() const { return opcode_; }
  void set_opcode(wspp::frame::opcode::value opcode) { opcode_ = opcode; }
  bool get_fin() const { return true; }
  bool get_compressed() const { return false; }
  void set_compressed(bool) {}
  void set_prepared(bool) {}
  void set_header(const std::string&) {}

 private:
  wspp::frame::opcode::value opcode_;
  std::string payload_;
};

class Messages {
 public:
  using ptr = std::shared_ptr<Messages>;
  Message::ptr get_message(wspp::frame::opcode::value opcode, std::size_t announced) {
    return std::make_shared<Message>(opcode, announced);
  }
};

/// websocketpp's "config": no transport, no extensions, no client.
struct Config {
  using request_type = wspp::http::parser::request;
  using response_type = wspp::http::parser::response;
  using message_type = Message;
  using con_msg_manager_type = Messages;
  using rng_type = wspp::random::none::int_generator<std::uint32_t>;
  struct permessage_deflate_config {};
  using permessage_deflate_type = wspp::extensions::permessage_deflate::disabled<permessage_deflate_config>;
  static constexpr bool enable_extensions = false;
  static constexpr std::size_t max_message_size = std::size_t{1} << 20;
};

/// hybi13 without three gaps of 0.8.2.
class Processor final : public wspp::processor::hybi13<Config> {
 public:
  Processor(Messages::ptr messages, Config::rng_type& rng)
      : wspp::processor::hybi13<Config>(false, true, std::move(messages), rng) {}

  /// A frame length of nearly 2^64 in a later fragment wraps its size check around.
  bool too_big() const {
    if (m_state != APPLICATION || m_current_msg != &m_data_msg) return false;
    const std::size_t held = m_data_msg.msg_ptr->get_raw_payload().size();
    return held > m_max_message_size || m_bytes_needed > m_max_message_size - held;
  }

  /// The header of a later fragment makes it reserve all that is announced.
  void give_back() {
    if (m_state != APPLICATION || m_current_msg != &m_data_msg) return;
    std::string& payload = m_data_msg.msg_ptr->get_raw_payload();
    if (payload.capacity() - payload.size() > payload.size() + trusted_bytes) {
      payload.shrink_to_fit();
    }
  }

  /// It looks for a text's cut-off last character only where one frame is all of it.
  /// REQUIRES: ready()
  bool ends_within_a_character() {
    return m_current_msg->msg_ptr->get_opcode() == wspp::frame::opcode::text &&
           !m_current_msg->validator.complete();
  }
};

int close_code(const wspp::lib::error_code& error) {
  namespace reason = wspp::processor::error;
  if (error == reason::make_error_code(reason::message_too_big)) return 1009;
  if (error == reason::make_error_code(reason::invalid_utf8)) return 1007;
  return 1002;
}

std::string prefixed(wspp::frame::opcode::value opcode, std::string_view payload) {
  const wspp::frame::basic_header basic(opcode, payload.size(), true, false);
  const wspp::frame::extended_header extended(payload.size());
  std::string out = wspp::frame::prepare_header(basic, extended);
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

std::string frame(Opcode opcode, std::string_view payload) {
  return prefixed(static_cast<wspp::frame::opcode::value>(opcode), payload);
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
  explicit State(std::size_t max_message_bytes) : processor(Messages::ptr(Messages::ptr(), &messages), rng) {
    processor.set_max_message_size(max_message_bytes);
  }

  int feed(std::string_view data, Events& events) {
    std::array<std::uint8_t, 4096> chunk;  // hybi13 unmasks in place
    while (!data.empty()) {
      const std::size_t size = std::min(data.size(), chunk.size());
      std::memcpy(chunk.data(), data.data(), size);
      data.remove_prefix(size);
      for (std::size_t at = 0; at < size;) {
        wspp::lib::error_code error;
        at += processor.consume(chunk.data() + at, size - at, error);
        if (error) return close_code(error);
        if (processor.too_big()) return 1009;
        if (!processor.ready()) continue;
        if (processor.ends_within_a_character()) return 1007;
        const Message::ptr message = processor.get_message();
        events.on_message(static_cast<Opcode>(message->get_opcode()), message->get_raw_payload());
      }
    }
    processor.give_back();
    return 0;
  }

  Config::rng_type rng;
  Messages messages;
  Processor processor;
  int failed = 0;
};

FrameReader::FrameReader(std::size_t max_message_bytes)
    : state_(std::make_unique<State>(max_message_bytes)) {}

FrameReader::~FrameReader() = default;

int FrameReader::feed(std::string_view data, Events& events) {
  if (state_->failed == 0) state_->failed = state_->feed(data, events);
  return state_->failed;
}

}  // namespace mimus
