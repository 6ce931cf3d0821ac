// Conditions as trees over leaves, and what a leaf looks at in a request.
#include "plugins/mock/matcher.h"

#include "mimus/json_text.h"
#include "plugins/mock/leaf.h"

namespace mimus::mock {
namespace {

constexpr unsigned max_nesting = 32;

/// Shows each value of a cookie in one Cookie field until `show` returns true; returns
/// whether it did.
template <class Show>
bool any_cookie(std::string_view field, std::string_view name, Show&& show) {
  while (!field.empty()) {
    const std::size_t end = field.find(';');
    std::string_view pair = field.substr(0, end);
    field.remove_prefix(end == std::string_view::npos ? field.size() : end + 1);
    while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t')) pair.remove_prefix(1);
    while (!pair.empty() && (pair.back() == ' ' || pair.back() == '\t')) pair.remove_suffix(1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    if (show(pair.substr(equals + 1))) return true;
  }
  return false;
}

/// The value at a path inside a document, or null.
const nlohmann::json* find_at(const nlohmann::json& document, const std::vector<std::string>& path) {
  const nlohmann::json* value = &document;
  for (const std::string& token : path) {
    if (value->is_object()) {
      const auto it = value->find(token);
      if (it == value->end()) return nullptr;
      value = &*it;
    } else if (value->is_array()) {
      if (token.empty() || token.size() > 9 || (token.size() > 1 && token[0] == '0') ||
          token.find_first_not_of("0123456789") != std::string::npos) {
        return nullptr;
      }
      const std::size_t index = std::stoul(token);
      if (index >= value->size()) return nullptr;
      value = &(*value)[index];
    } else {
      return nullptr;
    }
  }
  return value;
}

}  // namespace

struct Subject::Parsed {
  nlohmann::json document;  // discarded if the body is not JSON
};

Subject::Subject(const Facts& facts) : facts_(facts) {}
Subject::~Subject() = default;

Condition::Condition() = default;
Condition::Condition(Condition&&) noexcept = default;
Condition& Condition::operator=(Condition&&) noexcept = default;
Condition::~Condition() = default;

std::optional<Condition> Condition::compile(std::string_view when, const std::string& pointer,
                                            const Fault& fault) {
  return compile(when, pointer, fault, 0);
}

std::optional<Condition> Condition::compile(std::string_view when, const std::string& pointer,
                                            const Fault& fault, unsigned depth) {
  if (depth > max_nesting) {
    fault(pointer, "is nested deeper than 32 levels");
    return std::nullopt;
  }
  Condition condition;
  const auto all = json::member(when, "all"), any = json::member(when, "any"),
             none = json::member(when, "not");
  const int forms = (all ? 1 : 0) + (any ? 1 : 0) + (none ? 1 : 0) + (json::member(when, "in") ? 1 : 0);
  if (forms != 1) {
    fault(pointer, "must have exactly one of all, any, not and in");
    return std::nullopt;
  }
  if (!all && !any && !none) {
    condition.kind_ = Kind::leaf;
    condition.leaf_ = Leaf::compile(when, pointer, fault);
    if (!condition.leaf_) return std::nullopt;
    return condition;
  }
  bool sound = true;
  const auto add = [&](std::string_view part, const std::string& where) {
    auto compiled = compile(part, where, fault, depth + 1);
    sound = sound && compiled.has_value();
    if (compiled) condition.parts_.push_back(std::move(*compiled));
  };
  if (none) {
    condition.kind_ = Kind::none;
    add(*none, pointer + "/not");
  } else {
    condition.kind_ = all ? Kind::all : Kind::any;
    std::size_t i = 0;
    json::elements(all ? *all : *any, [&](std::string_view part) {
      add(part, pointer + (all ? "/all/" : "/any/") + std::to_string(i++));
      return true;
    });
  }
  if (!sound) return std::nullopt;
  return condition;
}

bool Condition::needs_body() const {
  if (kind_ == Kind::leaf) return leaf_->where == Where::body;
  for (const Condition& part : parts_) {
    if (part.needs_body()) return true;
  }
  return false;
}

bool Condition::holds(Subject& subject) const {
  switch (kind_) {
    case Kind::all:
      for (const Condition& part : parts_) {
        if (!part.holds(subject)) return false;
      }
      return true;
    case Kind::any:
      for (const Condition& part : parts_) {
        if (part.holds(subject)) return true;
      }
      return false;
    case Kind::none:
      return !parts_[0].holds(subject);
    case Kind::leaf:
      break;
  }

  const Leaf& leaf = *leaf_;
  const Facts& facts = subject.facts_;
  bool any = false;
  if (leaf.where == Where::body && leaf.as_json) {
    if (!subject.parsed_) {
      subject.parsed_ = std::make_unique<Subject::Parsed>();
      subject.parsed_->document = parse_bounded(facts.body());
    }
    const nlohmann::json& document = subject.parsed_->document;
    const nlohmann::json* const value = document.is_discarded() ? nullptr : find_at(document, leaf.path);
    any = value != nullptr && leaf.holds_for(*value);
  } else if (leaf.where == Where::body) {
    any = !facts.body().empty() && leaf.holds_for(facts.body());
  } else if (leaf.where == Where::cookie) {
    for (std::uint32_t n = 0; !any; ++n) {
      const auto field = facts.value(Where::header, "cookie", n);
      if (!field) break;
      any = any_cookie(*field, leaf.name, [&](std::string_view value) { return leaf.holds_for(value); });
    }
  } else {
    for (std::uint32_t n = 0; !any; ++n) {
      const auto value = facts.value(leaf.where, leaf.name, n);
      if (!value) break;
      any = leaf.holds_for(*value);
    }
  }
  return leaf.op == Op::not_equals || leaf.op == Op::absent ? !any : any;
}

}  // namespace mimus::mock
