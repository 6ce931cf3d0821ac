// JSON Schemas (draft 7), and what is wrong with a document in words for people.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/problem.h"
#include "mimus/result.h"

namespace mimus::admin {

/// A compiled schema. Const members may run on any threads at once.
class Schema {
 public:
  /// `pattern` runs on RE2, and not below `not` and `if`. `format` and `patternProperties`
  /// are refused: valijson runs them on std::regex, which crashes on long text. `$ref` may
  /// point into this schema only ("#/…").
  /// Errors: invalid - the text is not a schema, or uses what is refused
  static Result<Schema> compile(std::string_view text);

  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;
  ~Schema();

  /// Appends what is wrong with `document` (JSON that passed check_json), with pointers
  /// below `base`; the innermost reasons only, one for each place. Nothing if it is valid.
  void check(std::string_view document, std::string_view base, std::vector<Fault>& faults) const;

 private:
  struct State;
  explicit Schema(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The names nearest to `name` by spelling, at most two, as " (did you mean "x"?)", or "".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

}  // namespace mimus::admin
