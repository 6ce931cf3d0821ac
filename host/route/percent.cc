// What escapes may spell in a path.
#include "host/route/percent.h"

#include "mimus/percent.h"

namespace mimus {

using percent::escape_value;

std::size_t first_bad_escape(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (escape_value(text, at) <= 0) return at;
  }
  return std::string_view::npos;
}

DotSegment dot_segment(std::string_view raw) {
  unsigned dots = 0;
  while (!raw.empty()) {
    if (raw.front() == '.') {
      raw.remove_prefix(1);
    } else if (escape_value(raw, 0) == '.') {
      raw.remove_prefix(3);
    } else {
      return DotSegment::none;
    }
    if (++dots > 2) return DotSegment::none;
  }
  return dots == 0 ? DotSegment::none : dots == 1 ? DotSegment::here : DotSegment::up;
}

}  // namespace mimus
