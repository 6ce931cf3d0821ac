// A blocking HTTP client for the admin API of a running host, over a Unix socket, TCP or TLS.
#pragma once

#include <string>
#include <string_view>

#include "mimus/result.h"

namespace mimus {

struct AdminReply {
  int status = 0;
  std::string body;
};

/// One request, at most 10 minutes. `at` is "http://ADDR:PORT", "https://NAME:PORT" (whose
/// certificate is checked) or "unix:PATH"; `body` is JSON or "".
/// Errors: invalid     - `at` is none of them, or `token` cannot be sent
///         not_found   - nothing listens there
///         unavailable - it does not answer as HTTP, or not in time, or its certificate is not believed
Result<AdminReply> admin_request(const std::string& at, const std::string& token, std::string_view method,
                                 const std::string& path, const std::string& body = "");

}  // namespace mimus
