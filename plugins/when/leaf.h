// One leaf of a condition: an operator applied to a text or to a JSON value.
#pragma once

#include <re2/re2.h>

#include <nlohmann/json.hpp>

#include "plugins/when/condition.h"

namespace mimus::when {

enum class Op : std::uint8_t {
  equals,
  not_equals,
  contains,
  starts_with,
  ends_with,
  matches,
  exists,
  absent,
  in,
  gt,
  gte,
  lt,
  lte
};

struct Condition::Leaf {
  std::size_t place = 0;
  Op op = Op::equals;
  std::string name;
  bool is_document = false;       // of the kind document: its text, unless
  bool as_json = false;           // the value at `path`, typed
  std::vector<std::string> path;  // reference tokens of the pointer, unescaped
  nlohmann::json value;
  std::string text;                // `value` as a string
  std::vector<std::string> texts;  // of `in`
  std::optional<double> number;
  std::unique_ptr<re2::RE2> pattern;

  /// Compiles the members of a leaf's object. Null if a fault was reported.
  static std::unique_ptr<Leaf> compile(std::string_view when, Places places, const std::string& pointer,
                                       const Fault& fault);

  bool holds_for(std::string_view actual) const;
  bool holds_for(const nlohmann::json& actual) const;
};

/// The JSON of a text: discarded if it is not JSON, holds NUL or is nested deeper than 100.
nlohmann::json parse_bounded(std::string_view text);

/// The whole text as a number, or nothing.
std::optional<double> number_of(std::string_view text);

}  // namespace mimus::when
