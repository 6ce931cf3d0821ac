// The `pattern`s of a JSON Schema, on RE2: valijson would run them on std::regex, which
// crashes on long text. Only for the two sources that already know nlohmann's JSON.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace re2 {
class RE2;
}

namespace mimus::admin {

/// What a local "$ref" ("#/…") stands for, through at most 16 others; `schema` itself if it
/// is none. nullptr: it leads nowhere.
const nlohmann::json* resolved(const nlohmann::json& root, const nlohmann::json& schema);

/// The patterns of one schema, compiled. Immutable; thread-safe.
class SchemaPatterns {
 public:
  SchemaPatterns();
  ~SchemaPatterns();
  SchemaPatterns(SchemaPatterns&&) noexcept;

  /// Compiles every pattern in `schema` and takes it out of there.
  /// Returns what is wrong, or "".
  std::string take_from(nlohmann::json& schema);

  /// Shows the place and pattern of each string in `value` that does not match. Looks
  /// through properties, items, references and allOf; in oneOf and anyOf only at an
  /// alternative that alone has the value's type.
  using Show = std::function<void(const std::string& pointer, const std::string& pattern)>;
  void check(const nlohmann::json& root, const nlohmann::json& value, const std::string& base,
             const Show& show) const;

 private:
  void check_at(const nlohmann::json& root, const nlohmann::json& schema, const nlohmann::json& value,
                const std::string& pointer, unsigned hops, const Show& show) const;
  std::map<std::string, std::unique_ptr<re2::RE2>> compiled_;
};

}  // namespace mimus::admin
