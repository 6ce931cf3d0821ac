// websocketpp's processor::hybi13, mended: framing.cc's own, and C++17 like it.
#pragma once

#include <websocketpp/extensions/permessage_deflate/disabled.hpp>
#include <websocketpp/frame.hpp>
#include <websocketpp/http/request.hpp>
#include <websocketpp/http/response.hpp>
#include <websocketpp/processors/hybi13.hpp>
#include <websocketpp/random/none.hpp>
#include <websocketpp/utf8_validator.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "host/channel/inflater.h"

namespace mimus::framing {

namespace wspp = websocketpp;

/// What may be reserved on the word of a header alone; more only as bytes come in.
inline constexpr std::size_t trusted_bytes = 4096;
using Error = wspp::lib::error_code;

/// A message as hybi13 wants one. There are two at a time, and they are used again.
class Message {
 public:
  /// hybi13 asks for something like a shared_ptr.
  class ptr {
   public:
    ptr(Message* message = nullptr) : message_(message) {}
    Message* operator->() const { return message_; }
    explicit operator bool() const { return message_ != nullptr; }
    void reset() { message_ = nullptr; }

   private:
    Message* message_;
  };

  void begin(wspp::frame::opcode::value opcode, std::size_t announced) {
    opcode_ = opcode;
    compressed_ = false;
    payload_.clear();
    payload_.reserve(std::min(announced, trusted_bytes));
  }
  std::string& get_raw_payload() { return payload_; }
  const std::string& payload() const { return payload_; }
  wspp::frame::opcode::value get_opcode() const { return opcode_; }
  void set_opcode(wspp::frame::opcode::value opcode) { opcode_ = opcode; }
  bool get_fin() const { return true; }
  bool get_compressed() const { return compressed_; }
  void set_compressed(bool compressed) { compressed_ = compressed; }
  void set_prepared(bool) {}
  void set_header(const std::string&) {}

 private:
  wspp::frame::opcode::value opcode_ = wspp::frame::opcode::continuation;
  bool compressed_ = false;
  std::string payload_;
};

/// Where hybi13 gets its messages from: one of each kind.
class Messages {
 public:
  using ptr = Messages*;
  Message::ptr get_message(wspp::frame::opcode::value opcode, std::size_t announced) {
    Message& message = wspp::frame::opcode::is_control(opcode) ? control_ : data_;
    message.begin(opcode, announced);
    return &message;
  }

 private:
  Message data_, control_;
};

struct NoOptions {};

/// hybi13's permessage-deflate, of which it uses this much: whether messages may be compressed,
/// and what it does at the end of one that is.
class Deflate : public wspp::extensions::permessage_deflate::disabled<NoOptions> {
 public:
  class Ending {
   public:
    virtual Error end_compressed(std::string& payload) = 0;

   protected:
    ~Ending() = default;
  };
  bool is_enabled() const { return enabled; }
  /// It never gets other bytes than the tail that the wire leaves out.
  Error decompress(const std::uint8_t*, std::size_t, std::string& payload) {
    return ending->end_compressed(payload);
  }

  bool enabled = false;
  Ending* ending = nullptr;
};

/// websocketpp's "config": no transport, no negotiation.
struct Config {
  using request_type = wspp::http::parser::request;
  using response_type = wspp::http::parser::response;
  using message_type = Message;
  using con_msg_manager_type = Messages;
  using rng_type = wspp::random::none::int_generator<std::uint32_t>;
  using permessage_deflate_config = NoOptions;
  using permessage_deflate_type = Deflate;
  static constexpr bool enable_extensions = false;
  static constexpr std::size_t max_message_size = std::size_t{1} << 20;
};

/// `key` is hybi13's: the mask's four bytes twice, in the order of memory. Returns it turned for
/// the bytes that follow.
inline std::size_t unmask(char* bytes, std::size_t size, std::size_t key) {
  std::size_t at = 0;
  for (; at + sizeof key <= size; at += sizeof key) {
    std::size_t word;
    std::memcpy(&word, bytes + at, sizeof word);
    word ^= key;
    std::memcpy(bytes + at, &word, sizeof word);
  }
  std::array<char, sizeof key> rest;
  std::memcpy(rest.data(), &key, sizeof key);
  for (std::size_t i = 0; at + i < size; ++i) bytes[at + i] = static_cast<char>(bytes[at + i] ^ rest[i]);
  return wspp::frame::circshift_prepared_key(key, size % 4);
}

/// False as soon as a byte has come that no UTF-8 has there.
inline bool goes_on_as_utf8(wspp::utf8_validator::validator& validator, std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    if (validator.complete()) {  // between characters: eight of ASCII at a time
      std::uint64_t word;
      for (; end - at >= 8; at += 8) {
        std::memcpy(&word, at, sizeof word);
        if ((word & 0x8080808080808080u) != 0) break;
      }
      if (at == end) break;
    }
    if (!validator.consume(static_cast<std::uint8_t>(*at++))) return false;
  }
  return true;
}

/// hybi13 without the gaps of 0.8.2. Its payload bytes are taken here, headers and the order of
/// frames by itself.
class Processor final : private wspp::processor::hybi13<Config>, private Deflate::Ending {
 public:
  Processor(Messages& messages, Config::rng_type& rng, bool server)
      : wspp::processor::hybi13<Config>(false, server, &messages, rng) {
    m_permessage_deflate.ending = this;
  }

  using wspp::processor::hybi13<Config>::ready;

  void limit(std::size_t max_message_bytes, bool deflate) {
    limit_ = max_message_bytes;
    m_permessage_deflate.enabled = deflate;
    // What cannot be compressed becomes a little longer by it.
    set_max_message_size(deflate ? limit_ + limit_ / 8 + 64 : limit_);
  }

  bool between_messages() const { return between_frames() && !m_data_msg.msg_ptr; }
  bool in_payload() const { return m_state == APPLICATION; }
  std::size_t missing() const { return m_bytes_needed; }

  /// Takes bytes of a header; how many. REQUIRES: !in_payload()
  std::size_t take_header(std::string_view bytes, Error& error) {
    constexpr unsigned rsv1_and_opcode = wspp::frame::BHB0_RSV1 | wspp::frame::BHB0_OPCODE;
    if (between_frames() &&
        (static_cast<std::uint8_t>(bytes[0]) & rsv1_and_opcode) == wspp::frame::BHB0_RSV1) {
      // It lets RSV1 pass on any fragment; RFC 7692, 6: only a message's first may have it.
      error = wspp::processor::error::make_error_code(wspp::processor::error::invalid_rsv_bit);
      return 0;
    }
    std::array<std::uint8_t, wspp::frame::MAX_HEADER_LENGTH> header;
    const std::size_t size = std::min(m_bytes_needed, bytes.size());
    std::memcpy(header.data(), bytes.data(), size);
    consume(header.data(), size, error);
    if (!error && in_payload() && m_current_msg == &m_data_msg) judge_announced(error);
    return size;
  }

  /// Takes bytes of a payload. REQUIRES: in_payload(), at most missing() bytes
  void take_payload(std::string_view bytes, Error& error) {
    std::string& payload = m_current_msg->msg_ptr->get_raw_payload();
    const std::size_t before = payload.size();
    m_bytes_needed -= bytes.size();
    if (m_current_msg->msg_ptr->get_compressed()) {
      error = inflate(bytes, payload);
    } else {
      if (before + bytes.size() > payload.capacity()) {
        const std::size_t announced = before + bytes.size() + m_bytes_needed;
        payload.reserve(std::min(announced, std::max(before + bytes.size(), 2 * payload.capacity())));
      }
      payload.append(bytes);
      if (is_masked()) unmask_from(payload.data() + before, bytes.size());
    }
    if (!error) judge_text(payload, before, error);
    if (!error && m_bytes_needed == 0) consume(nullptr, 0, error);
  }

  /// It looks for a text's cut-off last character only where one frame is all of it.
  /// REQUIRES: ready()
  bool ends_within_a_character() {
    return m_current_msg->msg_ptr->get_opcode() == wspp::frame::opcode::text &&
           !m_current_msg->validator.complete();
  }

  /// What has come; ready() no more. REQUIRES: ready()
  Message& message() { return *get_message().operator->(); }

  /// Gives back what is not needed while a message is on its way.
  void shrink() {
    if (!m_data_msg.msg_ptr || !m_data_msg.msg_ptr->get_compressed()) inflater_.reset();
    if (m_data_msg.msg_ptr) give_back(m_data_msg.msg_ptr->get_raw_payload());
  }

 private:
  bool between_frames() const {
    return m_state == HEADER_BASIC && m_bytes_needed == wspp::frame::BASIC_HEADER_LENGTH;
  }
  bool is_masked() const { return wspp::frame::get_masked(m_basic_header); }
  void unmask_from(char* bytes, std::size_t size) {
    m_current_msg->prepared_key = unmask(bytes, size, m_current_msg->prepared_key);
  }

  /// A frame length of nearly 2^64 in a later fragment wraps its size check around, and the
  /// header of a later fragment makes it reserve all that is announced.
  void judge_announced(Error& error) {
    std::string& payload = m_data_msg.msg_ptr->get_raw_payload();
    const std::size_t allowed = m_data_msg.msg_ptr->get_compressed() ? get_max_message_size() : limit_;
    if (payload.size() > allowed || m_bytes_needed > allowed - payload.size()) {
      error = wspp::processor::error::make_error_code(wspp::processor::error::message_too_big);
    }
    give_back(payload);
  }

  void judge_text(const std::string& payload, std::size_t from, Error& error) {
    if (m_current_msg->msg_ptr->get_opcode() != wspp::frame::opcode::text) return;
    if (!goes_on_as_utf8(m_current_msg->validator, std::string_view(payload).substr(from))) {
      error = wspp::processor::error::make_error_code(wspp::processor::error::invalid_utf8);
    }
  }

  static void give_back(std::string& payload) {
    if (payload.capacity() - payload.size() > payload.size() + trusted_bytes) payload.shrink_to_fit();
  }

  Error inflate(std::string_view bytes, std::string& payload) {
    if (!inflater_) inflater_ = std::make_unique<Inflater>();
    std::array<char, 4096> chunk;
    while (!bytes.empty()) {
      const std::size_t size = std::min(bytes.size(), chunk.size());
      std::memcpy(chunk.data(), bytes.data(), size);
      bytes.remove_prefix(size);
      if (is_masked()) unmask_from(chunk.data(), size);
      if (const Error error = said(inflater_->inflate({chunk.data(), size}, payload, limit_))) return error;
    }
    return {};
  }

  Error end_compressed(std::string& payload) override {
    if (!inflater_) inflater_ = std::make_unique<Inflater>();
    const std::size_t before = payload.size();
    Error error = said(inflater_->finish(payload, limit_));
    if (!error) judge_text(payload, before, error);
    return error;
  }

  static Error said(Inflater::Outcome outcome) {
    namespace reason = wspp::processor::error;
    if (outcome == Inflater::Outcome::too_big) return reason::make_error_code(reason::message_too_big);
    if (outcome == Inflater::Outcome::broken) return reason::make_error_code(reason::invalid_payload);
    return {};
  }

  std::size_t limit_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace mimus::framing
