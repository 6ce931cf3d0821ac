// Whether a `when` condition holds. Pure: no host, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::when {

/// Where a leaf may look, and under what name its `in` says so.
struct Place {
  enum class Kind : std::uint8_t {
    named,     ///< Texts by `name`.
    text,      ///< One text.
    document,  ///< One text; with a `pointer`, or for a value that is no string, the JSON that it is.
    json       ///< A JSON value; with a `pointer` what stands there in it.
  };
  std::string_view name;
  Kind kind;
};
/// The places of one feature. Each is known by its index.
using Places = std::span<const Place>;

/// What a condition may look at. Views must live as long as the Subject.
class Facts {
 public:
  virtual ~Facts() = default;
  using Show = std::function<bool(std::string_view)>;
  /// Shows each text of a place of the kinds named (those under `name`) and text, until `show`
  /// returns true; returns whether it did.
  virtual bool any(std::size_t place, std::string_view name, const Show& show) const = 0;
  /// The text of a place of the other kinds. "" stands for nothing.
  virtual std::string_view document(std::size_t place) const = 0;
};

/// What conditions are evaluated for, one after the other: each document is parsed at most once.
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
  const Parsed& parsed(std::size_t place);

  const Facts& facts_;
  std::vector<std::unique_ptr<Parsed>> parsed_;  // none until a condition looks at JSON
};

/// Called with an RFC 6901 pointer and what is wrong there.
using Fault = std::function<void(std::string pointer, std::string detail)>;

/// A compiled `when`. Immutable; may be evaluated from several threads at once.
class Condition {
 public:
  /// Compiles the JSON text of a `when`, which is valid JSON; `pointer` is where it stands.
  /// Nothing if a fault was reported.
  static std::optional<Condition> compile(std::string_view when, Places places, const std::string& pointer,
                                          const Fault& fault);

  Condition(Condition&&) noexcept;
  Condition& operator=(Condition&&) noexcept;
  ~Condition();

  bool holds(Subject& subject) const;
  /// Whether any leaf looks there.
  bool looks_at(std::size_t place) const;

 private:
  enum class Kind : std::uint8_t { all, any, none, leaf };
  struct Leaf;
  Condition();
  static std::optional<Condition> compile(std::string_view when, Places places, const std::string& pointer,
                                          const Fault& fault, unsigned depth);

  Kind kind_ = Kind::all;
  std::vector<Condition> parts_;
  std::unique_ptr<Leaf> leaf_;
};

/// Whether a text is JSON of at most 100 levels, without NUL and byte order mark, which may stand in JSON
/// as it is.
bool is_bounded_json(std::string_view text);

}  // namespace mimus::when
