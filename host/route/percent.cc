// The one decoder of percent-encoding.
#include "host/route/percent.h"

namespace mimus {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The byte that the escape at `at` spells, -1 if it is none.
int escape_value(std::string_view text, std::size_t at) {
  if (text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

std::size_t first_bad_escape(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (escape_value(text, at) <= 0) return at;
  }
  return std::string_view::npos;
}

std::size_t percent_decode(std::string_view text, char* out, bool plus_is_space) {
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int value = text[at] == '%' ? escape_value(text, at) : -1;
    if (value >= 0) {
      out[size++] = static_cast<char>(value);
      at += 2;
    } else {
      out[size++] = plus_is_space && text[at] == '+' ? ' ' : text[at];
    }
  }
  return size;
}

DotSegment dot_segment(std::string_view raw) {
  unsigned dots = 0;
  while (!raw.empty()) {
    if (raw.front() == '.') {
      raw.remove_prefix(1);
    } else if (raw.front() == '%' && escape_value(raw, 0) == '.') {
      raw.remove_prefix(3);
    } else {
      return DotSegment::none;
    }
    if (++dots > 2) return DotSegment::none;
  }
  return dots == 0 ? DotSegment::none : dots == 1 ? DotSegment::here : DotSegment::up;
}

}  // namespace mimus
