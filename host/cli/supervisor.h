// The supervisor: holds the sockets, starts the server, waits for it, and starts it again.
#pragma once

#include <functional>
#include <vector>

#include "host/cli/config.h"
#include "host/net/server.h"
#include "host/plugin/quarantine.h"

namespace mimus {

/// Binds everything that `config` names and forks the server, which is what `serve` does
/// with the sockets. Passes SIGTERM, SIGINT and SIGHUP on to it. A server that ends without
/// having been told to is blamed on a plugin or on nobody, and started again with the same
/// sockets; without config.supervise that is the end, with exit code 1. Returns the server's
/// exit code; in the server's process, what `serve` returns. Single-threaded.
int run_supervisor(const ServeConfig& config,
                   const std::function<int(std::vector<Listener>, const Supervision&)>& serve);

}  // namespace mimus
