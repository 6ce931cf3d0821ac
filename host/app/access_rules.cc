#include "host/app/access_rules.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

#include "host/net/arena.h"
#include "host/route/target.h"
#include "mimus/header_text.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

constexpr std::size_t max_query_fields = 1000;

std::vector<std::string> strings(std::string_view array) {
  std::vector<std::string> out;
  json::elements(array, [&](std::string_view one) {
    out.push_back(json::unquote(one));
    return true;
  });
  return out;
}

template <class Number>
void read(std::string_view value, Number& out) {
  std::from_chars(value.data(), value.data() + value.size(), out);
}

/// The token that the caller shows, "" for none.
std::string shown_token(const Caller& caller) {
  if (!caller.bearer.empty()) return caller.bearer;
  if (const auto token = json::member(caller.origin.auth, "token"); token && token->starts_with('"'))
    return json::unquote(*token);
  Arena arena;
  std::string last;
  if (const auto query = parse_query(caller.origin.query, max_query_fields, arena)) {
    for (const QueryField& one : *query) {
      if (one.name == "token") last = one.value;
    }
  }
  return last;
}

}  // namespace

AccessRules::AccessRules(std::string_view document) {
  json::members(document, [&](std::string_view name, std::string_view value) {
    if (name == "requireToken" && value != "null") token = json::unquote(value);
    if (name == "origins") origins = strings(value);
    if (name == "subprotocols") subprotocols = strings(value);
    if (name == "maxConnectionsPerIp") read(value, connections);
    if (name == "maxAttemptsPerMinute") read(value, attempts);
    if (name == "maxMessagesPerSecond") read(value, messages);
    return true;
  });
}

bool AccessRules::allow_origin(const Caller& caller) const {
  if (caller.web_origin.empty()) return true;
  if (!origins && token) return caller.web_origin.ends_with("//" + caller.host);
  if (!origins) return true;
  return std::any_of(origins->begin(), origins->end(), [&](const std::string& one) {
    return one == "*" || header::same_name(one, caller.web_origin);
  });
}

bool AccessRules::allow_token(const Caller& caller) const {
  if (!token) return true;
  const std::string shown = shown_token(caller);
  return shown.size() == token->size() && CRYPTO_memcmp(shown.data(), token->data(), shown.size()) == 0;
}

std::string AccessRules::choose(const std::vector<std::string>& offered) const {
  for (const std::string& one : subprotocols) {
    if (std::find(offered.begin(), offered.end(), one) != offered.end()) return one;
  }
  return {};
}

}  // namespace mimus
