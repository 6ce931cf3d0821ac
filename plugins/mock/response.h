// The responses of an endpoint, compiled, and how one of them is chosen.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "mimus/plugin.h"
#include "plugins/mock/places.h"
#include "plugins/when/condition.h"

namespace mimus::mock {

struct Response {
  std::string name;
  int status = 200;
  std::string body;
  std::uint32_t delay_ms = 0;
  std::uint32_t weight = 1;
  bool is_default = false;
  std::optional<when::Condition> when;
  std::vector<mimus_field> headers;  // lent from `texts`
  std::deque<std::string> texts;     // stable addresses
};

enum class Mode : std::uint8_t { rules, sequence, random };

/// All responses of one endpoint. Immutable once compiled.
struct Responses {
  Mode mode = Mode::rules;
  std::deque<Response> all;            // never moved: `headers` lend from inside
  const Response* fallback = nullptr;  // rules: the default, else the first without `when`
  const Response* only = nullptr;      // the one answer to everything, at once
  bool needs_body = false;
  std::uint64_t total_weight = 0;
  std::uint64_t digest = 0;  // of the responses' source text
};

/// Compiles the fields `responses` and `responseMode` out of the JSON object that the host
/// lends. Faults have pointers into the endpoint's definition; with any, the result must
/// not be used.
Responses compile(std::string_view fields, const when::Fault& fault);

/// rules: the first response whose `when` holds, else the fallback, which may be null.
const Response* choose_by_rules(const Responses& responses, when::Subject& subject);

/// random: the response that a number below `total_weight` falls on.
const Response& choose_by_weight(const Responses& responses, std::uint64_t number);

}  // namespace mimus::mock
