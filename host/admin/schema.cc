// Validation by valijson; the wording of its findings from the schema at their place.
#include "host/admin/schema.h"

#define VALIJSON_USE_EXCEPTIONS 1  // else it aborts on what is no schema

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "host/admin/json_input.h"
#include "host/admin/schema_patterns.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

using nlohmann::json;
using Finding = valijson::ValidationResults::Error;

/// The first keyword in `schema` that we refuse, or "". Patterns were taken out.
std::string refused_keyword(const json& schema) {
  if (schema.is_array()) {
    for (const json& part : schema) {
      if (auto found = refused_keyword(part); !found.empty()) return found;
    }
  }
  if (!schema.is_object()) return "";
  for (const auto& [key, value] : schema.items()) {
    if (key == "patternProperties" || key == "format") return key;
    if (key == "$ref" && !(value.is_string() && value.get_ref<const std::string&>().starts_with('#')))
      return key;
    if (key == "enum" || key == "const" || key == "default" || key == "examples") continue;
    if (key == "properties" || key == "definitions") {
      for (const auto& [name, part] : value.items()) {
        if (auto found = refused_keyword(part); !found.empty()) return found;
      }
    } else if (auto found = refused_keyword(value); !found.empty()) {
      return found;
    }
  }
  return "";
}

/// Numbers that valijson would read as negative become the greatest that it reads.
void clamp_integers(json& value) {
  if (value.is_number_unsigned()) {
    value = static_cast<std::int64_t>(std::min<std::uint64_t>(value.get<std::uint64_t>(), INT64_MAX));
  }
  if (value.is_structured()) {
    for (json& part : value) clamp_integers(part);
  }
}

/// The keys of a finding's place: "[a]" "[0]" without their brackets and the root.
std::vector<std::string> keys_of(const Finding& finding) {
  std::vector<std::string> keys;
  for (const std::string& step : finding.context) {
    if (step.size() >= 2 && step.front() == '[' && step.back() == ']')
      keys.push_back(step.substr(1, step.size() - 2));
  }
  return keys;
}

/// The schemas that speak about the value at `keys`: those of alternatives included.
void schemas_at(const json& root, const json& schema, const std::vector<std::string>& keys, std::size_t depth,
                unsigned hops, std::vector<const json*>& out) {
  const json* const at = resolved(root, schema);
  if (at == nullptr || !at->is_object() || hops == 200) return;
  if (depth == keys.size()) out.push_back(at);
  for (const char* const several : {"oneOf", "anyOf", "allOf"}) {
    if (const auto found = at->find(several); found != at->end()) {
      for (const json& one : *found) schemas_at(root, one, keys, depth, hops + 1, out);
    }
  }
  if (depth == keys.size()) return;
  const auto named = at->find("properties");
  if (named != at->end() && named->contains(keys[depth])) {
    schemas_at(root, (*named)[keys[depth]], keys, depth + 1, hops + 1, out);
  } else if (const auto other = at->find("additionalProperties"); other != at->end()) {
    schemas_at(root, *other, keys, depth + 1, hops + 1, out);
  }
  if (const auto items = at->find("items"); items != at->end())
    schemas_at(root, *items, keys, depth + 1, hops + 1, out);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " or " : ", ";
    out += parts[i];
  }
  return out;
}

void add_once(std::vector<std::string>& list, std::string value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(std::move(value));
}

std::string type_words(const std::vector<const json*>& schemas) {
  std::vector<std::string> words;
  const auto add = [&](const json& type) {
    if (!type.is_string()) return;
    const std::string name = type;
    add_once(words, name == "null"
                        ? "null"
                        : (std::string("aioeu").find(name[0]) != std::string::npos ? "an " : "a ") + name);
  };
  for (const json* schema : schemas) {
    if (const auto type = schema->find("type"); type != schema->end()) {
      if (type->is_array()) {
        for (const json& one : *type) add(one);
      } else {
        add(*type);
      }
    }
    for (const char* const fixed : {"const", "enum"}) {
      if (const auto value = schema->find(fixed); value != schema->end() && !schema->contains("type")) {
        for (const json& one : value->is_array() ? *value : json::array({*value}))
          add_once(words, one.dump());
      }
    }
  }
  return words.empty() ? "has the wrong type" : "must be " + joined(words);
}

std::string allowed_values(const std::vector<const json*>& schemas) {
  std::vector<std::string> words;
  for (const json* schema : schemas) {
    if (const auto value = schema->find("enum"); value != schema->end()) {
      for (const json& one : *value) add_once(words, one.dump());
    }
    if (const auto value = schema->find("const"); value != schema->end()) add_once(words, value->dump());
  }
  return (words.size() > 1 ? "must be one of " : "must be ") + joined(words);
}

/// The value of the first schema that has `keyword`.
std::string bound(const std::vector<const json*>& schemas, const char* keyword) {
  for (const json* schema : schemas) {
    if (const auto value = schema->find(keyword); value != schema->end()) return value->dump();
  }
  return "?";
}

constexpr const char* excluded = "Target should not validate";

/// For a `not` that says which fields exclude each other.
std::string only_one_of(const std::vector<const json*>& schemas) {
  std::vector<std::string> names;
  for (const json* schema : schemas) {
    if (!schema->is_object()) continue;
    for (const json& pair : schema->value(json::json_pointer("/not/anyOf"), json::array())) {
      if (!pair.is_object()) continue;
      for (const json& name : pair.value("required", json::array())) add_once(names, name);
    }
  }
  return names.empty() ? "is not allowed in this form" : "must not have more than one of " + joined(names);
}

std::string between_quotes(const std::string& text) {
  const auto first = text.rfind(": '");
  if (first != std::string::npos && text.size() > first + 5)
    return text.substr(first + 3, text.size() - first - 5);
  const auto open = text.find('\''), close = text.rfind('\'');
  return open == close ? "" : text.substr(open + 1, close - open - 1);
}

std::vector<std::string> property_names(const std::vector<const json*>& schemas) {
  std::vector<std::string> names;
  for (const json* schema : schemas) {
    if (const auto found = schema->find("properties"); found != schema->end()) {
      for (const auto& [name, part] : found->items()) add_once(names, name);
    }
  }
  return names;
}

/// What `finding` says, in words; may append the missing or unknown member to `keys`.
std::string words_for(const json& root, const Finding& finding, std::vector<std::string>& keys) {
  std::vector<const json*> schemas;
  schemas_at(root, root, keys, 0, 0, schemas);
  const std::string& said = finding.description;
  const auto begins = [&](std::string_view with) { return said.starts_with(with); };
  if (begins("Object contains a property")) {
    keys.push_back(between_quotes(said));
    return "is not a known field" + did_you_mean(keys.back(), property_names(schemas));
  }
  if (begins("Missing required property")) {
    keys.push_back(between_quotes(said));
    return "is required";
  }
  if (begins("Value type not permitted")) return type_words(schemas);
  if (begins("Failed to match against any enum") || begins("Failed to match expected"))
    return allowed_values(schemas);
  if (begins("Expected number greater than or")) return "must be at least " + bound(schemas, "minimum");
  if (begins("Expected number less than or")) return "must be at most " + bound(schemas, "maximum");
  if (begins("Expected number greater")) return "must be greater than " + bound(schemas, "exclusiveMinimum");
  if (begins("Expected number less")) return "must be less than " + bound(schemas, "exclusiveMaximum");
  if (begins("String should be no fewer")) {
    const std::string least = bound(schemas, "minLength");
    return least == "1" ? "must not be empty" : "must have at least " + least + " characters";
  }
  if (begins("String should be no more"))
    return "must have at most " + bound(schemas, "maxLength") + " characters";
  if (begins("Array should contain no fewer"))
    return "must have at least " + bound(schemas, "minItems") + " elements";
  if (begins("Array should contain no more"))
    return "must have at most " + bound(schemas, "maxItems") + " elements";
  if (begins("Object should have no more"))
    return "must have at most " + bound(schemas, "maxProperties") + " members";
  if (begins("Object should have no fewer"))
    return "must have at least " + bound(schemas, "minProperties") + " members";
  if (begins("Missing dependency")) {
    keys.push_back(between_quotes(said));
    return "is required here";
  }
  if (begins("Elements at indexes")) return "holds the same element twice";
  if (begins(excluded)) return only_one_of(schemas);
  if (begins("Failed to validate against exactly one")) return "fits more than one of the allowed forms";
  std::string words = said;
  if (!words.empty() && words.back() == '.') words.pop_back();
  return words;
}

/// True for findings that only say that something below them was found.
bool is_summary(const Finding& finding) {
  const std::string& said = finding.description;
  return said.starts_with("Failed to validate") &&
         !said.starts_with("Failed to validate against exactly one");
}

}  // namespace

struct Schema::State {
  json text;
  SchemaPatterns patterns;
  valijson::Schema compiled;
};

Schema::Schema(std::unique_ptr<State> state) : state_(std::move(state)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::compile(std::string_view text) {
  auto state = std::make_unique<State>();
  try {
    state->text = json::parse(text);
    if (!state->text.is_object()) return invalid("the schema is not an object");
    if (const auto wrong = state->patterns.take_from(state->text); !wrong.empty()) return invalid(wrong);
    if (const auto keyword = refused_keyword(state->text); !keyword.empty()) {
      return invalid("the schema uses \"" + keyword + "\", which is not supported here; check it in code");
    }
    const valijson::adapters::NlohmannJsonAdapter adapter(state->text);
    valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(adapter, state->compiled);
  } catch (const std::exception& e) {
    return invalid(std::string("not a JSON Schema: ") + e.what());
  }
  return Schema(std::move(state));
}

void Schema::check(std::string_view document, std::string_view base, std::vector<Fault>& faults) const {
  try {
    json parsed = json::parse(document);
    clamp_integers(parsed);
    const valijson::adapters::NlohmannJsonAdapter adapter(parsed);
    valijson::Validator validator;
    if (validator.validate(state_->compiled, adapter, nullptr)) {
      state_->patterns.check(state_->text, parsed, std::string(base),
                             [&](const std::string& pointer, const std::string& pattern) {
                               faults.push_back({pointer, "must match the pattern " + pattern});
                             });
      return;
    }
    valijson::ValidationResults findings;
    validator.validate(state_->compiled, adapter, &findings);

    struct Place {
      std::vector<std::string> keys;
      std::string words;
      bool excluded;
    };
    std::vector<Place> places;
    for (const Finding& finding : findings) {
      if (is_summary(finding)) continue;
      std::vector<std::string> keys = keys_of(finding);
      std::string words = words_for(state_->text, finding, keys);
      places.push_back({std::move(keys), std::move(words), finding.description.starts_with(excluded)});
    }
    // Where alternatives failed, those that fit the value's type say more than "wrong type".
    const auto has_deeper = [&](const Place& place) {
      return std::any_of(places.begin(), places.end(), [&](const Place& other) {
        return other.keys.size() > place.keys.size() &&
               std::equal(place.keys.begin(), place.keys.end(), other.keys.begin());
      });
    };
    // What excludes is said of values that could be right, so not of those of a wrong type.
    std::stable_partition(places.begin(), places.end(), [](const Place& place) { return !place.excluded; });
    std::map<std::string, std::string> by_pointer;
    for (const Place& place : places) {
      if (has_deeper(place)) continue;
      std::string pointer(base);
      for (const std::string& key : place.keys) pointer += '/' + mimus::json::pointer_token(key);
      by_pointer.emplace(std::move(pointer), place.words);
    }
    if (by_pointer.empty()) by_pointer.emplace(base, "does not fit the schema");
    for (auto& [pointer, words] : by_pointer) faults.push_back({pointer, words});
  } catch (const std::exception& e) {
    faults.push_back({std::string(base), std::string("cannot be checked: ") + e.what()});
  }
}

namespace {

/// How many characters differ, case aside (Levenshtein); rows of the shorter length only.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const bool same = (a[i - 1] | 32) == (b[j - 1] | 32);
      row[j] = std::min({above + 1, row[j - 1] + 1, corner + (same ? 0 : 1)});
      corner = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  if (name.empty() || name.size() > 64) return "";
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& one : known) {
    const std::size_t d = distance(name, one);
    if (d <= std::max<std::size_t>(1, std::min(name.size(), one.size()) / 3)) near.emplace_back(d, one);
  }
  std::sort(near.begin(), near.end());
  if (near.empty()) return "";
  std::string out = " (did you mean \"" + near[0].second + "\"";
  if (near.size() > 1) out += " or \"" + near[1].second + "\"";
  return out + "?)";
}

}  // namespace mimus::admin
