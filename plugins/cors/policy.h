// What an API's `cors` says about a request, by the Fetch standard. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::cors {

/// `cors` of an API, compiled. Immutable.
struct Policy {
  bool any_origin = true;
  std::vector<std::string> origins;  // when not any
  bool any_method = true;
  std::string methods;  // the list as a field value, when not any
  bool any_header = true;
  std::string headers;  // likewise
  bool credentials = false;
  std::string max_age = "600";

  /// Whether the answer depends on the request's Origin, so that caches must know.
  bool varies() const { return !any_origin || credentials; }
  /// The value of Access-Control-Allow-Origin, or nothing if the origin is not allowed.
  std::optional<std::string_view> allow_origin(std::string_view origin) const;
};

/// Compiles the JSON text of `cors`; nothing for `false`. An empty text (absent) is `true`.
std::optional<Policy> compile(std::string_view cors);

/// Shows what is wrong with the JSON text of `cors` beyond its schema.
void check(std::string_view cors, const std::function<void(std::string pointer, std::string detail)>& fault);

}  // namespace mimus::cors
