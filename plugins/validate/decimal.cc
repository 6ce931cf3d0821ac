// Reading decimal numbers, and dividing them without rounding.
#include "plugins/validate/decimal.h"

#include <charconv>

namespace mimus::validate {
namespace {

__extension__ using Wide = unsigned __int128;

}  // namespace

Decimal decimal(std::string_view text) {
  Decimal out;
  bool fraction = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      fraction = true;
    } else if (c == 'e' || c == 'E') {
      std::string_view power = text.substr(i + 1);
      if (power.starts_with('+')) power.remove_prefix(1);
      int exponent = 0;
      std::from_chars(power.data(), power.data() + power.size(), exponent);
      out.exponent += exponent;
      break;
    } else if (c != '-') {
      out.digits = out.digits * 10 + static_cast<std::uint64_t>(c - '0');
      if (fraction) --out.exponent;
    }
  }
  return out;
}

bool is_multiple(Decimal value, Decimal divisor) {
  for (; value.exponent < divisor.exponent && value.digits != 0; ++value.exponent) {
    if (value.digits % 10 != 0) return false;
    value.digits /= 10;
  }
  std::uint64_t rest = value.digits % divisor.digits;
  for (; rest != 0 && value.exponent > divisor.exponent; --value.exponent) {
    rest = static_cast<std::uint64_t>(Wide{rest} * 10 % divisor.digits);
  }
  return rest == 0;
}

}  // namespace mimus::validate
