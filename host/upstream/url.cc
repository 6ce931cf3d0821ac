// An absolute URL, taken apart strictly: what cannot be meant is refused, not repaired.
#include <charconv>

#include "host/upstream/address.h"
#include "host/upstream/upstream.h"

namespace mimus {
namespace {

constexpr std::size_t max_url_bytes = 65536;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool is_name(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : host) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool known = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!known || ++label > 63) return false;
  }
  return label > 0;
}

/// Splits "host:port"; an empty port stays empty. False: not of that form.
bool split(std::string_view authority, std::string_view& host, std::string_view& port) {
  std::size_t end = authority.find(':');
  if (!authority.empty() && authority[0] == '[') {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return false;
    host = authority.substr(1, bracket - 1);
    authority.remove_prefix(bracket + 1);
    if (!authority.empty() && authority[0] != ':') return false;
    end = authority.empty() ? std::string_view::npos : 0;
  } else {
    host = authority.substr(0, end);
  }
  port = end == std::string_view::npos ? std::string_view() : authority.substr(end + 1);
  return true;
}

}  // namespace

Result<Url> Url::parse_websocket(std::string_view text) {
  const std::string scheme = lowered(text.substr(0, text.find(':')));
  if (scheme != "ws" && scheme != "wss") return parse(text);
  return parse("http" + scheme.substr(2) + std::string(text.substr(scheme.size())));
}

Result<Url> Url::parse(std::string_view text) {
  if (text.size() > max_url_bytes) return invalid("the URL is longer than 64 KiB");
  for (const char c : text) {
    if (c <= ' ' || c > '~') return invalid("the URL holds a character that must be percent-encoded");
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos)
    return invalid("the URL is not absolute; it starts with http:// or https://");
  const std::string scheme = lowered(text.substr(0, colon));
  if (scheme != "http" && scheme != "https") {
    return invalid("the URL's scheme is \"" + scheme + "\"; it may be http or https");
  }
  Url url;
  url.tls = scheme == "https";
  text.remove_prefix(colon + 3);
  text = text.substr(0, text.find('#'));

  const std::size_t path = text.find_first_of("/?");
  const std::string_view authority = text.substr(0, path);
  if (authority.find('@') != std::string_view::npos) return invalid("the URL holds user information");
  std::string_view host, port;
  if (!split(authority, host, port)) return invalid("the URL's host does not end in \"]\"");
  url.host = lowered(host);
  const bool v6 = !authority.empty() && authority[0] == '[';
  const bool address = v6 ? url.host.find_first_not_of("0123456789abcdef:.") == std::string::npos &&
                                url.host.find(':') != std::string::npos && Address::parse(url.host)
                          : Address::parse(url.host).has_value();
  if (!address && (v6 || ends_in_number(url.host) || !is_name(url.host))) {
    return invalid("the URL's host \"" + url.host + "\" is neither a name nor an address");
  }

  const std::uint16_t usual = url.tls ? 443 : 80;
  url.port = usual;
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0) {
      return invalid("the URL's port is \"" + std::string(port) + "\"; it may be 1 to 65535");
    }
  }
  url.authority = v6 ? "[" + url.host + "]" : url.host;
  if (url.port != usual) url.authority += ":" + std::to_string(url.port);
  if (path == std::string_view::npos || text[path] == '?') url.path_query = "/";
  if (path != std::string_view::npos) url.path_query += text.substr(path);
  return url;
}

}  // namespace mimus
