// The parent process of `serve`: it holds the sockets, starts the server and waits for it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/cli/config.h"
#include "host/net/server.h"

namespace mimus {

/// Where a running host is found through its data directory: "unix:…/control.sock".
std::string control_address(const std::string& data);

/// Binds everything that `config` names and forks the server, which is what `serve` does
/// with the sockets. Passes SIGTERM, SIGINT and SIGHUP on to it, and returns its exit code
/// (1 if a signal ended it); in the server's process, what `serve` returns. Single-threaded.
int run_parent(const ServeConfig& config, const std::function<int(std::vector<Listener>)>& serve);

}  // namespace mimus
