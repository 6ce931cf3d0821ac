// Targets: the input's first byte says how many segments are kept, the rest is a path and
// perhaps a query. The resolver agrees with one that goes step by step, leaves nothing to
// resolve, and never climbs.
#include "host/route/target.h"

#include <algorithm>
#include <optional>

#include "tests/fuzz/fuzz.h"

namespace mimus::fuzz {
namespace {

std::optional<unsigned char> escape_at(std::string_view text, std::size_t at) {
  if (text.size() - at < 3 || text[at] != '%') return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(at + 1, 2)) {
    const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit < 16 ? digit : digit - 6);
  }
  return static_cast<unsigned char>(value);
}

std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const auto byte = escape_at(text, i)) {
      out += static_cast<char>(*byte);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == at) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

/// "." and "..", however they are written; otherwise "".
std::string dots(std::string_view raw) {
  std::string plain = decode(raw, false);
  const bool only_dots = raw.find_first_not_of(".%2eE") == std::string_view::npos;
  return only_dots && (plain == "." || plain == "..") ? plain : "";
}

/// The raw segments that are left, or nothing where the path is refused.
std::optional<std::vector<std::string>> resolve(std::string_view raw, std::size_t keep) {
  if (!raw.starts_with('/')) return std::nullopt;
  for (std::size_t i = raw.find('%'); i != raw.npos; i = raw.find('%', i + 3)) {
    if (escape_at(raw, i).value_or(0) == 0) return std::nullopt;
  }
  std::vector<std::string> out;
  const std::vector<std::string> segments = split(raw.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string dot = dots(segments[i]);
    if (dot == "..") {
      if (out.size() <= keep) return std::nullopt;
      out.pop_back();
    }
    if (dot.empty()) out.push_back(segments[i]);
    if (!dot.empty() && i + 1 == segments.size()) out.emplace_back();
    if (out.size() > max_path_segments) return std::nullopt;
  }
  return out;
}

void check_path(std::string_view raw, std::size_t keep) {
  Arena arena;
  const auto got = resolve_target(raw, keep, arena);
  const auto want = resolve(raw, keep);
  require(static_cast<bool>(got) == want.has_value(), "paths are taken and refused alike", raw);
  if (!got) return;
  std::string path;
  require(got->segments.size() == want->size(), "as many segments are left", got->path);
  for (std::size_t i = 0; i < want->size(); ++i) {
    const Segment& segment = got->segments[i];
    require(segment.raw == (*want)[i], "the same segments are left", segment.raw);
    require(segment.text == decode(segment.raw, false), "a segment is decoded once", segment.raw);
    require(dots(segment.raw).empty(), "no dot segment is left", segment.raw);
    require(segment.text.find('\0') == std::string_view::npos, "no NUL comes out");
    path.append("/").append(segment.raw);
  }
  require(got->path == path, "the path is its segments", got->path);
  for (std::size_t i = 0; i <= want->size() + 1; ++i) {
    std::string below;
    for (std::size_t k = i; k < want->size(); ++k) below.append("/").append((*want)[k]);
    require(got->path_below(i) == below, "the path below is the segments below", got->path_below(i));
    const std::size_t left = want->size() - std::min(i, want->size());
    const bool lone = left == 1 && want->back().empty();
    require(got->below(i).size() == (lone ? 0 : left), "a lone empty segment is none");
  }
  Arena other;
  const auto again = resolve_target(path, keep, other);
  require(static_cast<bool>(again), "what was resolved resolves", path);
  require(again->path == path, "resolving is idempotent", again->path);
}

void check_query(std::string_view raw) {
  constexpr std::size_t max_fields = 20;
  Arena arena;
  const auto got = parse_query(raw, max_fields, arena);
  std::vector<std::string> pairs = split(raw, '&');
  std::erase(pairs, "");
  require(static_cast<bool>(got) == (pairs.size() <= max_fields), "queries are taken up to the limit", raw);
  if (!got) return;
  require(got->size() == pairs.size(), "every pair is kept", raw);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::string& pair = pairs[i];
    const std::size_t equals = std::min(pair.find('='), pair.size());
    require((*got)[i].name == decode(std::string_view(pair).substr(0, equals), true), "a name is decoded",
            pair);
    require((*got)[i].value == decode(std::string_view(pair).substr(std::min(equals + 1, pair.size())), true),
            "a value is decoded", pair);
  }
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (input.find('\0') != std::string_view::npos) return 0;  // The parser lets none through.
  const std::size_t question = std::min(input.find('?'), input.size());
  mimus::fuzz::check_path(input.substr(0, question), data[0] % 4);
  mimus::fuzz::check_query(input.substr(std::min(question + 1, input.size())));
  return 0;
}
