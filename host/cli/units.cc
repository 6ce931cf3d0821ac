#include "host/cli/units.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace mimus {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr Unit ages[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};
constexpr Unit sizes[] = {
    {"B", 1}, {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}};
constexpr std::uint64_t max_age_seconds = 86400ull * 10'000;
constexpr std::uint64_t min_bytes = 1 << 20;
constexpr std::uint64_t max_count = 1ull << 22;  // times the largest unit still fits 63 bits

/// `count` of the unit that `name` is, if the list has it.
template <std::size_t N>
std::optional<std::uint64_t> in_unit(const Unit (&units)[N], std::string_view name, std::uint64_t count) {
  for (const Unit& unit : units) {
    if (unit.name == name && (count <= max_count || unit.size == 1)) return count * unit.size;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t minimum, std::int64_t maximum) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc() || stop != end || value < minimum || value > maximum) return std::nullopt;
  return value;
}

std::optional<bool> parse_yes_no(std::string_view text) {
  if (text == "yes" || text == "true" || text == "1") return true;
  if (text == "no" || text == "false" || text == "0") return false;
  return std::nullopt;
}

std::optional<Retention> parse_retention(std::string_view text) {
  Retention out;
  for (std::string_view rest = text; !rest.empty() || text.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, comma);
    if (comma + 1 == rest.size()) return std::nullopt;  // a comma with nothing after it
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    std::uint64_t count = 0;
    const auto [stop, failed] = std::from_chars(part.data(), part.data() + part.size(), count);
    if (failed != std::errc()) return std::nullopt;
    const std::string_view unit = part.substr(static_cast<std::size_t>(stop - part.data()));
    if (const auto seconds = in_unit(ages, unit, count)) {
      if (out.age || *seconds < 1 || *seconds > max_age_seconds) return std::nullopt;
      out.age = std::chrono::seconds(*seconds);
    } else if (const auto bytes = in_unit(sizes, unit, count)) {
      if (out.bytes || *bytes < min_bytes || *bytes > INT64_MAX) return std::nullopt;
      out.bytes = *bytes;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::chrono::milliseconds> parse_milliseconds(std::string_view text) {
  constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  if (text == "0") return std::chrono::milliseconds(0);
  for (const auto& [unit, factor] : units) {
    if (!text.ends_with(unit)) continue;
    const auto number = parse_integer(text.substr(0, text.size() - unit.size()), 0, 1'000'000'000);
    if (number) return std::chrono::milliseconds(*number * factor);
  }
  return std::nullopt;
}

bool is_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  unsigned char bytes[16];
  const bool v4 = ::inet_pton(AF_INET, address.c_str(), bytes) == 1;
  if (!v4 && ::inet_pton(AF_INET6, address.c_str(), bytes) != 1) return false;
  return slash == text.npos || parse_integer(text.substr(slash + 1), 0, v4 ? 32 : 128).has_value();
}

bool is_loopback(std::string_view address) {
  if (address.starts_with("unix:")) return true;
  const std::string host(address.substr(0, address.rfind(':')));
  unsigned char bytes[4];
  if (::inet_pton(AF_INET, host.c_str(), bytes) == 1) return bytes[0] == 127;
  return host == "localhost" || host == "[::1]";
}

}  // namespace mimus
