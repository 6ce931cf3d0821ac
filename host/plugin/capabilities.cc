#include "host/plugin/capabilities.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace mimus {
namespace {

struct Flagged {
  std::string_view name, extension;
  bool Capabilities::*member;
};

constexpr std::string_view relay = "mimus.relay/";  // Another table behind `forward`.

constexpr Flagged flagged[] = {{"kv", "mimus.kv/", &Capabilities::kv},
                               {"fetch", "mimus.fetch/", &Capabilities::fetch},
                               {"forward", "mimus.forward/", &Capabilities::forward},
                               {"journal", "mimus.journal/", &Capabilities::journal},
                               {"channel", "mimus.channel/", &Capabilities::channel}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

/// HOST and PORT of HOST:PORT; [v6] loses its brackets. No port: "".
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return {};
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (rest.size() == 1 || rest[0] != ':')) return {};
    return {text.substr(1, end - 1), rest.empty() ? rest : rest.substr(1)};
  }
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return {text, {}};
  return colon + 1 == text.size() ? std::pair<std::string_view, std::string_view>{}
                                  : std::pair{text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<unsigned> port_of(std::string_view text) {
  unsigned port = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failed != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535)
    return std::nullopt;
  return port;
}

bool matches(std::string_view pattern, std::string_view host, unsigned port) {
  const auto [wanted, ports] = split(pattern);
  if (wanted.empty()) return false;
  if (ports != "*" && port != (ports.empty() ? 443u : port_of(ports).value_or(0))) return false;
  if (wanted == "*") return true;
  if (!wanted.starts_with("*.")) return same(wanted, host);
  const std::string_view suffix = wanted.substr(1);  // with its dot: the bare domain is another host
  return host.size() > suffix.size() && same(host.substr(host.size() - suffix.size()), suffix);
}

bool named(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool is_capability(std::string_view name) {
  return std::find(std::begin(capability_names), std::end(capability_names), name) !=
         std::end(capability_names);
}

std::vector<std::string> names_of(const Capabilities& capabilities) {
  std::vector<std::string> out;
  for (const Flagged& one : flagged) {
    if (capabilities.*one.member) out.emplace_back(one.name);
  }
  return out;
}

Capabilities without(Capabilities capabilities, const std::vector<std::string>& names) {
  for (const Flagged& one : flagged) {
    if (named(names, one.name)) capabilities.*one.member = false;
  }
  if (!capabilities.fetch) capabilities.fetch_hosts.clear();
  return capabilities;
}

Capabilities within(Capabilities capabilities, const std::vector<std::string>& names) {
  for (const Flagged& one : flagged) {
    if (!named(names, one.name)) capabilities.*one.member = false;
  }
  if (!capabilities.fetch) capabilities.fetch_hosts.clear();
  return capabilities;
}

bool may_use(const Capabilities& granted, std::string_view id) {
  if (id.starts_with(relay)) return granted.forward;
  for (const Flagged& one : flagged) {
    if (id.starts_with(one.extension)) return granted.*one.member;
  }
  return true;
}

bool fetch_allowed(const Capabilities& granted, std::string_view host, unsigned port) {
  if (host.ends_with('.')) host.remove_suffix(1);  // the same host, written fully qualified
  return granted.fetch && !host.empty() &&
         std::any_of(granted.fetch_hosts.begin(), granted.fetch_hosts.end(),
                     [&](const std::string& pattern) { return matches(pattern, host, port); });
}

bool is_fetch_host(std::string_view text) {
  auto [host, port] = split(text);
  if (host.empty() || host.size() > 253 || (!port.empty() && port != "*" && !port_of(port))) return false;
  if (host == "*") return true;
  if (!text.starts_with('[') && host.starts_with("*.")) host.remove_prefix(2);
  return !host.empty() && std::all_of(host.begin(), host.end(), [&](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           (c == ':' && text.starts_with('['));
  });
}

}  // namespace mimus
