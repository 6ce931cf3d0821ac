// Resolving targets: one pass to split and check, copies only where bytes change.
#include "host/route/target.h"

#include <algorithm>
#include <new>

#include "host/route/percent.h"
#include "mimus/percent.h"

namespace mimus {
namespace {

constexpr std::size_t usual_segments = 16;

template <class T>
T* array_in(Arena& arena, std::size_t count) {
  return static_cast<T*>(arena.allocate(count * sizeof(T)));
}

std::string_view decoded(std::string_view raw, percent::Plus plus, Arena& arena) {
  if (raw.find('%') == std::string_view::npos &&
      !(plus == percent::Plus::space && raw.find('+') != std::string_view::npos)) {
    return raw;
  }
  char* const out = array_in<char>(arena, raw.size());
  return {out, percent::decode(raw, out, plus)};
}

/// Writes the path anew from the segments that are left, and points them into it.
std::string_view rebuilt(Segment* segments, std::size_t count, std::size_t max_bytes, Arena& arena) {
  char* const out = array_in<char>(arena, max_bytes);
  char* at = out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view raw = segments[i].raw;
    *at++ = '/';
    at = std::copy(raw.begin(), raw.end(), at);
    segments[i].raw = {at - raw.size(), raw.size()};
  }
  return {out, static_cast<std::size_t>(at - out)};
}

}  // namespace

std::span<const Segment> ResolvedTarget::below(std::size_t count) const {
  const auto rest = segments.subspan(std::min(count, segments.size()));
  return rest.size() == 1 && rest.front().raw.empty() ? rest.subspan(1) : rest;
}

std::string_view ResolvedTarget::path_below(std::size_t count) const {
  if (count >= segments.size()) return path.substr(path.size());
  return path.substr(static_cast<std::size_t>(segments[count].raw.data() - path.data()) - 1);
}

Result<ResolvedTarget> resolve_target(std::string_view raw_path, std::size_t keep, Arena& arena) {
  if (raw_path.empty() || raw_path.front() != '/') return invalid("the path does not start with \"/\"");
  const bool escapes = raw_path.find('%') != std::string_view::npos;
  if (escapes) {
    const std::size_t bad = first_bad_escape(raw_path);
    if (bad != std::string_view::npos) {
      return invalid("the path holds a bad percent-encoding at byte " + std::to_string(bad));
    }
  }
  std::size_t room = usual_segments;
  Segment* segments = array_in<Segment>(arena, room);
  std::size_t count = 0;
  bool dots = false;
  const auto add = [&](const Segment& segment) {
    if (count == room) {
      // One more than is allowed, so that the excess is seen.
      Segment* const more = array_in<Segment>(arena, max_path_segments + 1);
      std::copy(segments, segments + count, more);
      segments = more;
      room = max_path_segments + 1;
    }
    new (&segments[count++]) Segment(segment);
  };
  for (std::size_t start = 1;;) {
    std::size_t end = start;
    while (end < raw_path.size() && raw_path[end] != '/') ++end;
    const std::string_view raw = raw_path.substr(start, end - start);
    const bool last = end == raw_path.size();
    const bool dotted = !raw.empty() && (raw.front() == '.' || raw.front() == '%');
    const DotSegment dot = dotted ? dot_segment(raw) : DotSegment::none;
    if (dot == DotSegment::none) {
      add({raw, raw});
    } else {
      dots = true;
      if (dot == DotSegment::up) {
        if (count <= keep) return invalid("the path climbs above its root with \"..\"");
        --count;
      }
      if (last) add({});
    }
    if (count > max_path_segments) {
      return invalid("the path has more than " + std::to_string(max_path_segments) + " segments");
    }
    if (last) break;
    start = end + 1;
  }
  ResolvedTarget out{raw_path, {segments, count}};
  if (dots) out.path = rebuilt(segments, count, raw_path.size() + 1, arena);
  if (dots || escapes) {
    for (std::size_t i = 0; i < count; ++i)
      segments[i].text = decoded(segments[i].raw, percent::Plus::itself, arena);
  }
  return out;
}

Result<std::span<const QueryField>> parse_query(std::string_view raw_query, std::size_t max_fields,
                                                Arena& arena) {
  if (raw_query.empty()) return std::span<const QueryField>{};
  const auto pieces = static_cast<std::size_t>(std::count(raw_query.begin(), raw_query.end(), '&')) + 1;
  QueryField* const fields = array_in<QueryField>(arena, std::min(pieces, max_fields));
  std::size_t count = 0;
  for (std::size_t start = 0; start <= raw_query.size();) {
    const std::size_t end = std::min(raw_query.find('&', start), raw_query.size());
    const std::string_view pair = raw_query.substr(start, end - start);
    start = end + 1;
    if (pair.empty()) continue;
    if (count == max_fields)
      return invalid("the query has more than " + std::to_string(max_fields) + " fields");
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    new (&fields[count++]) QueryField{decoded(pair.substr(0, equals), percent::Plus::space, arena),
                                      decoded(value, percent::Plus::space, arena)};
  }
  return std::span<const QueryField>{fields, count};
}

}  // namespace mimus
