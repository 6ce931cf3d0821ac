// The route tree: path copying on change, a bounded depth-first search on lookup.
#include "host/route/route_tree.h"

#include <algorithm>
#include <array>
#include <new>

#include "host/route/route_node.h"

namespace mimus {
namespace {

using PartKind = PatternPart::Kind;
using Parts = std::span<const PatternPart>;

RouteNode& own(std::shared_ptr<RouteNode>& node, HashSeed seed) {
  if (!node) node = std::make_shared<RouteNode>(seed);
  if (node.use_count() != 1) node = std::make_shared<RouteNode>(*node);
  return *node;
}

/// The set that an endpoint with these last parts belongs to at its node, or nullptr
/// where the path goes on.
Ends* ends_at(RouteNode& node, Parts parts) {
  if (parts.empty()) return &node.here;
  return parts.front().kind == PartKind::tail ? &node.tail : nullptr;
}

bool holds(const RouteNode* node, Parts parts, const AnswerKey& key) {
  for (; node != nullptr; parts = parts.subspan(1)) {
    if (parts.empty()) return node->here.find(key) != nullptr;
    if (parts.front().kind == PartKind::tail) return node->tail.find(key) != nullptr;
    node = parts.front().kind == PartKind::parameter ? node->parameter.get()
                                                     : node->literals.find(parts.front().text);
  }
  return false;
}

/// REQUIRES: the endpoint is below `link`. Leaves `link` empty when its node is.
void remove_below(std::shared_ptr<RouteNode>& link, HashSeed seed, Parts parts, const AnswerKey& key) {
  RouteNode& node = own(link, seed);
  if (Ends* const ends = ends_at(node, parts)) {
    ends->remove(key);
  } else if (parts.front().kind == PartKind::parameter) {
    remove_below(node.parameter, seed, parts.subspan(1), key);
  } else {
    std::shared_ptr<RouteNode>& child = node.literals.slot(parts.front().text);
    remove_below(child, seed, parts.subspan(1), key);
    if (!child) node.literals.remove(parts.front().text);
  }
  if (node.empty()) link.reset();
}

const EndpointRecord* best_for(const Ends& ends, std::string_view method) {
  const EndpointRecord* const item = ends.first_not_before(AnswerKey::first_of(method));
  return item != nullptr && item->route.method == method ? item : nullptr;
}

class Search {
 public:
  Search(std::string_view method, std::span<const Segment> segments) : method_(method), segments_(segments) {}

  /// True: the search is over, found or given up.
  bool visit(const RouteNode& node, std::size_t depth) {
    if (++steps_ > RouteTree::max_steps) return true;
    if (depth == segments_.size()) return take(node.here) || take(node.tail);
    const std::string_view text = segments_[depth].text;
    if (const RouteNode* const child = node.literals.find(text);
        child != nullptr && visit(*child, depth + 1)) {
      return true;
    }
    if (!text.empty() && node.parameter && visit(*node.parameter, depth + 1)) return true;
    return take(node.tail);
  }

  bool gave_up() const { return steps_ > RouteTree::max_steps; }
  const EndpointRecord* found() const { return found_; }
  std::span<const Ends* const> others() const { return {others_.data(), other_count_}; }

 private:
  bool take(const Ends& ends) {
    if (ends.empty()) return false;
    found_ = best_for(ends, method_);
    if (found_ == nullptr && method_ == "HEAD") found_ = best_for(ends, "GET");
    if (found_ == nullptr) found_ = best_for(ends, "ANY");
    if (found_ != nullptr) return true;
    if (other_count_ < others_.size()) others_[other_count_++] = &ends;
    return false;
  }

  const std::string_view method_;
  const std::span<const Segment> segments_;
  unsigned steps_ = 0;
  const EndpointRecord* found_ = nullptr;
  /// Where the path matched under other methods: enough of them for an Allow header.
  std::array<const Ends*, 16> others_{};
  std::size_t other_count_ = 0;
};

/// The methods of `others` as an Allow header lists them: sorted, with what is implied.
std::string_view allow_list(std::span<const Ends* const> others, Arena& arena) {
  std::array<std::string_view, 32> methods{"OPTIONS"};
  std::size_t count = 1;
  const auto add = [&](std::string_view method) {
    const auto end = methods.begin() + count;
    if (count < methods.size() && std::find(methods.begin(), end, method) == end) methods[count++] = method;
  };
  for (const Ends* const ends : others) {
    for (const EndpointRecord* at = ends->first(); at != nullptr && count < methods.size();
         at = ends->first_after(AnswerKey::last_of(at->route.method))) {
      add(at->route.method);
      if (at->route.method == "GET") add("HEAD");
    }
  }
  std::sort(methods.begin(), methods.begin() + count);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) bytes += methods[i].size() + 2;
  char* const out = static_cast<char*>(arena.allocate(bytes));
  char* at = out;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) at = std::copy_n(", ", 2, at);
    at = std::copy(methods[i].begin(), methods[i].end(), at);
  }
  return {out, static_cast<std::size_t>(at - out)};
}

PathParam tail_param(std::string_view name, std::span<const Segment> rest, Arena& arena) {
  if (rest.empty()) return {name, {}, {}};
  const char* const start = rest.front().raw.data();
  const std::string_view raw(
      start, static_cast<std::size_t>(rest.back().raw.data() - start) + rest.back().raw.size());
  if (raw.find('%') == std::string_view::npos) return {name, raw, raw};
  char* const out = static_cast<char*>(arena.allocate(raw.size()));
  char* at = out;
  for (const Segment& segment : rest) {
    if (&segment != &rest.front()) *at++ = '/';
    at = std::copy(segment.text.begin(), segment.text.end(), at);
  }
  return {name, {out, static_cast<std::size_t>(at - out)}, raw};
}

/// What the parameters in the endpoint's own path are called, and what they took: part n
/// of a path matches segment n.
std::span<const PathParam> params_of(const EndpointRecord& endpoint, std::span<const Segment> segments,
                                     Arena& arena) {
  // A path has at most one parameter for each segment, and a tail that took none.
  PathParam* const params =
      static_cast<PathParam*>(arena.allocate((segments.size() + 1) * sizeof(PathParam)));
  std::size_t at = 0;
  std::size_t depth = 0;
  PatternCursor cursor(endpoint.route.path);
  for (PatternCursor::Part part; cursor.next(part); ++depth) {
    if (part.kind == PartKind::parameter) {
      new (&params[at++]) PathParam{part.name, segments[depth].text, segments[depth].raw};
    } else if (part.kind == PartKind::tail) {
      new (&params[at++]) PathParam{tail_param(part.name, segments.subspan(depth), arena)};
    }
  }
  return {params, at};
}

}  // namespace

void RouteTree::put(const PathPattern& pattern, std::shared_ptr<const EndpointRecord> endpoint) {
  std::shared_ptr<RouteNode>* link = &root_;
  for (Parts parts = pattern;; parts = parts.subspan(1)) {
    RouteNode& node = own(*link, seed_);
    if (Ends* const ends = ends_at(node, parts)) {
      ends->put(std::move(endpoint));
      return;
    }
    const PatternPart& part = parts.front();
    link = part.kind == PartKind::parameter ? &node.parameter : &node.literals.slot(part.text);
  }
}

bool RouteTree::remove(const PathPattern& pattern, const EndpointRecord& endpoint) {
  const AnswerKey key = ByAnswer::key(endpoint);
  if (!holds(root_.get(), pattern, key)) return false;
  remove_below(root_, seed_, pattern, key);
  return true;
}

RouteResult RouteTree::lookup(std::string_view method, std::span<const Segment> segments,
                              Arena& arena) const {
  RouteResult out;
  if (!root_) return out;
  Search search(method, segments);
  search.visit(*root_, 0);
  if (search.found() != nullptr) {
    out.outcome = RouteOutcome::found;
    out.endpoint = search.found();
    out.params = params_of(*out.endpoint, segments, arena);
  } else if (search.gave_up()) {
    out.outcome = RouteOutcome::too_ambiguous;
  } else if (!search.others().empty()) {
    out.outcome = method == "OPTIONS" ? RouteOutcome::options : RouteOutcome::wrong_method;
    out.allow = allow_list(search.others(), arena);
  }
  return out;
}

}  // namespace mimus
