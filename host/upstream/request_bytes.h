// An outbound request as bytes on the wire. Pure.
#pragma once

#include <string>
#include <string_view>

#include "host/upstream/upstream.h"
#include "mimus/result.h"

namespace mimus {

/// Request line, Host, the fields but hop-by-hop ones (also those that Connection names),
/// Host, Content-Length and Expect, then the upgrade that is asked for, Content-Length where there
/// is a body, and the body.
/// Errors: invalid - a method, target, field name or value that HTTP/1 cannot carry
Result<std::string> request_bytes(const UpstreamRequest& request);

/// True where the request may be sent twice without harm.
bool is_idempotent(std::string_view method);

/// Connection and its like, which speak of one connection only. `name` in any case.
bool is_hop_by_hop(std::string_view name);

/// True if `list`, the value of a Connection field, names the field `name`.
bool list_names(std::string_view list, std::string_view name);

}  // namespace mimus
