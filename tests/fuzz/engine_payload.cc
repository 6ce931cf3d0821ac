// Payloads of Engine.IO's polling: whatever comes is taken apart to its end, and what is good is
// made again from its packets.
#include "host/channel/engine_packet.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

namespace mimus::fuzz {
namespace {

struct Packet {
  EngineType type;
  bool binary;
  std::string data;
  bool operator==(const Packet&) const = default;
};

/// False: a packet was bad.
bool take_apart(std::string_view payload, std::vector<Packet>& out) {
  PayloadReader reader(payload);
  for (;;) {
    const PayloadReader::Got got = reader.next();
    if (got == PayloadReader::Got::packet) {
      const EnginePacket& packet = reader.packet();
      require(!packet.binary || packet.type == EngineType::message, "binaries are messages");
      require(packet.binary || packet.data.find(packet_separator) == packet.data.npos, "packets are apart");
      out.push_back({packet.type, packet.binary, std::string(packet.data)});
      require(out.size() <= payload.size(), "each packet has bytes of its own");
      continue;
    }
    require(reader.next() == PayloadReader::Got::end, "the end is the end");
    return got == PayloadReader::Got::end;
  }
}

void cut(std::string_view payload, std::size_t limit, std::size_t packets) {
  std::size_t met = 0;
  std::string_view rest = payload;
  while (!rest.empty()) {
    const std::size_t size = payload_prefix(rest, limit);
    require(size > 0 && size <= rest.size(), "something is cut off", rest);
    require(size == rest.size() || rest[size] == packet_separator, "a cut is between packets", rest);
    const auto here =
        static_cast<std::size_t>(std::count(rest.begin(), rest.begin() + size, packet_separator)) + 1;
    require(size <= limit || here == 1, "only one packet may be too long", rest);
    met += here;
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  require(met == packets, "no packet is lost", payload);
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus;
  using namespace mimus::fuzz;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  is_utf8(input);
  std::vector<Packet> packets;
  if (!take_apart(input, packets)) return 0;
  std::string again;
  for (const Packet& one : packets) {
    if (one.type == EngineType::message) {
      append_message(again, one.binary, one.data);
    } else {
      append_packet(again, one.type, one.data);
    }
  }
  require(again == input, "a payload is made as it was read", again);
  cut(input, Dice(input).below(size + 2), packets.size());
  return 0;
}
