// What a start needs to know of its surroundings, and what it says when it is done.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "host/app/shared_files.h"
#include "host/cli/config.h"
#include "host/net/server.h"
#include "host/plugin/plugin_host.h"
#include "host/plugin/quarantine.h"

namespace mimus {

struct AdminToken {
  std::string secret;
  std::string where;  ///< For the ready line.
};

/// From the environment, else from the data directory, else a new one kept there (0600).
/// Errors: unavailable - it cannot be written
Result<AdminToken> admin_token(const ServeConfig& config);

/// Errors: not_found
Result<std::string> read_file(const std::string& file);

/// The ready line, on stdout.
void print_ready(const std::vector<Listener>& listeners, const AdminToken& token);

/// What the log says instead of the ready line after a crash. REQUIRES: there was one.
std::string serving_again(const Supervision& supervision, std::chrono::microseconds now);

/// What an option is: set by the operator, or the manifest's default with "@share/" resolved.
std::string option_value(const ServeConfig& config, SharedFiles& files, const OptionSpec& option);

/// The log, as plugins reach it.
void log_for_plugins(mimus_log_level level, std::string_view text);

/// "address:port" of each listener on TCP, and those of this machine's interfaces where a
/// wildcard stands for them.
std::vector<std::string> own_addresses(const std::vector<Listener>& listeners);

}  // namespace mimus
