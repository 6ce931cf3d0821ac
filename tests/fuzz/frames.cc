// A peer's bytes as WebSocket frames: the input's first byte says who reads them, the rest is what
// comes. What is read does not depend on how it was cut, is within the limits, and a text is UTF-8;
// and what is framed is read as it was, masked or compressed.
#include "host/channel/deflate.h"
#include "host/channel/framing.h"
#include "tests/fuzz/fuzz.h"

namespace mimus::fuzz {
namespace {

constexpr std::size_t limit = 4096;

/// By its definition (RFC 3629), not by a table.
bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(at);
    const std::size_t size = first < 0x80       ? 1
                             : first >> 5 == 6  ? 2
                             : first >> 4 == 14 ? 3
                             : first >> 3 == 30 ? 4
                                                : 0;
    if (size == 0 || at + size > text.size()) return false;
    unsigned code = size == 1 ? first : first & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
      if (byte(at + i) >> 6 != 2) return false;
      code = code << 6 | (byte(at + i) & 0x3f);
    }
    constexpr unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    at += size;
  }
  return true;
}

struct Story final : FrameReader::Events {
  void on_message(Opcode opcode, std::string_view payload) override {
    require(!closed, "nothing follows a close frame");
    const bool message = opcode == Opcode::text || opcode == Opcode::binary;
    require(payload.size() <= (message ? limit : 125), "payloads are within their limits");
    if (opcode == Opcode::text) require(is_utf8(payload), "a text is UTF-8", payload);
    if (opcode == Opcode::close) {
      closed = true;
      const ClosePayload said = read_close_payload(payload);
      require(said.code == 0 || valid_close_code(said.code), "what is read of a close frame may be sent");
    }
    lines.push_back(std::to_string(static_cast<int>(opcode)).append(" ").append(payload));
  }
  bool closed = false;
  std::vector<std::string> lines;
};

std::vector<std::string> told(std::string_view stream, FrameReader::Mode mode, bool in_pieces) {
  FrameReader reader(limit, mode);
  Story story;
  Dice dice(stream);
  int code = 0;
  while (!stream.empty()) {
    const std::size_t size =
        in_pieces ? std::min(dice.below(dice.below(4) == 0 ? 200 : 8) + 1, stream.size()) : stream.size();
    code = reader.feed(stream.substr(0, size), story);
    stream.remove_prefix(size);
  }
  require(code == 0 || code == 1002 || code == 1007 || code == 1009, "a failure has its code");
  // Of what is inflated at once, the end may be too much while the beginning is no UTF-8.
  story.lines.push_back(mode.deflate && code == 1009 ? "1007" : std::to_string(code));
  return story.lines;
}

/// Reads one message that was framed from `payload`.
void check_round_trip(std::string_view payload, Dice& dice) {
  const std::string_view message = payload.substr(0, limit);
  const auto read = [&](const std::string& framed, FrameReader::Mode mode, const char* promise) {
    const auto lines = told(framed, mode, true);
    require(lines.size() == 2 && lines[0] == "2 " + std::string(message) && lines[1] == "0", promise);
  };
  const auto mask = static_cast<std::uint32_t>(dice.below(SIZE_MAX));
  read(masked_frame(Opcode::binary, message, mask), {false, false}, "what is masked is read");
  read(frame(Opcode::binary, message), {false, true}, "what is not is read by a client");
  const int bits = static_cast<int>(dice.below(8)) + 8;
  read(deflated_frame(Opcode::binary, message, bits), {true, true}, "what is compressed is inflated");
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus::fuzz;
  if (size == 0 || size > 16384) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const mimus::FrameReader::Mode mode{(data[0] & 1) != 0, (data[0] & 2) != 0};
  const auto in_pieces = told(stream, mode, true), at_once = told(stream, mode, false);
  require(in_pieces == at_once, "what is read does not depend on how it was cut",
          joined(in_pieces) + "---\n" + joined(at_once));
  Dice dice(stream);
  check_round_trip(stream, dice);
  return 0;
}
