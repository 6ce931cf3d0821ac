// Walking a schema and a value together.
#include "host/admin/schema_patterns.h"

#include <re2/re2.h>

#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

using nlohmann::json;

/// What a taken pattern is called in the schema: a keyword that validators ignore.
constexpr const char* taken = "x-pattern";
constexpr unsigned max_hops = 64;

bool admits(const json& type, const json& value) {
  if (type.is_array()) {
    for (const json& one : type) {
      if (admits(one, value)) return true;
    }
    return false;
  }
  if (type == "integer") return value.is_number_integer();
  return type == value.type_name();
}

bool may_admit(const json& schema, const json& value) {
  return !schema.contains("type") || admits(schema["type"], value);
}

}  // namespace

const json* resolved(const json& root, const json& schema) {
  const json* at = &schema;
  for (int hop = 0; hop < 16 && at->is_object() && at->contains("$ref"); ++hop) {
    const json::json_pointer target((*at)["$ref"].get<std::string>().substr(1));
    if (!root.contains(target)) return nullptr;
    at = &root[target];
  }
  return at;
}

SchemaPatterns::SchemaPatterns() = default;
SchemaPatterns::~SchemaPatterns() = default;
SchemaPatterns::SchemaPatterns(SchemaPatterns&&) noexcept = default;

std::string SchemaPatterns::take_from(json& schema) {
  if (schema.is_array()) {
    for (json& one : schema) {
      if (auto wrong = take_from(one); !wrong.empty()) return wrong;
    }
  }
  if (!schema.is_object()) return "";
  if (const auto at = schema.find("pattern"); at != schema.end() && at->is_string()) {
    const std::string pattern = *at;
    RE2::Options options;
    options.set_max_mem(1 << 20);
    options.set_log_errors(false);
    auto compiled = std::make_unique<RE2>(pattern, options);
    if (pattern.size() > 1024 || !compiled->ok())
      return "the pattern " + pattern.substr(0, 100) + " does not compile: " + compiled->error();
    compiled_[pattern] = std::move(compiled);
    schema.erase("pattern");
    schema[taken] = pattern;
  }
  for (auto& [key, value] : schema.items()) {
    if (key == "enum" || key == "const" || key == "default" || key == "examples") continue;
    if ((key == "properties" || key == "definitions") && value.is_object()) {
      for (auto& [name, part] : value.items()) {
        if (auto wrong = take_from(part); !wrong.empty()) return wrong;
      }
    } else if (auto wrong = take_from(value); !wrong.empty()) {
      return wrong;
    }
  }
  return "";
}

void SchemaPatterns::check(const json& root, const json& value, const std::string& base,
                           const Show& show) const {
  if (!compiled_.empty()) check_at(root, root, value, base, 0, show);
}

void SchemaPatterns::check_at(const json& root, const json& schema, const json& value,
                              const std::string& pointer, unsigned hops, const Show& show) const {
  const json* const at = resolved(root, schema);
  if (at == nullptr || !at->is_object() || hops == max_hops) return;
  if (value.is_string() && at->contains(taken)) {
    const std::string pattern = (*at)[taken];
    const auto& text = value.get_ref<const std::string&>();
    if (!RE2::PartialMatch(text, *compiled_.at(pattern))) show(pointer, pattern);
  }
  if (const auto all = at->find("allOf"); all != at->end()) {
    for (const json& one : *all) check_at(root, one, value, pointer, hops + 1, show);
  }
  for (const char* const several : {"oneOf", "anyOf"}) {
    const auto found = at->find(several);
    if (found == at->end()) continue;
    const json* only = nullptr;
    std::size_t fitting = 0;
    for (const json& one : *found) {
      const json* const alternative = resolved(root, one);
      if (alternative == nullptr || !may_admit(*alternative, value)) continue;
      only = alternative;
      ++fitting;
    }
    if (fitting == 1) check_at(root, *only, value, pointer, hops + 1, show);
  }
  if (value.is_array() && at->contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      check_at(root, (*at)["items"], value[i], pointer + '/' + std::to_string(i), hops + 1, show);
    }
  }
  if (!value.is_object()) return;
  const auto named = at->find("properties");
  for (const auto& [key, member] : value.items()) {
    const std::string below = pointer + '/' + mimus::json::pointer_token(key);
    if (named != at->end() && named->contains(key)) {
      check_at(root, (*named)[key], member, below, hops + 1, show);
    } else if (at->contains("additionalProperties")) {
      check_at(root, (*at)["additionalProperties"], member, below, hops + 1, show);
    }
  }
}

}  // namespace mimus::admin
