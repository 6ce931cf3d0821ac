// Reading and classing addresses.
#include "plugins/analytics/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace mimus::analytics {
namespace {
constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
}

std::optional<Address> parse_address(std::string_view text) {
  char copy[INET6_ADDRSTRLEN + 1];
  text = text.substr(0, text.find('%'));
  if (text.size() >= sizeof copy || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  Address address{};
  if (inet_pton(AF_INET6, copy, address.data()) == 1) return address;
  std::copy(mapped.begin(), mapped.end(), address.begin());
  if (inet_pton(AF_INET, copy, address.data() + mapped.size()) == 1) return address;
  return std::nullopt;
}

bool is_ipv4(const Address& address) { return std::equal(mapped.begin(), mapped.end(), address.begin()); }

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
