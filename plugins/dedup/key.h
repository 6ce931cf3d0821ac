// What makes two requests the same: the parts of the key, each told apart from the next.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/plugin.hpp"

namespace mimus::dedup {

using Digest = std::array<std::uint8_t, 32>;

/// What of a request belongs to the key of one endpoint's revision.
struct KeyRules {
  std::string endpoint_id;
  std::uint64_t revision = 0;
  std::vector<std::string> headers;  ///< Lower case, sorted, each once.
  bool address = false;              ///< The client's address.
  bool proxied = false;              ///< What an upstream may negotiate by.
};

/// The rules of an endpoint: `dedupVary`, the leaves of its responses' `when` that look in
/// header or ip, and proxyMode.
KeyRules key_rules(std::string_view endpoint_id, std::uint64_t revision, std::string_view fields);

/// Text in which every part follows its own length, so that no two lists of parts are alike.
class KeyText {
 public:
  void part(std::string_view text);
  void count(std::uint64_t n);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// The decoded segments of a path in its original percent-encoding: an escaped slash is
/// part of its segment.
void path_parts(std::string_view raw_path, KeyText& out);

/// The body's part: canonical JSON, or the bytes as they are. A body is JSON if its type
/// says so (application/json, +json) or it is an object or array, and it parses.
void body_part(std::string_view content_type, std::string_view body, KeyText& out);

/// The key of a request whose body is whole. [w]
Digest request_key(const KeyRules& rules, const Host& host, const Request& request, std::string_view body);

}  // namespace mimus::dedup
