// Reading `cors` and matching origins.
#include "plugins/cors/policy.h"

#include <algorithm>

#include "mimus/header_text.h"
#include "mimus/json_text.h"

namespace mimus::cors {
namespace {

std::vector<std::string> strings(std::string_view array) {
  std::vector<std::string> out;
  json::elements(array, [&](std::string_view element) {
    out.push_back(json::unquote(element));
    return true;
  });
  return out;
}

/// Reads a list that "*" opens to all: whether it does, or is absent.
bool read_list(std::string_view cors, std::string_view key, std::vector<std::string>& out) {
  const auto text = json::member(cors, key);
  if (!text) return true;
  out = strings(*text);
  return std::find(out.begin(), out.end(), "*") != out.end();
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

}  // namespace

std::optional<std::string_view> Policy::allow_origin(std::string_view origin) const {
  // With credentials "*" is no wildcard (Fetch, 3.2.5): the origin itself is named.
  if (any_origin && !credentials) return "*";
  if (origin.empty()) return std::nullopt;
  if (any_origin) return origin;
  for (const std::string& known : origins) {
    if (header::same_name(known, origin)) return origin;
  }
  return std::nullopt;
}

std::optional<Policy> compile(std::string_view cors) {
  if (cors == "false") return std::nullopt;
  Policy policy;
  std::vector<std::string> methods, headers;
  policy.any_origin = read_list(cors, "origins", policy.origins);
  policy.any_method = read_list(cors, "methods", methods);
  policy.any_header = read_list(cors, "headers", headers);
  policy.methods = joined(methods);
  policy.headers = joined(headers);
  policy.credentials = json::member(cors, "credentials") == "true";
  if (const auto age = json::member(cors, "maxAge")) policy.max_age = *age;
  return policy;
}

void check(std::string_view cors, const std::function<void(std::string pointer, std::string detail)>& fault) {
  const auto each = [&](const char* key, bool (*sound)(std::string_view), const char* detail) {
    std::size_t i = 0;
    for (const std::string& value : strings(json::member(cors, key).value_or(""))) {
      if (!sound(value)) fault("/cors/" + std::string(key) + "/" + std::to_string(i), detail);
      ++i;
    }
  };
  each("origins", header::is_origin, "is not an origin such as https://example.com, \"null\" or \"*\"");
  each("methods", header::is_token, "is not a method or \"*\"");
  each("headers", header::is_token, "is not a header name or \"*\"");
}

}  // namespace mimus::cors
