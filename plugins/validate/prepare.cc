// Walking a schema by the positions where draft 7 has subschemas: a property that is called
// "pattern" is no pattern.
#include "plugins/validate/prepare.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "mimus/json_text.h"
#include "mimus/percent.h"

namespace mimus::validate {
namespace {

using Json = nlohmann::json;

constexpr int max_depth = 100;
constexpr unsigned max_nesting = 300;  // of subschemas, references followed
constexpr unsigned max_chain = 32;     // of subschemas that apply to one value
constexpr std::size_t max_subschemas = 5000;
constexpr std::size_t max_pattern = 1024;
constexpr std::int64_t max_pattern_memory = 1 << 20;

enum class Shape { one, list, map, one_or_list };
struct Keyword {
  const char* name;
  Shape shape;
  bool in_place;  // applies to the same value as the schema that holds it
};
constexpr Keyword keywords[] = {{"allOf", Shape::list, true},
                                {"anyOf", Shape::list, true},
                                {"oneOf", Shape::list, true},
                                {"not", Shape::one, true},
                                {"if", Shape::one, true},
                                {"then", Shape::one, true},
                                {"else", Shape::one, true},
                                {"dependencies", Shape::map, true},
                                {"items", Shape::one_or_list, false},
                                {"additionalItems", Shape::one, false},
                                {"contains", Shape::one, false},
                                {"properties", Shape::map, false},
                                {"patternProperties", Shape::map, false},
                                {"additionalProperties", Shape::one, false},
                                {"propertyNames", Shape::one, false},
                                {"definitions", Shape::map, false}};

bool is_draft_7(const Json& value) {
  if (!value.is_string()) return false;
  std::string_view uri = value.get_ref<const std::string&>();
  if (uri.ends_with('#')) uri.remove_suffix(1);
  return uri == "http://json-schema.org/draft-07/schema" || uri == "https://json-schema.org/draft-07/schema";
}

class Walk {
 public:
  Walk(Json& root, std::string pointer, Patterns& patterns, const Fault& fault)
      : root_(root), pointer_(std::move(pointer)), patterns_(patterns), fault_(fault) {}

  bool run() {
    visit(root_, pointer_, 0);
    for (const auto& [node, links] : in_place_) {
      if (!sound_) break;
      measure(node, 0);
    }
    return sound_;
  }

 private:
  void wrong(const std::string& pointer, std::string detail) {
    sound_ = false;
    fault_(pointer, std::move(detail));
  }

  void visit(Json& node, const std::string& pointer, unsigned depth) {
    if (!sound_ || node.is_boolean() || in_place_.contains(&node)) return;
    if (!node.is_object()) return wrong(pointer, "must be a schema: an object or a boolean");
    if (depth > max_nesting) return wrong(pointer, "is nested too deeply");
    if (in_place_.size() >= max_subschemas) return wrong(pointer_, "has more than 5000 subschemas");
    in_place_[&node];

    if (const auto it = node.find("$ref"); it != node.end()) {  // whatever stands beside it does not count
      Json* const target = resolve(*it);
      if (target == nullptr)
        return wrong(pointer + "/$ref", "must be \"#\" or a JSON pointer into this schema, \"#/…\"");
      in_place_[&node].push_back(target);
      return visit(*target, pointer + "/$ref", depth + 1);
    }
    if (const auto it = node.find("$schema"); it != node.end() && !is_draft_7(*it))
      return wrong(pointer + "/$schema", "must be http://json-schema.org/draft-07/schema#");
    if (const auto it = node.find("pattern"); it != node.end()) {
      if (!it->is_string()) return wrong(pointer + "/pattern", "must be a string");
      compile(it->get_ref<const std::string&>(), pointer + "/pattern");
    }
    for (const Keyword& keyword : keywords) {
      if (const auto it = node.find(keyword.name); it != node.end())
        enter(keyword, node, *it, pointer + "/" + keyword.name, depth);
    }
    for (const char* gone : {"id", "$id", "format"}) node.erase(gone);
    if (const auto it = node.find("uniqueItems"); it != node.end()) {
      if (!it->is_boolean()) return wrong(pointer + "/uniqueItems", "must be a boolean");
      if (it->get<bool>()) node[unique_keyword] = true;
      node.erase("uniqueItems");
    }
    if (const auto it = node.find("multipleOf"); it != node.end()) {
      if (!it->is_number() || it->get<double>() <= 0)
        return wrong(pointer + "/multipleOf", "must be a number above 0");
      node[multiple_keyword] = *it;
      node.erase("multipleOf");
    }
    add_step(node);
  }

  /// Puts the step where valijson looks first, before anything that costs or fails: at the
  /// head of allOf. Where there is one its first subschema has the step already, unless it
  /// is `true`; nothing is moved, since references may point into it.
  static void add_step(Json& node) {
    Json& all = node["allOf"];
    if (all.empty()) {
      Json step = Json::object();
      step[step_keyword] = true;
      all = Json::array();
      all.push_back(std::move(step));
    } else if (all[0] == true) {
      all[0] = Json::object();
      add_step(all[0]);
    }
  }

  void enter(const Keyword& keyword, Json& node, Json& value, const std::string& pointer, unsigned depth) {
    const auto child = [&](Json& subschema, const std::string& where) {
      if (keyword.in_place) in_place_[&node].push_back(&subschema);
      visit(subschema, where, depth + 1);
    };
    const bool list =
        keyword.shape == Shape::list || (keyword.shape == Shape::one_or_list && value.is_array());
    if (list) {
      if (!value.is_array()) return wrong(pointer, "must be an array of schemas");
      for (std::size_t i = 0; i < value.size(); ++i) child(value[i], pointer + "/" + std::to_string(i));
      return;
    }
    if (keyword.shape != Shape::map) return child(value, pointer);
    if (!value.is_object()) return wrong(pointer, "must be an object of schemas");
    const std::string_view name = keyword.name;
    for (auto& [key, subschema] : value.items()) {
      const std::string where = pointer + "/" + json::pointer_token(key);
      if (name == "patternProperties") compile(key, where);
      if (name == "dependencies" && subschema.is_array()) continue;  // of property names
      child(subschema, where);
    }
  }

  void compile(const std::string& text, const std::string& pointer) {
    if (patterns_.contains(text)) return;
    if (text.size() > max_pattern) return wrong(pointer, "is longer than 1024 characters");
    if (text.find('\0') != std::string::npos) return wrong(pointer, "must not hold NUL");
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(max_pattern_memory);
    auto pattern = std::make_unique<re2::RE2>(text, options);
    if (!pattern->ok()) return wrong(pointer, "is not a regular expression of RE2: " + pattern->error());
    patterns_.emplace(text, std::move(pattern));
  }

  /// The value that a reference names in this document, or null.
  Json* resolve(const Json& reference) {
    if (!reference.is_string()) return nullptr;
    const std::string& text = reference.get_ref<const std::string&>();
    if (!text.starts_with('#') || (text.size() > 1 && text[1] != '/')) return nullptr;
    Json* at = &root_;
    for (std::size_t i = 1; i < text.size();) {
      const std::size_t end = std::min(text.find('/', i + 1), text.size());
      const std::string token = unescaped(std::string_view(text).substr(i + 1, end - i - 1));
      i = end;
      if (at->is_object() && at->contains(token)) {
        at = &(*at)[token];
      } else if (at->is_array() && !token.empty() && token.size() < 9 &&
                 token.find_first_not_of("0123456789") == std::string::npos &&
                 std::stoul(token) < at->size()) {
        at = &(*at)[std::stoul(token)];
      } else {
        return nullptr;
      }
    }
    return at;
  }

  static std::string unescaped(std::string_view token) {
    const std::string plain = percent::decoded(token);
    std::string out;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const bool escape =
          plain[i] == '~' && i + 1 < plain.size() && (plain[i + 1] == '0' || plain[i + 1] == '1');
      out += escape ? (plain[++i] == '0' ? '~' : '/') : plain[i];
    }
    return out;
  }

  /// How many subschemas apply to one value from this one on. A circle has no end, and a
  /// long chain costs as much stack for each level of the body.
  unsigned measure(const Json* node, unsigned above) {
    if (!sound_) return 0;
    const auto found = in_place_.find(node);
    if (found == in_place_.end()) return 1;  // a boolean
    auto [height, first] = heights_.try_emplace(node, open);
    if (!first && height->second == open) {
      wrong(pointer_, "has subschemas that apply themselves to the same value without end");
      return 0;
    }
    unsigned tallest = first ? 0 : height->second - 1;
    if (first) {
      for (const Json* next : found->second) tallest = std::max(tallest, measure(next, above + 1));
      heights_[node] = tallest + 1;
    }
    if (sound_ && above + tallest + 1 > max_chain)
      wrong(pointer_, "has more than 32 subschemas in a chain that apply to one value");
    return tallest + 1;
  }

  static constexpr unsigned open = ~0u;

  Json& root_;
  const std::string pointer_;
  Patterns& patterns_;
  const Fault& fault_;
  bool sound_ = true;
  std::unordered_map<const Json*, std::vector<const Json*>> in_place_;  // every subschema visited
  std::unordered_map<const Json*, unsigned> heights_;
};

}  // namespace

Json parse_bounded(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return Json::value_t::discarded;
  bool deep = false;
  using Event = Json::parse_event_t;
  const auto each = [&deep](int depth, Event event, Json& value) {
    if ((event == Event::object_start || event == Event::array_start) && depth >= max_depth) deep = true;
    if (event == Event::value && value.is_number_float()) {
      const double number = value.get<double>();
      if (std::trunc(number) == number && std::abs(number) < 9e15) value = static_cast<std::int64_t>(number);
    }
    if (event == Event::value && value.is_number_unsigned())
      value = static_cast<std::int64_t>(std::min<std::uint64_t>(value.get<std::uint64_t>(), INT64_MAX));
    return !deep;
  };
  Json value = Json::parse(text.begin(), text.end(), each, false);
  if (deep) return Json::value_t::discarded;
  return value;
}

bool prepare(Json& schema, const std::string& pointer, Patterns& patterns, const Fault& fault) {
  return Walk(schema, pointer, patterns, fault).run();
}

}  // namespace mimus::validate
