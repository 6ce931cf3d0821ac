// Header fields as text (RFC 9110, section 5): comparing names, looking into lists. Pure.
#pragma once

#include <algorithm>
#include <string_view>

namespace mimus::header {

/// Whether two names are the same: ASCII, without regard to case.
inline bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// Whether `text` is a token, as names and methods are.
inline bool is_token(std::string_view text) {
  constexpr std::string_view tchar =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !text.empty() && text.find_first_not_of(tchar) == std::string_view::npos;
}

/// Whether `text` may stand in a list of origins: "*", "null", or a serialised origin (RFC 6454,
/// section 6.2) as scheme://host or scheme://host:port.
inline bool is_origin(std::string_view text) {
  if (text == "*" || text == "null") return true;
  const std::size_t colon = text.find("://");
  if (colon == 0 || colon == std::string_view::npos || colon + 3 == text.size()) return false;
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127 && c != '*'; });
  return plain && text.find_first_of("/?#@,", colon + 3) == std::string_view::npos;
}

/// Without the spaces and tabs around it.
inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Shows each member of a comma-separated value, trimmed, in order; empty ones are left
/// out. No list of which this is asked has quoted commas that count.
template <class Show>
void members(std::string_view value, Show&& show) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    if (const std::string_view member = trimmed(value.substr(0, comma)); !member.empty()) show(member);
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

/// Whether a comma-separated value has the token, whatever its case and what follows it
/// after "=" or ";".
inline bool lists(std::string_view value, std::string_view token) {
  bool found = false;
  members(value, [&](std::string_view member) {
    found = found || same_name(trimmed(member.substr(0, member.find_first_of("=;"))), token);
  });
  return found;
}

}  // namespace mimus::header
