// A blocking HTTP client for the admin API of a running host, over a Unix socket or TCP.
#pragma once

#include <string>
#include <string_view>

#include "mimus/result.h"

namespace mimus {

struct AdminReply {
  int status = 0;
  std::string body;
};

/// One request, at most 10 minutes. `at` is "http://ADDR:PORT" or "unix:PATH"; `body` is JSON or "".
/// Errors: invalid     - `at` is neither, or `token` cannot be sent
///         not_found   - nothing listens there
///         unavailable - it does not answer as HTTP, or not in time
Result<AdminReply> admin_request(const std::string& at, const std::string& token, std::string_view method,
                                 const std::string& path, const std::string& body = "");

}  // namespace mimus
