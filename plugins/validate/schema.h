// A JSON Schema of draft 7, compiled, and what it finds wrong with a text.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::validate {

/// Called with an RFC 6901 pointer and what is wrong there.
using Fault = std::function<void(std::string pointer, std::string detail)>;

/// Immutable; may be used from several threads at once.
class Schema {
 public:
  /// Compiles the source text of a schema; `pointer` is where it stands. Null if a fault was
  /// reported: another draft, a reference out of the document, a pattern that RE2 refuses,
  /// subschemas that apply themselves to the same value without end.
  static std::unique_ptr<Schema> compile(std::string_view text, const std::string& pointer,
                                         const Fault& fault);
  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  struct Violation {
    std::string pointer;  // into the body
    std::string detail;
  };
  /// At most 20; none if the text is JSON that the schema accepts. JSON nested deeper than
  /// 100 levels is not accepted, nor what takes more than 200,000 steps to check.
  std::vector<Violation> violations(std::string_view text) const;

 private:
  struct Parts;
  explicit Schema(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

}  // namespace mimus::validate
