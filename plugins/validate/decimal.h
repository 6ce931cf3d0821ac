// Decimal numbers as they are written, for what binary fractions get wrong. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace mimus::validate {

/// digits * 10^exponent; the sign is left out.
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
};

/// Of the text of a JSON number with at most 19 significant digits, as a 64-bit integer or
/// the shortest text of a double has.
Decimal decimal(std::string_view text);

/// Whether `value` is a whole multiple of `divisor`, exactly: 19.99 is one of 0.01. The
/// divisor is not 0.
bool is_multiple(Decimal value, Decimal divisor);

}  // namespace mimus::validate
