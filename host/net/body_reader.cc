// Chunks and lengths.
#include "host/net/body_reader.h"

#include <algorithm>

#include "host/net/tokens.h"
#include "mimus/percent.h"

namespace mimus {
namespace {

constexpr std::uint32_t max_chunk_line = 256;      // With its carriage return.
constexpr std::uint32_t max_trailer_bytes = 4096;  // Of all lines, with their carriage returns.

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

}  // namespace

void BodyReader::start_length(std::uint64_t length) {
  *this = BodyReader();
  left_ = length;
  phase_ = length > 0 ? Phase::length : Phase::end;
}

void BodyReader::start_chunked() {
  *this = BodyReader();
  phase_ = Phase::size_start;
}

bool BodyReader::take_data(std::string_view& input, Bytes* out, std::uint64_t limit) {
  const std::size_t size = std::min<std::uint64_t>(left_, input.size());
  if (size > limit - std::min(received_, limit)) return false;
  if (out) out->append(input.substr(0, size));
  input.remove_prefix(size);
  left_ -= size;
  received_ += size;
  return true;
}

BodyReader::State BodyReader::read(std::string_view& input, Bytes* out, std::uint64_t limit) {
  while (phase_ != Phase::end) {
    if (input.empty()) return State::more;
    if (phase_ == Phase::length || phase_ == Phase::data) {
      if (!take_data(input, out, limit)) return State::too_large;
      if (left_ > 0) return State::more;
      phase_ = phase_ == Phase::length ? Phase::end : Phase::data_end;
      continue;
    }
    const char c = input.front();
    input.remove_prefix(1);
    if (step_line(c) == State::bad) return State::bad;
  }
  return State::end;
}

BodyReader::State BodyReader::step_line(char c) {
  if (after_return_) {
    after_return_ = false;
    return c == '\n' ? end_line() : State::bad;
  }
  const std::uint32_t limit = phase_ == Phase::trailer ? max_trailer_bytes : max_chunk_line;
  if (++line_bytes_ > limit) return State::bad;
  if (c == '\r') {
    after_return_ = true;
    return line_may_end() ? State::more : State::bad;
  }
  switch (phase_) {
    case Phase::size_start:
    case Phase::size: {
      const int digit = percent::hex_value(c);
      if (digit >= 0) {
        if (left_ >> 56) return State::bad;
        left_ = left_ << 4 | static_cast<unsigned>(digit);
        phase_ = Phase::size;
        return State::more;
      }
      if (phase_ == Phase::size_start) return State::bad;
      phase_ = Phase::extension;
      extension_ = Extension::end;
      return step_extension(c);
    }
    case Phase::extension:
      return step_extension(c);
    case Phase::trailer:
      return step_trailer(c);
    default:
      return State::bad;  // Something after a chunk's data that is no line end.
  }
}

/// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), of RFC 9112, 7.1.1.
BodyReader::State BodyReader::step_extension(char c) {
  const auto to = [this](Extension next) {
    extension_ = next;
    return State::more;
  };
  switch (extension_) {
    case Extension::quoted:
      if (c == '"') return to(Extension::close);
      if (c == '\\') return to(Extension::escape);
      return is_control(c) ? State::bad : State::more;
    case Extension::escape:
      return is_control(c) ? State::bad : to(Extension::quoted);
    case Extension::start:
      if (is_token_byte(c)) return to(Extension::name);
      return is_space(c) ? State::more : State::bad;
    case Extension::equals:
      if (c == '"') return to(Extension::quoted);
      if (is_token_byte(c)) return to(Extension::value);
      return is_space(c) ? State::more : State::bad;
    case Extension::name:
    case Extension::name_end:
      if (c == '=') return to(Extension::equals);
      break;
    default:
      break;
  }
  if (c == ';') return to(Extension::start);
  const bool in_token = extension_ == Extension::name || extension_ == Extension::value;
  if (in_token && is_token_byte(c)) return State::more;
  if (!is_space(c)) return State::bad;
  const bool may_get_value = extension_ == Extension::name || extension_ == Extension::name_end;
  return to(may_get_value ? Extension::name_end : Extension::end);
}

BodyReader::State BodyReader::step_trailer(char c) {
  if (trailer_has_name_) return is_control(c) ? State::bad : State::more;
  if (c == ':' && line_bytes_ > line_start_ + 1) {
    trailer_has_name_ = true;
    return State::more;
  }
  return is_token_byte(c) ? State::more : State::bad;
}

bool BodyReader::line_may_end() const {
  switch (phase_) {
    case Phase::size_start:
      return false;
    case Phase::extension:
      return extension_ == Extension::name || extension_ == Extension::value ||
             extension_ == Extension::close;
    case Phase::trailer:
      return trailer_has_name_ || line_bytes_ == line_start_ + 1;
    default:
      return true;
  }
}

BodyReader::State BodyReader::end_line() {
  switch (phase_) {
    case Phase::data_end:
      phase_ = Phase::size_start;
      break;
    case Phase::size:
    case Phase::extension:
      phase_ = left_ > 0 ? Phase::data : Phase::trailer;
      break;
    default:
      if (line_bytes_ == line_start_ + 1) {  // Nothing but its carriage return.
        phase_ = Phase::end;
        return State::more;
      }
      trailer_has_name_ = false;
      line_start_ = line_bytes_;
      return State::more;
  }
  line_bytes_ = line_start_ = 0;
  return State::more;
}

}  // namespace mimus
