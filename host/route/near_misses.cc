// What a request that missed may have meant: a search that allows mistakes, within a budget.
#include <algorithm>
#include <array>
#include <tuple>

#include "host/route/route_node.h"
#include "host/route/route_tree.h"

namespace mimus {
namespace {

using PartKind = PatternPart::Kind;

constexpr std::size_t wanted = 3;
constexpr unsigned node_budget = 256;
constexpr unsigned sibling_budget = 512;  ///< Literals compared with a segment, in all.
constexpr std::size_t siblings_followed = 4;
constexpr std::size_t quoted_bytes = 64;

// What each mistake costs. A path is worth showing up to `too_far`.
constexpr unsigned wrong_method_cost = 1;
constexpr unsigned trailing_slash_cost = 1;
constexpr unsigned wrong_segment_cost = 2;  ///< And one for each letter, up to four.
constexpr unsigned wrong_length_cost = 3;
constexpr unsigned too_far = 10;

bool answers(std::string_view defined, std::string_view method) {
  return defined == method || defined == "ANY" || (defined == "GET" && method == "HEAD");
}

/// How many letters must change to make `a` of `b` (Levenshtein), at most 4.
unsigned letters_apart(std::string_view a, std::string_view b) {
  constexpr std::size_t longest = 32;
  a = a.substr(0, longest);
  b = b.substr(0, longest);
  std::array<unsigned, longest + 1> row;
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<unsigned>(j);
  for (std::size_t i = 0; i < a.size(); ++i) {
    unsigned diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const unsigned replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return std::min(row[b.size()], 4u);
}

struct Candidate {
  unsigned cost = 0;
  const EndpointRecord* endpoint = nullptr;

  auto rank() const { return std::tie(cost, endpoint->route.path, endpoint->route.method, endpoint->id); }
};

class NearSearch {
 public:
  NearSearch(std::string_view method, std::span<const Segment> segments)
      : method_(method), segments_(segments) {}

  void visit(const RouteNode& node, std::size_t depth, unsigned cost) {
    if (cost > too_far || nodes_left_ == 0) return;
    --nodes_left_;
    const auto left_over = static_cast<unsigned>(segments_.size() - std::min(depth, segments_.size()));
    const bool slash = left_over == 1 && segments_.back().text.empty();
    offer(node.here, cost + (slash ? trailing_slash_cost : left_over * wrong_length_cost));
    offer(node.tail, cost);
    if (depth < segments_.size()) {
      const std::string_view text = segments_[depth].text;
      const RouteNode* const exact = node.literals.find(text);
      if (exact != nullptr) visit(*exact, depth + 1, cost);
      if (node.parameter) visit(*node.parameter, depth + 1, cost + (text.empty() ? wrong_segment_cost : 0));
      visit_siblings(node, exact, text, depth, cost + wrong_segment_cost);
    } else {
      if (node.parameter) visit(*node.parameter, depth + 1, cost + wrong_length_cost);
      const RouteNode* const slash_end = node.literals.find("");
      if (slash_end != nullptr) visit(*slash_end, depth + 1, cost + trailing_slash_cost);
      visit_siblings(node, slash_end, {}, depth, cost + wrong_length_cost);
    }
  }

  std::span<const Candidate> best() const { return {best_.data(), count_}; }

 private:
  struct Sibling {
    unsigned apart = 0;
    const std::string* text = nullptr;
    const RouteNode* node = nullptr;
    bool operator<(const Sibling& other) const {
      return apart != other.apart ? apart < other.apart : *text < *other.text;
    }
  };

  /// Follows the few literals of `node` that are most like `text`.
  void visit_siblings(const RouteNode& node, const RouteNode* except, std::string_view text,
                      std::size_t depth, unsigned cost) {
    std::array<Sibling, siblings_followed + 1> near;
    std::size_t count = 0;
    node.literals.each([&](const std::string& literal, const std::shared_ptr<RouteNode>& child) {
      if (siblings_left_ == 0) return false;
      --siblings_left_;
      if (child.get() == except) return true;
      near[count++] = {text.empty() ? 0 : letters_apart(literal, text), &literal, child.get()};
      std::sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(count));
      count = std::min(count, siblings_followed);
      return true;
    });
    for (std::size_t i = 0; i < count; ++i) visit(*near[i].node, depth + 1, cost + near[i].apart);
  }

  void offer(const Ends& ends, unsigned cost) {
    std::size_t methods = 0;
    for (const EndpointRecord* at = ends.first(); at != nullptr && methods < 8;
         at = ends.first_after(AnswerKey::last_of(at->route.method)), ++methods) {
      keep({cost + (answers(at->route.method, method_) ? 0 : wrong_method_cost), at});
    }
  }

  void keep(Candidate candidate) {
    if (candidate.cost == 0 || candidate.cost > too_far) return;
    best_[count_++] = candidate;
    std::sort(best_.begin(), best_.begin() + static_cast<std::ptrdiff_t>(count_),
              [](const Candidate& a, const Candidate& b) { return a.rank() < b.rank(); });
    count_ = std::min(count_, wanted);
  }

  const std::string_view method_;
  const std::span<const Segment> segments_;
  unsigned nodes_left_ = node_budget;
  unsigned siblings_left_ = sibling_budget;
  std::array<Candidate, wanted + 1> best_;
  std::size_t count_ = 0;
};

std::string quoted(std::string_view text) {
  if (text.size() <= quoted_bytes) return '"' + std::string(text) + '"';
  std::size_t end = quoted_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return '"' + std::string(text.substr(0, end)) + "…\"";
}

void add_length_reason(const PathPattern& pattern, std::span<const Segment> segments,
                       std::vector<std::string>& out) {
  const bool tail = !pattern.empty() && pattern.back().kind == PartKind::tail;
  const std::size_t needs = pattern.size() - (tail ? 1 : 0);
  if (tail ? segments.size() >= needs : segments.size() == needs) return;
  if (segments.size() == needs + 1 && segments.back().text.empty()) {
    out.push_back("request has a trailing slash, path has none");
  } else if (needs == segments.size() + 1 && !tail && pattern.back().kind == PartKind::literal &&
             pattern.back().text.empty()) {
    out.push_back("path has a trailing slash, request has none");
  } else {
    out.push_back("path has " + std::string(tail ? "at least " : "") + std::to_string(needs) +
                  (needs == 1 ? " segment" : " segments") + ", request has " +
                  std::to_string(segments.size()));
  }
}

std::string reason_for(const EndpointRecord& endpoint, std::string_view method,
                       std::span<const Segment> segments) {
  std::vector<std::string> reasons;
  const auto pattern = parse_path_pattern(endpoint.route.path);
  if (!pattern) return {};
  for (std::size_t i = 0; i < std::min(pattern->size(), segments.size()); ++i) {
    const PatternPart& part = (*pattern)[i];
    const std::string number = "segment " + std::to_string(i + 1);
    if (part.kind == PartKind::literal && part.text != segments[i].text) {
      reasons.push_back(number + " is " + quoted(part.text) + ", request has " + quoted(segments[i].text));
    } else if (part.kind == PartKind::parameter && segments[i].text.empty()) {
      reasons.push_back(number + " (" + part.text + ") is empty in the request");
    }
  }
  add_length_reason(*pattern, segments, reasons);
  if (!answers(endpoint.route.method, method)) {
    reasons.push_back("method is " + endpoint.route.method + ", request was " + std::string(method));
  }
  std::string out;
  for (const std::string& reason : reasons) out += (out.empty() ? "" : "; ") + reason;
  return out;
}

}  // namespace

std::vector<NearMiss> RouteTree::near_misses(std::string_view method,
                                             std::span<const Segment> segments) const {
  std::vector<NearMiss> out;
  if (!root_) return out;
  NearSearch search(method, segments);
  search.visit(*root_, 0, 0);
  for (const Candidate& candidate : search.best()) {
    out.push_back({candidate.endpoint, reason_for(*candidate.endpoint, method, segments)});
  }
  return out;
}

}  // namespace mimus
