// The filters of /admin/requests as query text: for that route and for plugins' scans. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"
#include "store/journal.h"

namespace mimus {

/// One name and value of a query, "+" and percent-escapes decoded; a bad escape stays.
struct QueryPair {
  std::string name, value;
};
std::vector<QueryPair> split_query(std::string_view query);

/// Comparisons from a query without "?". Known are since, until (RFC 3339; until is
/// exclusive), apiId, endpointId, method, status (404, or 4xx), kind (http, channel),
/// connectionId, and the filters that plugins' fields name: flags compare true or false. `fields` are the
/// journal's, core fields first. Errors: invalid - a name is unknown, there twice, or its value does not
/// parse; the
///                   pointer is "/" and the name. `q` says that it is not available
Result<std::vector<Filter>> parse_filters(std::string_view query, std::span<const FieldSpec> fields);

/// Microseconds since 1970 of "2026-01-01T00:00:00.000Z" or with an offset; nothing if it
/// is not such a time.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace mimus
