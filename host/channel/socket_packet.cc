#include "host/channel/socket_packet.h"

namespace mimus {

std::string socket_packet(SocketType type, std::string_view ns, std::int64_t id, std::string_view payload,
                          std::size_t attachments) {
  std::string out;
  out.reserve(ns.size() + payload.size() + 32);
  out += static_cast<char>('0' + static_cast<int>(type));
  if (type == SocketType::binary_event || type == SocketType::binary_acknowledgement)
    out.append(std::to_string(attachments)).append("-");
  if (ns != "/") out.append(ns).append(",");
  if (id >= 0) out += std::to_string(id);
  return out.append(payload);
}

}  // namespace mimus
