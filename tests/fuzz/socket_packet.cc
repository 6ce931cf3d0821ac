// Socket.IO clients: the input is messages, each a type byte (even: text), a length and that many bytes.
// A checked JSON text is one that another parser takes, what comes out of the decoder is what the
// encoder makes of it again, and nothing is handed on that a plugin could not use.
#include "host/channel/socket_packet.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "host/channel/json_check.h"
#include "mimus/json_text.h"
#include "tests/fuzz/fuzz.h"

namespace mimus::fuzz {
namespace {

constexpr std::size_t max_depth = 20, max_bytes = 4000;

std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0, most = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_string = false;
    } else if (text[i] == '"') {
      in_string = true;
    } else if (text[i] == '[' || text[i] == '{') {
      most = std::max(most, ++depth);
    } else if (text[i] == ']' || text[i] == '}') {
      --depth;
    }
  }
  return most;
}

/// Where the other parser has more to say: it refuses lone surrogates and numbers beyond a double, and
/// placeholders are nothing to it.
bool differs(std::string_view text) {
  return text.find("\\u") != text.npos || text.find_first_of("eE") != text.npos || text.size() > 200 ||
         text.find("_placeholder") != text.npos || text.find('\0') != text.npos;
}

void check_json(std::string_view text) {
  const bool taken = is_checked_json(text, max_depth, 0);
  if (taken) require(depth_of(text) <= max_depth, "what is taken is not too deep", text);
  if (text.starts_with("\xef") || differs(text)) return;
  const bool other = nlohmann::json::accept(text);
  if (taken) require(other, "what is taken is JSON", text);
  if (other && depth_of(text) <= max_depth) require(taken, "JSON is taken", text);
}

class Checks final : public SocketDecoder::Packets {
 public:
  void on_packet(const SocketPacket& packet) override {
    require(packet.bytes <= max_bytes, "no packet is beyond the limit");
    require(packet.ns.starts_with('/'), "a namespace is a path", packet.ns);
    require(packet.binaries.size() <= max_attachments, "attachments are bounded");
    if (packet.type != SocketType::event && packet.type != SocketType::acknowledgement) return;
    require(packet.data.starts_with('['), "arguments are an array", packet.data);
    require(is_checked_json(packet.data, max_depth, packet.binaries.size()), "arguments are JSON",
            packet.data);
    std::string payload(packet.data);
    if (packet.type == SocketType::event) {
      const bool none = packet.data[json::detail::skip_space(packet.data, 1)] == ']';
      payload = "[" + json::quoted(packet.name) + (none ? "" : ",") + payload.substr(1);
    }
    const bool binary = !packet.binaries.empty(), event = packet.type == SocketType::event;
    const SocketType type = event
                                ? (binary ? SocketType::binary_event : SocketType::event)
                                : (binary ? SocketType::binary_acknowledgement : SocketType::acknowledgement);
    const std::string made = socket_packet(type, packet.ns, packet.id, payload, packet.binaries.size());
    const auto again = read_socket_packet(made, max_depth);
    require(again.has_value(), "what was taken is taken again", made);
    require(again->ns == packet.ns && again->id == packet.id && again->payload == payload, "it is the same",
            made);
  }
};

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  fuzz::check_json(rest);
  SocketDecoder decoder({fuzz::max_bytes, fuzz::max_depth});
  fuzz::Checks checks;
  while (rest.size() >= 2) {
    const bool binary = rest[0] % 2 != 0;
    const std::size_t length = std::min<std::size_t>(static_cast<unsigned char>(rest[1]), rest.size() - 2);
    if (!decoder.take(binary, rest.substr(2, length), checks)) break;
    rest.remove_prefix(2 + length);
  }
  return 0;
}
