// What a WebSocket client puts on the wire, made by hand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mimus {

struct ClientFrame {
  unsigned first = 0x81;  ///< FIN, RSV bits and opcode.
  std::string_view payload = {};
  bool masked = true;
  int length_bytes = -1;        ///< 0, 2 or 8 bytes of extended length; -1: the shortest form.
  std::int64_t announced = -1;  ///< The length to announce; -1: the payload's.
};

inline std::string client_frame(const ClientFrame& from) {
  const auto length = from.announced < 0 ? from.payload.size() : static_cast<std::uint64_t>(from.announced);
  int extended = from.length_bytes;
  if (extended < 0) extended = length < 126 ? 0 : length < 65536 ? 2 : 8;
  std::string out(1, static_cast<char>(from.first));
  const unsigned mask_bit = from.masked ? 0x80 : 0;
  const unsigned second = extended == 0 ? static_cast<unsigned>(length) : extended == 2 ? 126 : 127;
  out += static_cast<char>(mask_bit | second);
  for (int i = extended; i-- > 0;) out += static_cast<char>(length >> (8 * i));
  if (!from.masked) return out.append(from.payload);
  const char key[4] = {'\x12', '\x34', '\x56', '\x78'};
  out.append(key, 4);
  for (std::size_t i = 0; i < from.payload.size(); ++i) {
    out += static_cast<char>(from.payload[i] ^ key[i % 4]);
  }
  return out;
}

inline std::string client_text(std::string_view payload) { return client_frame({0x81, payload}); }
inline std::string client_close(std::string_view payload) { return client_frame({0x88, payload}); }

}  // namespace mimus
