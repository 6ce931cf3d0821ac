#include "host/plugin/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mimus {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view phases[] = {"observe", "edge", "auth", "traffic", "cache", "transform", "content"};
constexpr std::string_view levels[] = {"api", "endpoint", "channel"};

/// Thrown inside this file only, where it is turned into an Error.
struct Wrong {
  std::string what;
};

void only(const Json& object, std::string_view where, std::initializer_list<std::string_view> keys) {
  if (!object.is_object()) throw Wrong{std::string(where) + " must be an object"};
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw Wrong{"unknown key \"" + key + "\" in " + std::string(where)};
    }
  }
}

std::string text_of(const Json& object, const char* key, bool needed = true) {
  const auto at = object.find(key);
  if (at == object.end() && !needed) return {};
  if (at == object.end() || !at->is_string()) throw Wrong{std::string("\"") + key + "\" must be a string"};
  return *at;
}

std::vector<std::string> texts_of(const Json& object, const char* key) {
  std::vector<std::string> out;
  const auto at = object.find(key);
  if (at == object.end()) return out;
  if (!at->is_array()) throw Wrong{std::string("\"") + key + "\" must be an array of strings"};
  for (const Json& one : *at) {
    if (!one.is_string()) throw Wrong{std::string("\"") + key + "\" must be an array of strings"};
    out.push_back(one);
  }
  return out;
}

unsigned unsigned_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number_unsigned() || at->get<std::uint64_t>() > 0xFFFF)
    throw Wrong{std::string("\"") + key + "\" must be a whole number up to 65535"};
  return *at;
}

OptionSpec option_of(const Json& from) {
  only(from, "an option", {"name", "type", "minimum", "maximum", "default", "help", "environment"});
  OptionSpec out;
  out.name = text_of(from, "name");
  const std::string type = text_of(from, "type");
  if (type == "integer") {
    out.type = OptionSpec::Type::integer;
  } else if (type == "flag") {
    out.type = OptionSpec::Type::flag;
  } else if (type != "text") {
    throw Wrong{"type of option " + out.name + " must be text, integer or flag"};
  }
  out.help = text_of(from, "help", false);
  out.environment = texts_of(from, "environment");
  out.fallback = from.contains("default") ? from["default"].dump() : "null";
  if (from.contains("minimum")) out.minimum = from["minimum"].get<std::int64_t>();
  if (from.contains("maximum")) out.maximum = from["maximum"].get<std::int64_t>();
  return out;
}

FieldSpec journal_of(const Json& from) {
  only(from, "a journal field", {"name", "type", "indexed", "filter"});
  FieldSpec out;
  out.name = text_of(from, "name");
  const std::string type = text_of(from, "type");
  if (type == "flag") {
    out.type = FieldType::flag;
  } else if (type == "integer") {
    out.type = FieldType::integer;
  } else if (type != "text") {
    throw Wrong{"type of journal field " + out.name + " must be flag, integer or text"};
  }
  out.indexed = from.value("indexed", false);
  out.filter = text_of(from, "filter", false);
  return out;
}

Capabilities capabilities_of(const Json& from) {
  only(from, "\"capabilities\"", {"kv", "fetch", "forward", "journal", "channel"});
  Capabilities out;
  const auto flag = [&](const char* key, bool& set) {
    if (!from.contains(key)) return;
    if (!from[key].is_boolean())
      throw Wrong{std::string("\"") + key + "\" of \"capabilities\" must be true or false"};
    set = from[key];
  };
  flag("kv", out.kv);
  flag("forward", out.forward);
  flag("journal", out.journal);
  flag("channel", out.channel);
  if (!from.contains("fetch") || from["fetch"] == false) return out;
  only(from["fetch"], "\"fetch\" of \"capabilities\"", {"hosts"});
  out.fetch = true;
  out.fetch_hosts = texts_of(from["fetch"], "hosts");
  if (out.fetch_hosts.empty()) throw Wrong{"\"hosts\" of \"fetch\" must name the hosts that it calls"};
  if (out.fetch_hosts.size() > 100) throw Wrong{"\"hosts\" of \"fetch\" may be 100 at most"};
  for (const std::string& host : out.fetch_hosts) {
    if (!is_fetch_host(host))
      throw Wrong{"host \"" + host +
                  "\" of \"fetch\" must be HOST, HOST:PORT or HOST:*, as in api.example.com:443"};
  }
  return out;
}

Manifest manifest_of(const Json& from) {
  only(from, "the manifest",
       {"id", "version", "abi", "summary", "order", "fail", "fields", "reads", "endpoint_schema", "options",
        "journal", "admin", "resets", "capabilities", "unload"});
  Manifest out;
  out.id = text_of(from, "id");
  if (out.id.empty() || out.id.find('\0') != std::string::npos) throw Wrong{"\"id\" is empty"};
  out.version = text_of(from, "version");
  out.summary = text_of(from, "summary");
  if (!from.contains("abi")) throw Wrong{"\"abi\" is missing"};
  only(from["abi"], "\"abi\"", {"major", "minor"});
  out.abi_major = unsigned_of(from["abi"], "major");
  out.abi_minor = unsigned_of(from["abi"], "minor");
  const std::string fail = text_of(from, "fail");
  if (fail != "open" && fail != "closed") throw Wrong{"\"fail\" must be open or closed"};
  out.fail_closed = fail == "closed";
  if (!from.contains("order")) throw Wrong{"\"order\" is missing"};
  only(from["order"], "\"order\"", {"phase", "after", "before"});
  const std::string phase = text_of(from["order"], "phase");
  const auto* const at = std::find(std::begin(phases), std::end(phases), phase);
  if (at == std::end(phases)) throw Wrong{"\"phase\" is none that Mimus has: " + phase};
  out.phase = static_cast<Phase>(at - std::begin(phases));
  out.after = texts_of(from["order"], "after");
  out.before = texts_of(from["order"], "before");
  if (from.contains("fields")) {
    only(from["fields"], "\"fields\"", {"api", "endpoint", "channel"});
    for (std::size_t level = 0; level < 3; ++level) {
      const auto claims = from["fields"].find(levels[level]);
      if (claims == from["fields"].end()) continue;
      if (!claims->is_object())
        throw Wrong{"\"" + std::string(levels[level]) + "\" of \"fields\" must be an object"};
      for (const auto& [name, schema] : claims->items()) out.fields[level].push_back({name, schema.dump()});
    }
  }
  if (from.contains("reads")) {
    only(from["reads"], "\"reads\"", {"api", "endpoint", "channel"});
    for (std::size_t level = 0; level < 3; ++level)
      out.reads[level] = texts_of(from["reads"], levels[level].data());
  }
  if (from.contains("endpoint_schema")) out.endpoint_schema = from["endpoint_schema"].dump();
  if (from.contains("options")) {
    if (!from["options"].is_array()) throw Wrong{"\"options\" must be an array"};
    for (const Json& one : from["options"]) out.options.push_back(option_of(one));
  }
  if (from.contains("journal")) {
    if (!from["journal"].is_array()) throw Wrong{"\"journal\" must be an array"};
    for (const Json& one : from["journal"]) out.journal.push_back(journal_of(one));
  }
  if (from.contains("admin")) {
    only(from["admin"], "\"admin\"", {"path", "operations"});
    out.admin_path = text_of(from["admin"], "path");
    if (!out.admin_path.starts_with("/admin/")) throw Wrong{"\"path\" of \"admin\" must begin with /admin/"};
    if (from["admin"].contains("operations")) out.admin_operations = from["admin"]["operations"].dump();
  }
  out.resets = texts_of(from, "resets");
  if (from.contains("capabilities")) out.capabilities = capabilities_of(from["capabilities"]);
  const std::string unload = text_of(from, "unload", false);
  if (!unload.empty() && unload != "verified" && unload != "never")
    throw Wrong{"\"unload\" must be verified or never"};
  out.unload_never = unload == "never";
  return out;
}

}  // namespace

std::string_view name_of(Phase phase) { return phases[static_cast<std::size_t>(phase)]; }

Result<Manifest> parse_manifest(std::string_view text) {
  try {
    const auto shallow = [](int depth, Json::parse_event_t, Json&) {
      if (depth > 60) throw Wrong{"the manifest is nested deeper than 60"};
      return true;
    };
    Manifest out = manifest_of(Json::parse(text, shallow));
    out.text = text;
    return out;
  } catch (const Wrong& wrong) {
    return invalid(wrong.what);
  } catch (const Json::exception& wrong) {
    return invalid(std::string("the manifest does not parse: ") + wrong.what());
  }
}

}  // namespace mimus
