// What slugs, hosts, methods and paths must look like; no regular expressions.
#include <algorithm>

#include "host/admin/rules.h"
#include "host/route/path_pattern.h"
#include "mimus/header_text.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// A token as RFC 9110 has it.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return lower_or_digit(c) || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_slug(std::string_view slug) {
  return !slug.empty() && slug.size() <= 63 && lower_or_digit(slug[0]) &&
         std::all_of(slug.begin(), slug.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
}

/// A name, an IPv4 address, or an IPv6 address in brackets; no port.
bool is_host(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [&](char c) {
    return bracketed ? std::string_view("0123456789abcdefABCDEF:.").find(c) != std::string_view::npos
                     : lower_or_digit(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c)) || c == '-' ||
                           c == '.' || c == '_';
  });
}

void check_hosts(std::string_view hosts, const std::string& base, std::vector<Fault>& faults) {
  std::vector<std::string> seen;
  std::size_t index = 0;
  for (const std::string& host : strings_of(hosts)) {
    const std::string pointer = base + "/hosts/" + std::to_string(index++);
    if (!is_host(host)) {
      faults.push_back({pointer, "must be a host name or address without a port"});
      continue;
    }
    const std::string plain = plain_host(host);
    if (std::find(seen.begin(), seen.end(), plain) != seen.end())
      faults.push_back({pointer, "is there twice"});
    seen.push_back(plain);
  }
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

void check_channel(const Definition& next, const std::string& base, std::vector<Fault>& faults) {
  const std::string path = json::unquote(next.field("path"));
  if (!path.starts_with("/ws/")) {
    faults.push_back({base + "/path", "must begin with \"/ws/\""});
  } else if (std::any_of(path.begin(), path.end(), [](char c) {
               return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '?' || c == '#';
             })) {
    faults.push_back({base + "/path", "may not hold white space, control characters, \"?\" or \"#\""});
  } else if (has_dot_segment(path)) {
    faults.push_back({base + "/path", "can never match: dot segments are removed from requests"});
  }
  std::size_t index = 0;
  for (const std::string& name : strings_of(next.field("subprotocols"))) {
    if (!is_token(name))
      faults.push_back({base + "/subprotocols/" + std::to_string(index), "must be a token"});
    ++index;
  }
  index = 0;
  for (const std::string& origin : strings_of(next.field("origins"))) {
    if (!header::is_origin(origin)) {
      faults.push_back({base + "/origins/" + std::to_string(index),
                        "is not an origin such as https://example.com, \"null\" or \"*\""});
    }
    ++index;
  }
}

}  // namespace

void check_core(const Definition& next, const std::string& base, std::vector<Fault>& faults) {
  switch (next.kind) {
    case Kind::api:
      if (!is_slug(json::unquote(next.field("slug")))) {
        faults.push_back(
            {base + "/slug", "must be lower-case letters, digits and \"-\", not beginning with \"-\""});
      }
      check_hosts(next.field("hosts"), base, faults);
      break;
    case Kind::endpoint: {
      if (!is_token(json::unquote(next.field("method")))) {
        faults.push_back({base + "/method", "must be a method like GET, or ANY"});
      }
      const auto pattern = parse_path_pattern(json::unquote(next.field("path")));
      if (!pattern) faults.push_back({base + pattern.error().pointer, pattern.error().message});
      break;
    }
    case Kind::channel:
      check_channel(next, base, faults);
      break;
  }
}

std::string plain_host(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string out(host);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::vector<std::string> strings_of(std::string_view array) {
  std::vector<std::string> out;
  json::elements(array, [&](std::string_view value) {
    out.push_back(json::unquote(value));
    return true;
  });
  return out;
}

}  // namespace mimus::admin
