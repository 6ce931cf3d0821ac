// A value of Sec-WebSocket-Extensions, taken apart (RFC 6455, 9.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mimus {

struct ExtensionParameter {
  std::string name;
  std::optional<std::string> value;  ///< Without the quotes, if it had any.
};

/// One offer of an extension.
struct ExtensionOffer {
  std::string name;
  std::vector<ExtensionParameter> parameters;  ///< As they came, repeated ones, too.
};

/// The offers in a value, in their order; nothing if it is no list of extensions. Empty elements
/// of the list are passed over, as RFC 9110, 5.6.1, has it.
std::optional<std::vector<ExtensionOffer>> extension_offers(std::string_view value);

}  // namespace mimus
