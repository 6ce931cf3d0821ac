// Checks a schema document and rewrites it into what the validator is safe with. Pure.
#pragma once

#include <re2/re2.h>

#include <map>
#include <nlohmann/json.hpp>

#include "plugins/validate/schema.h"

namespace mimus::validate {

/// By source text.
using Patterns = std::map<std::string, std::unique_ptr<re2::RE2>, std::less<>>;

/// Keywords that `prepare` puts at the head of every subschema's allOf, and in the places of
/// uniqueItems and multipleOf.
constexpr const char* step_keyword = "mimus-step";
constexpr const char* unique_keyword = "mimus-uniqueItems";
constexpr const char* multiple_keyword = "mimus-multipleOf";

/// The JSON of a text: discarded if it is not JSON, holds NUL or is nested deeper than 100.
/// Whole numbers are integers, however they are written, as draft 7 wants; those above 2^63 - 1
/// and up to 2^64 - 1 become 2^63 - 1, which is the greatest that the validator reads.
nlohmann::json parse_bounded(std::string_view text);

/// Compiles all patterns, takes out what must not reach the validator (`format`, which only
/// annotates, and ids, which would move references) and puts the keywords above in. False
/// if a fault was reported.
bool prepare(nlohmann::json& schema, const std::string& pointer, Patterns& patterns, const Fault& fault);

}  // namespace mimus::validate
