// Conditions as trees over leaves, and what a leaf looks at.
#include "plugins/when/condition.h"

#include <algorithm>

#include "mimus/json_text.h"
#include "plugins/when/leaf.h"

namespace mimus::when {
namespace {

constexpr unsigned max_nesting = 32;

/// The value at a path inside a document, or null.
const nlohmann::json* find_at(const nlohmann::json& document, const std::vector<std::string>& path) {
  const nlohmann::json* value = &document;
  for (const std::string& token : path) {
    if (value->is_object()) {
      const auto it = value->find(token);
      if (it == value->end()) return nullptr;
      value = &*it;
    } else if (value->is_array()) {
      const auto index = json::array_index(token);
      if (!index || *index >= value->size()) return nullptr;
      value = &(*value)[*index];
    } else {
      return nullptr;
    }
  }
  return value;
}

}  // namespace

struct Subject::Parsed {
  std::size_t place;
  nlohmann::json document;  // discarded if the text is not JSON
};

const Subject::Parsed& Subject::parsed(std::size_t place) {
  const auto at =
      std::find_if(parsed_.begin(), parsed_.end(), [&](const auto& p) { return p->place == place; });
  if (at != parsed_.end()) return **at;
  return *parsed_.emplace_back(new Parsed{place, parse_bounded(facts_.document(place))});
}

Subject::Subject(const Facts& facts) : facts_(facts) {}
Subject::~Subject() = default;

Condition::Condition() = default;
Condition::Condition(Condition&&) noexcept = default;
Condition& Condition::operator=(Condition&&) noexcept = default;
Condition::~Condition() = default;

std::optional<Condition> Condition::compile(std::string_view when, Places places, const std::string& pointer,
                                            const Fault& fault) {
  return compile(when, places, pointer, fault, 0);
}

std::optional<Condition> Condition::compile(std::string_view when, Places places, const std::string& pointer,
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
    condition.leaf_ = Leaf::compile(when, places, pointer, fault);
    if (!condition.leaf_) return std::nullopt;
    return condition;
  }
  bool sound = true;
  const auto add = [&](std::string_view part, const std::string& where) {
    auto compiled = compile(part, places, where, fault, depth + 1);
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

bool Condition::looks_at(std::size_t place) const {
  if (kind_ == Kind::leaf) return leaf_->place == place;
  return std::any_of(parts_.begin(), parts_.end(),
                     [&](const Condition& part) { return part.looks_at(place); });
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
  if (leaf.as_json) {
    const nlohmann::json& document = subject.parsed(leaf.place).document;
    const nlohmann::json* const value = document.is_discarded() ? nullptr : find_at(document, leaf.path);
    any = value != nullptr && leaf.holds_for(*value);
  } else if (leaf.is_document) {
    const std::string_view text = facts.document(leaf.place);
    any = !text.empty() && leaf.holds_for(text);
  } else {
    any = facts.any(leaf.place, leaf.name, [&leaf](std::string_view text) { return leaf.holds_for(text); });
  }
  return leaf.op == Op::not_equals || leaf.op == Op::absent ? !any : any;
}

}  // namespace mimus::when
