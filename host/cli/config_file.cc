#include "host/cli/config_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "host/plugin/capabilities.h"

namespace mimus {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_file_bytes = 10 << 20;
constexpr int max_depth = 60;

std::optional<std::string> scalar(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

Status take_denials(const Json& from, const std::string& name, ConfigFile& out) {
  const auto wrong = [&](const std::string& id) {
    return invalid("key \"pluginCapabilities\" in " + name + ": " + id +
                   " must be as {\"com.example.plugin\": {\"deny\": [\"fetch\"]}}");
  };
  if (!from.is_object()) return wrong("it");
  for (const auto& [id, rules] : from.items()) {
    if (!rules.is_object() || rules.size() != 1 || !rules.contains("deny") || !rules["deny"].is_array())
      return wrong(id);
    for (const Json& one : rules["deny"]) {
      if (!one.is_string()) return wrong(id);
      if (!is_capability(one.get<std::string>())) {
        return invalid("unknown capability \"" + one.get<std::string>() + "\" of " + id + " in " + name +
                       "; there are kv, fetch, forward, journal and channel");
      }
      out.denied[id].push_back(one);
    }
  }
  return Done{};
}

Result<ConfigFile> config_of(const Json& root, const std::string& name) {
  if (!root.is_object()) return invalid(name + " must hold a JSON object");
  ConfigFile out;
  for (const auto& [key, value] : root.items()) {
    if (key == "plugins" && value.is_object()) {
      for (const auto& [id, config] : value.items()) out.plugins[id] = config.dump();
      continue;
    }
    if (key == "pluginCapabilities") {
      if (Status taken = take_denials(value, name, out); !taken) return std::move(taken).error();
      continue;
    }
    std::vector<std::string>& texts = out.values[key];
    const Json list = value.is_array() ? value : Json::array({value});
    for (const Json& one : list) {
      auto text = scalar(one);
      if (!text)
        return invalid("key \"" + key + "\" in " + name +
                       " must be a string, number or boolean, or an array of them");
      texts.push_back(std::move(*text));
    }
  }
  return out;
}

}  // namespace

Result<ConfigFile> parse_config_file(std::string_view text, const std::string& name) {
  bool deep = false;
  std::set<std::string> keys;
  std::optional<std::string> twice;
  try {
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
      if (depth > max_depth) deep = true;
      if (event == Json::parse_event_t::key && depth == 1 && !keys.insert(parsed).second) twice = parsed;
      return !deep;
    };
    const Json root = Json::parse(text, watch);
    if (twice) return invalid("key \"" + *twice + "\" is twice in " + name);
    if (deep) return invalid(name + " is nested deeper than " + std::to_string(max_depth));
    return config_of(root, name);
  } catch (const Json::exception& wrong) {
    return invalid(name + " is not JSON: " + wrong.what());
  }
}

Result<ConfigFile> read_config_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{Code::unavailable, path + " cannot be read: " + std::strerror(errno)};
  std::string text;
  char piece[16 << 10];  // most files are one; a buffer of the longest would cost every start
  do {
    in.read(piece, sizeof piece);
    text.append(piece, static_cast<std::size_t>(in.gcount()));
  } while (in && text.size() <= max_file_bytes);
  if (in.bad()) return Error{Code::unavailable, path + " cannot be read"};
  if (text.size() > max_file_bytes) return Error{Code::unavailable, path + " is larger than 10 MiB"};
  return parse_config_file(text, path);
}

}  // namespace mimus
