// JSON as the admin API takes it: the input is a text and, after a NUL, a merge patch for it.
// What is accepted is JSON within the limits, and the text operations agree with a parser's.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/admin/rules.h"
#include "mimus/json_text.h"
#include "tests/fuzz/fuzz.h"

namespace mimus::fuzz {
namespace {

using namespace admin;
using Json = nlohmann::json;

constexpr std::size_t max_depth = 8;

/// How deep brackets nest outside of strings. REQUIRES: `text` is JSON.
std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0, deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      i += c == '\\';
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  return text.substr(0, text.find_last_not_of(space) + 1);
}

bool check(std::string_view text) {
  const auto got = check_json(text, max_depth);
  if (got) {
    require(Json::accept(text), "what is accepted is JSON", text);
    require(depth_of(text) <= max_depth, "what is accepted is not too deep", text);
    return true;
  }
  const Error& error = got.error();
  require(!error.message.empty(), "a refusal says why");
  require(error.pointer.empty() || error.pointer.starts_with('/'), "a pointer is one", error.pointer);
  const bool sound = text.find('\0') == text.npos && !text.starts_with("\xEF\xBB\xBF") &&
                     Json::accept(text) && depth_of(text) <= max_depth;
  require(!sound || error.message.find("twice") != std::string::npos, "JSON is refused for its keys alone",
          text);
  return false;
}

/// Every way to take a text apart gives back what was in it.
void take_apart(std::string_view text) {
  const Json parsed = Json::parse(text);
  if (parsed.is_string()) {
    const std::string plain = json::unquote(text);
    require(plain == parsed.get<std::string>(), "a string is unquoted as a parser does", text);
    require(json::unquote(json::quoted(plain)) == plain, "quoting can be taken back", text);
  } else if (parsed.is_array()) {
    std::size_t index = 0;
    json::elements(text, [&](std::string_view element) {
      require(index < parsed.size() && Json::parse(element) == parsed[index], "an element is a parser's",
              element);
      ++index;
      return true;
    });
    require(index == parsed.size(), "every element is shown", text);
  } else if (parsed.is_object() && is_object(text)) {
    const Document document(text);
    require(document.members().size() == parsed.size(), "every member is kept", text);
    require(Json::parse(document.text()) == parsed, "a document is what it was made of", text);
    for (const Member& member : document.members()) {
      require(text.find(member.value) != text.npos, "a value keeps its bytes", member.value);
      require(json::member(text, member.name) == member.value, "a member is found", member.name);
    }
  }
}

const std::vector<std::pair<std::string_view, Schema>>& schemas_of(Kind kind) {
  static std::map<Kind, std::vector<std::pair<std::string_view, Schema>>> all;
  auto& schemas = all[kind];
  if (schemas.empty()) {
    for (const admin::CoreField& field : core_fields_of(kind)) {
      auto schema = Schema::compile(field.schema);
      require(static_cast<bool>(schema), "a core field's schema compiles", field.name);
      schemas.emplace_back(field.name, *std::move(schema));
    }
  }
  return schemas;
}

/// As a definition of some kind: what fits its schemas is checked, stored and read back.
void define(std::string_view text, Kind kind) {
  Definition definition;
  definition.kind = kind;
  definition.sent = Document(text);
  std::vector<Fault> faults;
  std::size_t known = 0;
  for (const auto& [name, schema] : schemas_of(kind)) {
    const auto value = definition.sent.find(name);
    known += value.has_value();
    if (value) schema.check(*value, std::string("/").append(name), faults);
  }
  for (const Fault& fault : faults)
    require(!fault.detail.empty(), "a fault says what is wrong", fault.pointer);
  if (!faults.empty() || known != definition.sent.members().size()) return;
  for (const admin::CoreField& field : core_fields_of(kind)) {
    if (field.required && !definition.sent.find(field.name)) return;
  }
  check_core(definition, "", faults);
  const std::string stored = stored_text(definition);
  require(stored_text(parse_stored(kind, stored)) == stored, "what is stored is read back", stored);
  require(Json::accept(shown_text(definition)), "what is shown is JSON", stored);
}

void patch(std::string_view target, std::string_view with) {
  Json want = Json::parse(target);
  want.merge_patch(Json::parse(with));
  const std::string got = merge_patch(target, with);
  require(Json::accept(got) && Json::parse(got) == want, "a patch does what RFC 7386 says", got);
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus::fuzz;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string quoted = mimus::json::quoted(input);
  require(Json::accept(quoted), "any bytes can be quoted", quoted);
  check(input);
  const std::size_t nul = std::min(input.find('\0'), input.size());
  const std::string_view text = trimmed(input.substr(0, nul));
  const std::string_view with = trimmed(input.substr(std::min(nul + 1, size)));
  if (!check(text)) return 0;
  take_apart(text);
  if (is_object(text)) {
    for (const mimus::Kind kind : {mimus::Kind::api, mimus::Kind::endpoint, mimus::Kind::channel})
      define(text, kind);
  }
  if (check(with)) patch(text, with);
  return 0;
}
