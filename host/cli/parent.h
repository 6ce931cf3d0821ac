// The parent process of `serve`: it holds the sockets, starts the server and waits for it.
#pragma once

#include <string>
#include <vector>

#include "host/cli/config.h"
#include "host/cli/inherit.h"

namespace mimus {

/// Where a running host is found through its data directory: "unix:…/control.sock".
std::string control_address(const std::string& data);

/// Binds everything that `config` names, starts this program again as
/// `mimus serve --inherit … ARGUMENTS`, passes SIGTERM, SIGINT and SIGHUP on to it, and
/// returns its exit code (1 if a signal ended it). Single-threaded.
int run_parent(const ServeConfig& config, const std::string& program,
               const std::vector<std::string>& arguments);

/// Makes this process the server of its parent: it dies with it, blocks the signals that
/// the server waits for, and dumps no core (RocksDB's lock would be held meanwhile).
/// Errors: unavailable - the parent is gone already
Status become_server(pid_t parent);

}  // namespace mimus
