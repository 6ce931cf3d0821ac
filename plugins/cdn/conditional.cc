// Entity tags and HTTP dates.
#include "plugins/cdn/conditional.h"

#include <array>
#include <string>

namespace mimus::cdn {
namespace {

/// Without W/.
std::string_view opaque(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

/// Reads text piece by piece; once a piece does not fit, nothing does.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void literal(std::string_view text) {
    if (rest_.starts_with(text)) {
      rest_.remove_prefix(text.size());
    } else {
      failed_ = true;
    }
  }
  /// `digits` digits; with `padded` the first may be a space.
  int number(std::size_t digits, bool padded = false) {
    int value = 0;
    if (rest_.size() < digits) return fail();
    for (std::size_t i = 0; i < digits; ++i) {
      const char c = rest_[i];
      if (padded && i == 0 && c == ' ') continue;
      if (c < '0' || c > '9') return fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  int month() {
    static constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const std::size_t at = rest_.size() < 3 ? std::string_view::npos : names.find(rest_.substr(0, 3));
    if (at == std::string_view::npos || at % 3 != 0) return fail();
    rest_.remove_prefix(3);
    return static_cast<int>(at / 3) + 1;
  }
  bool at_end() const { return !failed_ && rest_.empty(); }

 private:
  int fail() {
    failed_ = true;
    return 0;
  }
  std::string_view rest_;
  bool failed_ = false;
};

struct Parts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void read_time(Reader& in, Parts& p) {
  p.hour = in.number(2);
  in.literal(":");
  p.minute = in.number(2);
  in.literal(":");
  p.second = in.number(2);
}

std::int64_t days_from_1970(int year, int month, int day) {  // proleptic Gregorian
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t of_era = y - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

}  // namespace

bool names_tag(std::string_view if_none_match, std::string_view etag) {
  std::string_view rest = if_none_match;
  const auto skip = [&] {
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t' || rest.front() == ','))
      rest.remove_prefix(1);
  };
  skip();
  if (rest.starts_with('*')) {
    rest.remove_prefix(1);
    skip();
    return rest.empty();
  }
  while (!rest.empty()) {
    const std::size_t open = rest.starts_with("W/") ? 2 : 0;
    if (rest.size() <= open || rest[open] != '"') return false;
    const std::size_t close = rest.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    if (opaque(rest.substr(0, close + 1)) == opaque(etag)) return true;
    rest.remove_prefix(close + 1);
    skip();
  }
  return false;
}

std::optional<std::int64_t> http_date(std::string_view text) {
  Parts p;
  const std::size_t comma = text.find(',');
  Reader in(comma == std::string_view::npos ? text : text.substr(comma + 1));
  if (comma == 3) {  // Sun, 06 Nov 1994 08:49:37 GMT
    in.literal(" ");
    p.day = in.number(2);
    in.literal(" ");
    p.month = in.month();
    in.literal(" ");
    p.year = in.number(4);
    in.literal(" ");
    read_time(in, p);
    in.literal(" GMT");
  } else if (comma != std::string_view::npos) {  // Sunday, 06-Nov-94 08:49:37 GMT
    in.literal(" ");
    p.day = in.number(2);
    in.literal("-");
    p.month = in.month();
    in.literal("-");
    p.year = in.number(2);
    p.year += p.year < 50 ? 2000 : 1900;
    in.literal(" ");
    read_time(in, p);
    in.literal(" GMT");
  } else {  // Sun Nov  6 08:49:37 1994
    if (text.size() < 4) return std::nullopt;
    in = Reader(text.substr(4));
    p.month = in.month();
    in.literal(" ");
    p.day = in.number(2, true);
    in.literal(" ");
    read_time(in, p);
    in.literal(" ");
    p.year = in.number(4);
  }
  if (!in.at_end() || p.day < 1 || p.day > 31 || p.hour > 23 || p.minute > 59 || p.second > 60)
    return std::nullopt;
  return ((days_from_1970(p.year, p.month, p.day) * 24 + p.hour) * 60 + p.minute) * 60 + p.second;
}

}  // namespace mimus::cdn
