// What an operator decided about plugins, kept over restarts: DATA/plugins/state.json.
#pragma once

#include <map>
#include <string>

#include "mimus/result.h"

namespace mimus {

struct PluginDecision {
  bool disabled = false;
  std::string config;  ///< JSON object of options, over those of flags and file; "" for none.
  bool operator==(const PluginDecision&) const = default;
};

/// By plugin id. What decides nothing is not kept.
using PluginDecisions = std::map<std::string, PluginDecision, std::less<>>;

/// A file that is not there is no decision.
/// Errors: corrupt - it does not parse, naming it;  unavailable - it cannot be read
Result<PluginDecisions> read_decisions(const std::string& data);
/// Replaced in one step, synced. Errors: unavailable
Status write_decisions(const std::string& data, const PluginDecisions& decisions);

}  // namespace mimus
