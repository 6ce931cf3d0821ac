// What SIGHUP does to a host that serves.
#pragma once

#include <functional>

#include "host/cli/config.h"
#include "host/net/tls.h"
#include "host/plugin/trust.h"

namespace mimus {

/// Reads the configuration again; gives `tls` (nullptr: none is spoken) its certificates, keys and
/// authorities, and `trust` its keys, denials and a stricter policy; names the keys that only a restart takes
/// over. What is wrong is logged, and then everything stays as it is. `started` is what the host was started
/// with.
void reload(const ServeConfig& started, const std::function<Result<ServeConfig>()>& reread, TlsServer* tls,
            Trust& trust);

}  // namespace mimus
