// Parsing of endpoint paths, with an error for each way to get one wrong.
#include "host/route/path_pattern.h"

#include <algorithm>

#include "host/route/percent.h"
#include "host/route/target.h"
#include "mimus/percent.h"

namespace mimus {
namespace {

constexpr std::size_t max_path_bytes = 8192;
using PartKind = PatternPart::Kind;

Error wrong(std::string message) { return invalid(std::move(message), "/path"); }

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.';
}

Status check_bytes(std::string_view path) {
  if (path.empty() || path.front() != '/') return wrong("the path must start with \"/\"");
  if (path.size() > max_path_bytes) {
    return wrong("the path is longer than " + std::to_string(max_path_bytes) + " bytes");
  }
  for (const char c : path) {
    if (c == '?' || c == '#') {
      return wrong("the path holds " + quoted({&c, 1}) + ", which ends a path; write it as " +
                   (c == '?' ? "%3F" : "%23") + ", or match the query with \"when\"");
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return wrong("the path holds a control character");
  }
  const std::size_t bad = first_bad_escape(path);
  if (bad != std::string_view::npos) {
    return wrong("the path holds a bad percent-encoding at byte " + std::to_string(bad));
  }
  return Done{};
}

Result<PatternPart> named_part(const PatternCursor::Part& raw, const PathPattern& before) {
  const std::string_view name = raw.name;
  if (name.empty()) {
    return wrong("the segment " + quoted(raw.segment) +
                 " has no name; write \":name\", \"{name}\" or \"*name\"");
  }
  if (!std::all_of(name.begin(), name.end(), name_char)) {
    return wrong("the name " + quoted(name) + " may hold only letters, digits, \"_\", \"-\" and \".\"");
  }
  for (const PatternPart& part : before) {
    if (part.kind != PartKind::literal && part.text == name)
      return wrong("the name " + quoted(name) + " is there twice");
  }
  return PatternPart{raw.kind, std::string(name)};
}

Result<PatternPart> literal_part(std::string_view segment) {
  if (dot_segment(segment) != DotSegment::none) {
    return wrong("the segment " + quoted(segment) +
                 " can never match: dot segments are removed from requests");
  }
  if (segment.find_first_of("{}") != std::string_view::npos) {
    return wrong("the segment " + quoted(segment) +
                 " mixes braces with text; a parameter takes a whole segment, a literal brace is %7B or %7D");
  }
  PatternPart part{PartKind::literal, std::string(segment)};
  part.text.resize(percent::decode(segment, part.text.data()));
  return part;
}

/// How a segment reads, by its first and last characters.
PatternCursor::Part classify(std::string_view segment) {
  if (segment.starts_with(':')) return {PartKind::parameter, segment, segment.substr(1)};
  if (segment.starts_with('*')) return {PartKind::tail, segment, segment.substr(1)};
  if (segment.starts_with('{') && segment.find('}') == segment.size() - 1) {
    return {PartKind::parameter, segment, segment.substr(1, segment.size() - 2)};
  }
  return {PartKind::literal, segment, {}};
}

}  // namespace

bool PatternCursor::next(Part& part) {
  if (rest_.empty()) return false;
  const std::size_t end = std::min(rest_.find('/', 1), rest_.size());
  part = classify(rest_.substr(1, end - 1));
  rest_.remove_prefix(end);
  return true;
}

Result<PathPattern> parse_path_pattern(std::string_view path) {
  if (auto checked = check_bytes(path); !checked) return std::move(checked).error();
  PathPattern pattern;
  std::string_view tail;
  PatternCursor cursor(path);
  for (PatternCursor::Part raw; cursor.next(raw);) {
    if (!tail.empty()) return wrong("the tail \"*" + std::string(tail) + "\" must be the last segment");
    if (pattern.size() == max_path_segments) {
      return wrong("the path has more than " + std::to_string(max_path_segments) + " segments");
    }
    auto part = raw.kind == PartKind::literal ? literal_part(raw.segment) : named_part(raw, pattern);
    if (!part) return std::move(part).error();
    if (raw.kind == PartKind::tail) tail = raw.name;
    pattern.push_back(*std::move(part));
  }
  return pattern;
}

}  // namespace mimus
