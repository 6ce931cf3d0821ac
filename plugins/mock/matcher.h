// Whether a `when` condition holds for a request. Pure: no host, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::mock {

enum class Where : std::uint8_t { query, header, path, cookie, body, method, ip };

/// What a condition may look at. Views must live as long as the Subject.
class Facts {
 public:
  virtual ~Facts() = default;
  /// The nth value under a name; `name` is "" for method and ip. Cookies are asked for as
  /// the header "cookie", bodies with `body`.
  virtual std::optional<std::string_view> value(Where where, std::string_view name,
                                                std::uint32_t nth) const = 0;
  virtual std::string_view body() const = 0;
};

/// One request while its conditions are evaluated: its body is parsed at most once.
/// `facts` must outlive it.
class Subject {
 public:
  explicit Subject(const Facts& facts);
  ~Subject();
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

 private:
  friend class Condition;
  struct Parsed;
  const Facts& facts_;
  std::unique_ptr<Parsed> parsed_;  // null until a condition looks at the JSON of the body
};

/// Called with an RFC 6901 pointer and what is wrong there.
using Fault = std::function<void(std::string pointer, std::string detail)>;

/// A compiled `when`. Immutable; may be evaluated from several threads at once.
class Condition {
 public:
  /// Compiles the JSON text of a `when`, which is valid JSON; `pointer` is where it stands.
  /// Nothing if a fault was reported.
  static std::optional<Condition> compile(std::string_view when, const std::string& pointer,
                                          const Fault& fault);

  Condition(Condition&&) noexcept;
  Condition& operator=(Condition&&) noexcept;
  ~Condition();

  bool holds(Subject& subject) const;
  /// Whether any leaf looks at the body.
  bool needs_body() const;

 private:
  enum class Kind : std::uint8_t { all, any, none, leaf };
  struct Leaf;
  Condition();
  static std::optional<Condition> compile(std::string_view when, const std::string& pointer,
                                          const Fault& fault, unsigned depth);

  Kind kind_ = Kind::all;
  std::vector<Condition> parts_;
  std::unique_ptr<Leaf> leaf_;
};

}  // namespace mimus::mock
