// Names of countries.
#pragma once

#include <string_view>

namespace mimus::analytics {

/// The short English name for an ISO 3166-1 alpha-2 code in capitals, "" if it is none.
std::string_view country_name(std::string_view code);

}  // namespace mimus::analytics
