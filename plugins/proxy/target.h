// Where a request is forwarded to: a proxyTarget, and the URL made of it. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus::proxy {

/// A proxyTarget, taken apart once for all requests. A base has no path or one that ends
/// in "/"; any other path is exact, with :name (a whole segment), {name} (anywhere in a
/// segment) and *name (a whole segment) to be filled in.
struct Target {
  struct Piece {
    enum class Kind : unsigned char {
      text,   ///< Goes out as it is.
      value,  ///< A path parameter of one segment.
      tail    ///< All segments of the request's path from `index` on.
    } kind = Kind::text;
    std::string text;       ///< Or the parameter's name.
    std::size_t index = 0;  ///< Of the segment at which the endpoint's tail begins.
  };

  bool base = false;
  std::vector<Piece> pieces;  ///< From the scheme to the path's end; a base's last "/" is left out.
  std::string query;          ///< The target's own, without "?".
};

/// What makes of a URL none that may be a target: a character that must be percent-encoded, or a
/// fragment. nullptr: nothing.
const char* fault_of(std::string_view url);

/// Takes a target apart for an endpoint whose path is `endpoint_path`. Whether host and
/// port are sound is not looked at.
/// Errors: invalid - not http or https, no host, a fragment, a character that no URL may
/// hold, or a placeholder that is not a parameter of the endpoint's path
Result<Target> parse_target(std::string_view url, std::string_view endpoint_path);

/// The decoded value of a path parameter, "" if there is none.
using Parameter = std::function<std::string_view(std::string_view name)>;

/// The URL for a request: its path below the API and its query in their original
/// percent-encoding. The target's query comes first.
std::string target_url(const Target& target, std::string_view raw_path, std::string_view raw_query,
                       const Parameter& parameter);

}  // namespace mimus::proxy
