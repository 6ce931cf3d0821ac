// Field names, compared and found.
#include "host/net/exchange.h"

namespace mimus {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

bool same_letters(const char* a, const char* b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

const std::string_view* RequestHead::find(std::string_view name, unsigned nth) const {
  for (const Header& header : headers) {
    if (same_name(header.name, name) && nth-- == 0) return &header.value;
  }
  return nullptr;
}

}  // namespace mimus
