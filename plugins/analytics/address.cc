// Reading and classing addresses.
#include "plugins/analytics/address.h"

#include <algorithm>

namespace mimus::analytics {

std::optional<Address> parse_address(std::string_view text) {
  return parse_ip_address(text.substr(0, text.find('%')));
}

bool is_local(const Address& a) {
  if (is_ipv4(a)) {
    const std::uint8_t first = a[12];
    const std::uint8_t second = a[13];
    return first == 0 || first == 10 || first == 127 || (first == 100 && (second & 0xC0) == 64) ||
           (first == 169 && second == 254) || (first == 172 && (second & 0xF0) == 16) ||
           (first == 192 && second == 168);
  }
  const bool zeros = std::all_of(a.begin(), a.end() - 1, [](std::uint8_t b) { return b == 0; });
  return (zeros && a[15] <= 1) || (a[0] & 0xFE) == 0xFC || (a[0] == 0xFE && (a[1] & 0xC0) == 0x80);
}

}  // namespace mimus::analytics
