// What SIGHUP does to a host that serves.
#pragma once

#include <functional>

#include "host/cli/config.h"
#include "host/net/tls.h"

namespace mimus {

/// Reads the configuration again and gives `tls` (nullptr: none is spoken) its certificates, keys
/// and authorities; names the keys that only a restart takes over. What is wrong is logged, and
/// then everything stays as it is. `started` is what the host was started with.
void reload(const ServeConfig& started, const std::function<Result<ServeConfig>()>& reread, TlsServer* tls);

}  // namespace mimus
