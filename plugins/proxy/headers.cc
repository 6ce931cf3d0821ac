// Header fields on their way to an upstream.
#include "plugins/proxy/headers.h"

#include <algorithm>

#include "mimus/header_text.h"
#include "mimus/json_text.h"

namespace mimus::proxy {
namespace {

void own_fields(std::string_view json, std::string_view pointer, std::vector<OwnField>& out, Report* report) {
  json::members(json, [&](std::string_view name, std::string_view quoted) {
    std::string value = json::unquote(quoted);
    const char* fault = nullptr;
    if (!header::is_token(name)) {
      fault = "is not a header name";
    } else if (is_hop_field(name)) {
      fault = "is written by the host for each connection and cannot be set";
    } else if (!is_field_value(value)) {
      fault = "the value holds a character that a header cannot hold";
    }
    if (fault == nullptr) {
      out.push_back({std::string(name), std::move(value)});
    } else if (report != nullptr) {
      report->add(std::string(pointer) + '/' + json::pointer_token(name), fault);
    }
    return true;
  });
}

std::vector<std::string> names(std::string_view json, std::string_view pointer, Report* report) {
  std::vector<std::string> out;
  std::size_t index = 0;
  json::elements(json, [&](std::string_view quoted) {
    std::string name = json::unquote(quoted);
    if (header::is_token(name)) {
      out.push_back(std::move(name));
    } else if (report != nullptr) {
      report->add(std::string(pointer) + '/' + std::to_string(index), "is not a header name");
    }
    ++index;
    return true;
  });
  return out;
}

}  // namespace

bool is_field_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\t') || u == 0x7F;
  });
}

bool is_hop_field(std::string_view name) {
  static constexpr std::string_view hop[] = {"connection",
                                             "keep-alive",
                                             "proxy-connection",
                                             "proxy-authenticate",
                                             "proxy-authorization",
                                             "te",
                                             "trailer",
                                             "transfer-encoding",
                                             "upgrade",
                                             "host",
                                             "content-length",
                                             "expect"};
  return std::any_of(std::begin(hop), std::end(hop),
                     [&](std::string_view h) { return header::same_name(h, name); });
}

HeaderRules header_rules(std::string_view json, Report* report) {
  HeaderRules rules;
  json::members(json, [&](std::string_view key, std::string_view value) {
    if (key == "add") own_fields(value, "/proxyHeaders/add", rules.add, report);
    if (key == "override") own_fields(value, "/proxyHeaders/override", rules.override, report);
    if (key == "remove") rules.remove = names(value, "/proxyHeaders/remove", report);
    if (key == "forward") {
      for (const std::string& name : names(value, "/proxyHeaders/forward", report)) {
        rules.forward_authorization |= header::same_name(name, "authorization");
        rules.forward_cookie |= header::same_name(name, "cookie");
      }
    }
    return true;
  });
  return rules;
}

void upstream_fields(const HeaderRules& rules, std::span<const mimus_field> request,
                     std::vector<mimus_field>& out) {
  out.clear();
  out.reserve(request.size() + rules.override.size() + rules.add.size());
  const auto named_by_connection = [&](std::string_view name) {
    return std::any_of(request.begin(), request.end(), [&](const mimus_field& f) {
      return header::same_name(view(f.name), "connection") && header::lists(view(f.value), name);
    });
  };
  for (const mimus_field& f : request) {
    const std::string_view name = view(f.name);
    const auto is_name = [&](std::string_view other) { return header::same_name(other, name); };
    if (is_hop_field(name) || named_by_connection(name)) continue;
    if (!rules.forward_authorization && is_name("authorization")) continue;
    if (!rules.forward_cookie && is_name("cookie")) continue;
    if (std::any_of(rules.remove.begin(), rules.remove.end(), is_name)) continue;
    if (std::any_of(rules.override.begin(), rules.override.end(),
                    [&](const OwnField& o) { return is_name(o.name); })) {
      continue;
    }
    out.push_back(f);
  }
  for (const OwnField& f : rules.override) out.push_back(field(f.name, f.value));
  for (const OwnField& f : rules.add) out.push_back(field(f.name, f.value));
}

}  // namespace mimus::proxy
