#include "plugins/proxy/channel_target.h"

#include <algorithm>

#include "plugins/proxy/target.h"

namespace mimus::proxy {
namespace {

/// Of Engine.IO's handshake, which the host writes anew.
constexpr std::string_view engine_keys[] = {"EIO", "transport", "sid", "t", "b64", "j"};

bool is_engines(std::string_view pair) {
  const std::string_view key = pair.substr(0, pair.find('='));
  return std::find(std::begin(engine_keys), std::end(engine_keys), key) != std::end(engine_keys);
}

}  // namespace

Result<std::string> http_form(std::string_view target) {
  const std::size_t colon = std::min(target.find("://"), target.size());
  std::string scheme(target.substr(0, colon));
  for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (scheme != "ws" && scheme != "wss" && scheme != "http" && scheme != "https")
    return invalid("must be an absolute URL with ws://, wss://, http:// or https://");
  if (scheme.starts_with("ws")) scheme.replace(0, 2, "http");
  std::string url = scheme + std::string(target.substr(colon));
  if (const char* const fault = fault_of(url)) return invalid(fault);
  const std::size_t host = scheme.size() + 3;
  if (host >= url.size() || url[host] == '/' || url[host] == '?') return invalid("has no host");
  return url;
}

std::string channel_url(std::string_view target, std::string_view query, bool socket_io) {
  std::string url(target);
  bool has_query = target.find('?') != std::string_view::npos;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty() || (socket_io && is_engines(pair))) continue;
    if (!has_query) {
      url += '?';
    } else if (url.back() != '?' && url.back() != '&') {
      url += '&';
    }
    has_query = true;
    url += pair;
  }
  return url;
}

}  // namespace mimus::proxy
