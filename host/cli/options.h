// What `mimus serve` is told: flag over environment over config file over default.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/cli/config.h"
#include "host/plugin/manifest.h"
#include "mimus/result.h"

namespace mimus {

/// What the command line alone does not say; lent.
struct Surroundings {
  std::function<std::string(const std::string& name)> environment;  ///< "" where it is not set.
  unsigned cpus = 1;
};

/// The values of --plugins, to find the manifests before the rest can be understood.
/// Other flags may be unknown yet.
/// Errors: invalid - the config file is not readable or does not parse
Result<std::vector<std::string>> told_plugin_directories(const std::vector<std::string>& arguments,
                                                         const Surroundings& surroundings);

/// All of it. `arguments` follow the verb; `plugins` are those found.
/// Errors: invalid - a flag, variable or key is unknown, not available yet or has a bad value: one
///                   line that names it and says what it must be
Result<ServeConfig> parse_serve(const std::vector<std::string>& arguments, const Surroundings& surroundings,
                                const std::vector<const Manifest*>& plugins);

/// The keys whose values in the config file differ, but those that SIGHUP takes over
/// (tls-…, trust, plugin-policy);
/// plugins as "plugins.ID".
std::vector<std::string> changed_for_restart(const ServeConfig& started, const ServeConfig& now);

/// The text of `mimus serve --help`, plugins' options included.
std::string serve_help(const std::vector<const Manifest*>& plugins);

}  // namespace mimus
