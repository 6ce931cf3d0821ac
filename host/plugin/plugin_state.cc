#include "host/plugin/plugin_state.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/plugin/durable_file.h"

namespace mimus {
namespace {

std::string path_in(const std::string& data) { return data + "/plugins/state.json"; }

}  // namespace

Result<PluginDecisions> read_decisions(const std::string& data) {
  const std::string path = path_in(data);
  std::ifstream in(path, std::ios::binary);
  if (!in) return PluginDecisions{};
  std::stringstream text;
  text << in.rdbuf();
  if (in.bad()) return Error{Code::unavailable, "cannot read " + path};
  const auto json = nlohmann::json::parse(text.str(), nullptr, false);
  const Error corrupt{Code::corrupt, path + " is not what Mimus wrote; remove it to forget what was decided"};
  if (!json.is_object()) return corrupt;
  PluginDecisions out;
  for (const auto& [id, decision] : json.items()) {
    if (!decision.is_object()) return corrupt;
    PluginDecision one;
    const auto disabled = decision.find("disabled");
    if (disabled != decision.end() && disabled->is_boolean()) one.disabled = disabled->get<bool>();
    const auto config = decision.find("config");
    if (config != decision.end() && config->is_object()) one.config = config->dump();
    out.emplace(id, std::move(one));
  }
  return out;
}

Status write_decisions(const std::string& data, const PluginDecisions& decisions) {
  auto json = nlohmann::json::object();
  for (const auto& [id, decision] : decisions) {
    if (decision == PluginDecision{}) continue;
    auto& one = json[id] = nlohmann::json::object();
    if (decision.disabled) one["disabled"] = true;
    if (!decision.config.empty()) one["config"] = nlohmann::json::parse(decision.config);
  }
  return replace_file(path_in(data), json.dump(2) + "\n");
}

}  // namespace mimus
