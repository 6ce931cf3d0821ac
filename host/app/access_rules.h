// What an endpoint's definition says about who is let in. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/channel/door.h"

namespace mimus {

struct AccessRules {
  std::optional<std::string> token;                 ///< requireToken
  std::optional<std::vector<std::string>> origins;  ///< Nothing: not said.
  std::vector<std::string> subprotocols;
  std::uint64_t connections = 0;  ///< Of one address; 0: no limit, as in the next two.
  std::uint64_t attempts = 0;     ///< Of one address, a minute.
  std::uint32_t messages = 0;     ///< Of one channel, a second.

  /// REQUIRES: `document` is a stored WebSocketEndpoint
  explicit AccessRules(std::string_view document);

  /// Who names no origin is no browser.
  bool allow_origin(const Caller& caller) const;
  /// Compares in constant time.
  bool allow_token(const Caller& caller) const;
  /// The first of its subprotocols that the caller offers, or "".
  std::string choose(const std::vector<std::string>& offered) const;
};

}  // namespace mimus
