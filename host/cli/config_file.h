// The file of --config: JSON, as texts by key.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus {

struct ConfigFile {
  /// By key: a scalar as one text (strings without quotes, numbers as written, true and
  /// false as "yes" and "no"), an array as one text each.
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, std::string> plugins;  ///< The object `plugins`: JSON text by plugin id.
  /// `pluginCapabilities`: what is denied, by plugin id.
  std::map<std::string, std::vector<std::string>> denied;
};

/// `name` is for messages.
/// Errors: invalid - it does not parse, is no object, is deeper than 60, `pluginCapabilities` is
///                   not {ID: {"deny": [CAPABILITY…]}}, or a value is no scalar and no array of
///                   scalars, naming its key
Result<ConfigFile> parse_config_file(std::string_view text, const std::string& name);

/// Errors: as parse_config_file;  unavailable - it cannot be read, or is larger than 10 MiB
Result<ConfigFile> read_config_file(const std::string& path);

}  // namespace mimus
