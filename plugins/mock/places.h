// Where a condition of a mock response may look.
#pragma once

#include <cstdint>
#include <string_view>

#include "plugins/when/condition.h"

namespace mimus::mock {

enum class Where : std::uint8_t { query, header, path, cookie, body, method, ip };

inline constexpr when::Place places[] = {
    {"query", when::Place::Kind::named},   {"header", when::Place::Kind::named},
    {"path", when::Place::Kind::named},    {"cookie", when::Place::Kind::named},
    {"body", when::Place::Kind::document}, {"method", when::Place::Kind::text},
    {"ip", when::Place::Kind::text}};
constexpr std::size_t place(Where where) { return static_cast<std::size_t>(where); }

/// Shows each value of a cookie in one Cookie field until `show` returns true; returns
/// whether it did.
template <class Show>
bool any_cookie(std::string_view field, std::string_view name, Show&& show) {
  while (!field.empty()) {
    const std::size_t end = field.find(';');
    std::string_view pair = field.substr(0, end);
    field.remove_prefix(end == std::string_view::npos ? field.size() : end + 1);
    while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t')) pair.remove_prefix(1);
    while (!pair.empty() && (pair.back() == ' ' || pair.back() == '\t')) pair.remove_suffix(1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    if (show(pair.substr(equals + 1))) return true;
  }
  return false;
}

}  // namespace mimus::mock
