#include "host/kit/values.h"

#include <algorithm>
#include <limits>

namespace mimus::kit {
namespace {

using Json = Values::Json;

constexpr int deepest = 12;
constexpr std::size_t longest_array = 20;
constexpr std::size_t most_values = 500;  // in one made value: schemas that name themselves have no end

/// What a "$ref" of this document means; an empty schema if it means nothing.
const Json& followed(const Json& root, const Json& schema) {
  static const Json anything = Json::object();
  const Json* at = &schema;
  for (int hops = 0; hops < 8; ++hops) {
    if (!at->is_object()) return anything;
    const auto ref = at->find("$ref");
    if (ref == at->end()) return *at;
    if (!ref->is_string() || !ref->get_ref<const std::string&>().starts_with("#")) return anything;
    try {
      at = &root.at(Json::json_pointer(ref->get_ref<const std::string&>().substr(1)));
    } catch (const Json::exception&) {
      return anything;
    }
  }
  return anything;
}

/// A number under a key, or nothing.
std::optional<double> bound(const Json& schema, const char* key) {
  const auto at = schema.find(key);
  return at != schema.end() && at->is_number() ? std::optional<double>(at->get<double>()) : std::nullopt;
}

std::size_t count(const Json& schema, const char* key, std::size_t otherwise) {
  const auto at = schema.find(key);
  return at != schema.end() && at->is_number_unsigned() ? at->get<std::size_t>() : otherwise;
}

std::string type_of(const Json& schema, std::size_t pick) {
  const auto at = schema.find("type");
  if (at == schema.end())
    return schema.contains("properties") ? "object" : schema.contains("items") ? "array" : "";
  if (at->is_string()) return *at;
  if (at->is_array() && !at->empty() && (*at)[pick % at->size()].is_string()) return (*at)[pick % at->size()];
  return "";
}

}  // namespace

std::size_t Values::below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random_() % n); }

Json Values::example(const Json& schema) {
  left_ = most_values;
  return make(schema, schema, Way::example, 0);
}
Json Values::valid(const Json& schema) {
  left_ = most_values;
  return make(schema, schema, Way::valid, 0);
}

Json Values::nearly(const Json& schema) {
  Json out = valid(schema);
  const std::size_t changes = 1 + below(3);
  for (std::size_t i = 0; i < changes; ++i) spoil(out, 0);
  return out;
}

Json Values::make(const Json& root, const Json& from, Way way, int depth) {
  const Json& schema = followed(root, from);
  const bool plain = way == Way::example;
  if (left_ > 0) --left_;
  if (!schema.is_object() || depth > deepest) return plain ? Json("x") : strange();
  if (const auto at = schema.find("const"); at != schema.end()) return *at;
  if (const auto at = schema.find("enum"); at != schema.end() && at->is_array() && !at->empty())
    return (*at)[plain ? 0 : below(at->size())];
  if (const auto at = schema.find("examples"); plain && at != schema.end() && at->is_array() && !at->empty())
    return at->front();
  for (const char* key : {"oneOf", "anyOf", "allOf"}) {
    if (const auto at = schema.find(key); at != schema.end() && at->is_array() && !at->empty())
      return make(root, (*at)[plain ? 0 : below(at->size())], way, depth + 1);
  }
  const std::string type = type_of(schema, plain ? 0 : below(8));
  if (type == "object") return object_of(root, schema, way, depth);
  if (type == "array") return array_of(root, schema, way, depth);
  if (type == "string") return text_of(schema, way);
  if (type == "integer" || type == "number") return number_of(schema, way, type == "integer");
  if (type == "boolean") return plain || below(2) == 0;
  if (type == "null") return nullptr;
  return plain ? Json("x") : strange();
}

Json Values::object_of(const Json& root, const Json& schema, Way way, int depth) {
  Json out = Json::object();
  const auto required = schema.value("required", Json::array());
  if (const auto at = schema.find("properties"); at != schema.end() && at->is_object()) {
    for (const auto& [name, property] : at->items()) {
      const bool needed = std::find(required.begin(), required.end(), Json(name)) != required.end();
      const bool wanted = way == Way::example ? depth < 3 : below(2) == 0;
      if (needed || (wanted && left_ > 0)) out[name] = make(root, property, way, depth + 1);
    }
  }
  if (const auto at = schema.find("additionalProperties"); at != schema.end() && at->is_object())
    out["x-example"] = make(root, *at, way, depth + 1);
  return out;
}

Json Values::array_of(const Json& root, const Json& schema, Way way, int depth) {
  const std::size_t least = count(schema, "minItems", way == Way::example ? 1 : 0);
  const std::size_t most = std::min(count(schema, "maxItems", longest_array), std::max(least, longest_array));
  const std::size_t n =
      way == Way::example ? least : least + below(most < least ? 1 : most - least + 1) / (depth + 1);
  Json out = Json::array();
  const auto items = schema.find("items");
  for (std::size_t i = 0; i < n && (i < least || left_ > 0); ++i)
    out.push_back(items == schema.end() ? Json("x") : make(root, *items, way, depth + 1));
  return out;
}

Json Values::number_of(const Json& schema, Way way, bool whole) {
  const double least = bound(schema, "minimum").value_or(way == Way::example ? 1 : -1e6);
  const double most = bound(schema, "maximum").value_or(std::max(least, 1e6));
  if (way == Way::example) {
    const double value = std::max(least, std::min(1.0, most));
    return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
  }
  const double parts[] = {0, 1, 0.5, 0.001};
  const double value = least + (most - least) * parts[below(4)];
  return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

Json Values::text_of(const Json& schema, Way way) {
  static constexpr const char* words[] = {
      "x",   "http://mock.test/a?b=c",   "GET", "text/plain", "/a/:id", "2026-01-01T00:00:00Z",
      "a,b", "\xc3\xa9\xf0\x9f\x98\x80", "*"};
  // A URL is a name too, so that fields which want one get one.
  const bool free = !schema.contains("pattern") && count(schema, "maxLength", 1000) >= 100;
  std::string out = way == Way::valid ? words[below(std::size(words))] : free ? words[1] : words[0];
  const std::size_t least = count(schema, "minLength", 0);
  const std::size_t most = count(schema, "maxLength", 1u << 16);
  if (way == Way::valid && below(4) == 0) out.assign(std::min<std::size_t>(most, 1 + below(1u << 14)), 'l');
  if (way == Way::valid && least == 0 && below(6) == 0) out.clear();
  if (out.size() > most) out.assign(most, 'x');
  while (out.size() < least) out += 'x';
  return out;
}

Json Values::strange() {
  switch (below(12)) {
    case 0:
      return nullptr;
    case 1:
      return below(2) == 0;
    case 2:
      return -1;
    case 3:
      return std::numeric_limits<std::uint64_t>::max();
    case 4:
      return std::numeric_limits<std::int64_t>::min();
    case 5:
      return 1e308;
    case 6:
      return "";
    case 7:
      return std::string("\x01\x7f\r\nX: y\0z", 10);
    case 8:
      return std::string(1u << 15, 's');
    case 9:
      return Json::array();
    case 10:
      return Json::object({{"", nullptr}, {"__proto__", 1}});
    default:
      return Json::array({Json::array({Json::array({1, "2", nullptr})})});
  }
}

/// Walks to some place of the value and puts something else there.
void Values::spoil(Json& value, int depth) {
  const bool inside = value.is_structured() && !value.empty() && depth < deepest && below(4) != 0;
  if (!inside) {
    value = strange();
  } else if (value.is_array()) {
    spoil(value[below(value.size())], depth + 1);
  } else {
    auto at = value.begin();
    std::advance(at, below(value.size()));
    if (below(5) == 0) {
      value.erase(at);
    } else if (below(6) == 0) {
      value["x-unknown"] = strange();
    } else {
      spoil(*at, depth + 1);
    }
  }
}

}  // namespace mimus::kit
