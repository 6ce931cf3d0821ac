// The sockets of `serve`, bound before any server runs.
#pragma once

#include <string>
#include <vector>

#include "host/cli/config.h"
#include "host/net/server.h"

namespace mimus {

/// Where a running host is found through its data directory: "unix:…/control.sock".
std::string control_address(const std::string& data);

/// Whether the server will be able to use them: nothing is to listen if not.
Status check_tls(const TlsFiles& files);

/// Binds everything that `config` names, and the control socket, making the data directory.
/// Errors: as listen_on, naming the flag;  conflict - another Mimus has the data directory
Result<std::vector<Listener>> bind_all(const ServeConfig& config);

}  // namespace mimus
