// Values for a JSON Schema: plausible ones, and ones that are slightly wrong.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace mimus::kit {

/// Equal seeds give equal values. It knows the words of draft 7 that say what a value is (type, enum,
/// const, properties, items, bounds, local $ref, oneOf, anyOf, allOf) and takes no notice of others: a
/// value may break a `pattern` or a `not`.
class Values {
 public:
  using Json = nlohmann::ordered_json;

  explicit Values(std::uint64_t seed) : random_(seed) {}

  /// The same whatever the seed: the schema's own first of `examples`; else true, the least number
  /// above 0, every property filled.
  Json example(const Json& schema);
  /// Any value that the schema's words allow.
  Json valid(const Json& schema);
  /// A valid one with a few places changed: other types, bounds passed, keys left out or added, text
  /// that is empty, long, or no name.
  Json nearly(const Json& schema);

 private:
  enum class Way { example, valid };
  Json make(const Json& root, const Json& schema, Way way, int depth);
  Json object_of(const Json& root, const Json& schema, Way way, int depth);
  Json array_of(const Json& root, const Json& schema, Way way, int depth);
  Json number_of(const Json& schema, Way way, bool whole);
  Json text_of(const Json& schema, Way way);
  Json strange();
  void spoil(Json& value, int depth);
  std::size_t below(std::size_t n);  ///< 0 … n-1; 0 if n is 0.

  std::mt19937_64 random_;
  std::size_t left_ = 0;  // how many values this one may still hold beyond what is required
};

}  // namespace mimus::kit
