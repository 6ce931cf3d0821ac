// Header fields, found.
#include "host/net/exchange.h"

namespace mimus {
const std::string_view* RequestHead::find(std::string_view name, unsigned nth) const {
  for (const Header& header : headers) {
    if (same_name(header.name, name) && nth-- == 0) return &header.value;
  }
  return nullptr;
}

}  // namespace mimus
