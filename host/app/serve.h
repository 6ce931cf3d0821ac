// The composition: everything that serves is built and joined here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/cli/config.h"
#include "host/plugin/plugin_host.h"
#include "host/plugin/quarantine.h"

namespace mimus {

/// The program's own folders, found from where the binary lies; "" where the program carries
/// what would be in them.
struct Installation {
  std::string builtin_plugins;  ///< …/lib/mimus/plugins
  std::string share;            ///< …/share/mimus
};

/// Serves on inherited listening sockets until SIGTERM or SIGINT; returns the exit code. On SIGHUP
/// it reloads with what `reread` returns. Prints the ready line to stdout, or, started again after
/// a crash, logs that it serves. Signals must be blocked in every thread before.
int serve(const ServeConfig& config, const Installation& installation, std::vector<PluginSource> plugins,
          std::vector<Listener> listeners, const Supervision& supervision,
          const std::function<Result<ServeConfig>()>& reread);

}  // namespace mimus
