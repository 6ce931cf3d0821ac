// The key of a request, after the contract's list.
#include "plugins/dedup/key.h"

#include <algorithm>

#include "mimus/json_text.h"
#include "mimus/percent.h"
#include "plugins/dedup/answer.h"
#include "plugins/dedup/canonical.h"

namespace mimus::dedup {
namespace {

constexpr int max_when_depth = 100;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// Adds what the leaves of a `when` look at.
void read_when(std::string_view when, KeyRules& rules, int depth) {
  if (depth > max_when_depth) return;
  std::string in;
  std::string name;
  json::members(when, [&](std::string_view key, std::string_view value) {
    if (key == "all" || key == "any") {
      json::elements(value, [&](std::string_view child) {
        read_when(child, rules, depth + 1);
        return true;
      });
    } else if (key == "not") {
      read_when(value, rules, depth + 1);
    } else if (key == "in") {
      in = json::unquote(value);
    } else if (key == "name") {
      name = json::unquote(value);
    }
    return true;
  });
  if (in == "header" && !name.empty()) rules.headers.push_back(lower(name));
  if (in == "ip") rules.address = true;
}

/// Every value of a field, in order.
void header_parts(const Request& request, std::string_view name, KeyText& out) {
  std::uint32_t n = 0;
  while (request.get(MIMUS_REQUEST_HEADERS, name, n)) ++n;
  out.count(n);
  for (std::uint32_t i = 0; i < n; ++i) out.part(request.get(MIMUS_REQUEST_HEADERS, name, i).value_or(""));
}

void query_parts(const Request& request, KeyText& out) {
  std::vector<Request::Field> fields;
  while (const auto field = request.at(MIMUS_QUERY, static_cast<std::uint32_t>(fields.size())))
    fields.push_back(*field);
  std::stable_sort(fields.begin(), fields.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  out.count(fields.size());
  for (const auto& field : fields) {
    out.part(field.name);
    out.part(field.value);
  }
}

/// What an upstream may choose its answer by.
void negotiation_parts(const Request& request, KeyText& out) {
  for (const std::string_view name : {"accept", "accept-encoding", "accept-language", "range"}) {
    header_parts(request, name, out);
  }
  std::vector<std::pair<std::string, std::string_view>> conditions;
  for (std::uint32_t i = 0;; ++i) {
    const auto field = request.at(MIMUS_REQUEST_HEADERS, i);
    if (!field) break;
    if (field->name.size() > 3 && header::same_name(field->name.substr(0, 3), "if-")) {
      conditions.emplace_back(lower(field->name), field->value);
    }
  }
  std::stable_sort(conditions.begin(), conditions.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  out.count(conditions.size());
  for (const auto& [name, value] : conditions) {
    out.part(name);
    out.part(value);
  }
}

bool json_type(std::string_view content_type) {
  std::string type = lower(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return type == "application/json" || type.ends_with("+json");
}

}  // namespace

KeyRules key_rules(std::string_view endpoint_id, std::uint64_t revision, std::string_view fields) {
  KeyRules rules{std::string(endpoint_id), revision, {}, false, false};
  json::members(fields, [&](std::string_view name, std::string_view value) {
    if (name == "dedupVary") {
      json::elements(value, [&](std::string_view header) {
        rules.headers.push_back(lower(json::unquote(header)));
        return true;
      });
    } else if (name == "responses") {
      json::elements(value, [&](std::string_view response) {
        if (const auto when = json::member(response, "when")) read_when(*when, rules, 0);
        return true;
      });
    } else if (name == "proxyMode") {
      rules.proxied = value == "true";
    }
    return true;
  });
  std::sort(rules.headers.begin(), rules.headers.end());
  rules.headers.erase(std::unique(rules.headers.begin(), rules.headers.end()), rules.headers.end());
  return rules;
}

void KeyText::part(std::string_view text) {
  count(text.size());
  text_ += text;
}

void KeyText::count(std::uint64_t n) {
  for (int i = 0; i < 8; ++i) text_ += static_cast<char>(n >> (8 * i));
}

void path_parts(std::string_view raw_path, KeyText& out) {
  out.count(static_cast<std::uint64_t>(std::count(raw_path.begin(), raw_path.end(), '/')));
  for (std::size_t from = 0; from <= raw_path.size();) {
    const std::size_t slash = std::min(raw_path.find('/', from), raw_path.size());
    out.part(percent::decoded(raw_path.substr(from, slash - from)));
    from = slash + 1;
  }
}

void body_part(std::string_view content_type, std::string_view body, KeyText& out) {
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  const bool container = first != std::string_view::npos && (body[first] == '{' || body[first] == '[');
  if (container || (first != std::string_view::npos && json_type(content_type))) {
    if (const auto canonical = canonical_json(body)) {
      out.part("json");
      out.part(*canonical);
      return;
    }
  }
  out.part("bytes");
  out.part(body);
}

Digest request_key(const KeyRules& rules, const Host& host, const Request& request, std::string_view body) {
  KeyText key;
  key.part(rules.endpoint_id);
  key.count(rules.revision);
  key.part(request.attr(MIMUS_METHOD));
  path_parts(request.attr(MIMUS_RAW_PATH), key);
  query_parts(request, key);
  body_part(request.get(MIMUS_REQUEST_HEADERS, "content-type").value_or(""), body, key);
  header_parts(request, "authorization", key);
  header_parts(request, "cookie", key);
  for (const std::string& name : rules.headers) header_parts(request, name, key);
  if (rules.address) key.part(request.attr(MIMUS_CLIENT_IP));
  if (rules.proxied) negotiation_parts(request, key);
  Digest digest{};
  const mimus_str whole = str(key.text());
  host.hash->sha256(&whole, 1, digest.data());
  return digest;
}

}  // namespace mimus::dedup
