// Errors as values: Result<T> is a T or the Error that says why there is none.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace mimus {

/// Why an operation failed, named by what the caller can do about it.
/// Closed set: add a code only when some caller would act differently on it.
enum class Code : std::uint8_t {
  invalid,      ///< The input is wrong; mend it, do not retry.
  not_found,    ///< Nothing has that name or key.
  conflict,     ///< Something already has that name or key, or changed meanwhile.
  unavailable,  ///< Not now; the same call may work later.
  corrupt,      ///< Stored bytes do not decode; a person must look.
};

struct Error {
  Code code = Code::invalid;
  std::string message;       ///< For people: the thing, the reason, the mend; lower case, no full stop.
  std::string pointer = {};  ///< RFC 6901 pointer to the field at fault, "" if none is.
};

/// A value or an Error, or what a room says in its place. Dropping one is a compile error.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  /// REQUIRES: *this holds a value.
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  /// REQUIRES: *this holds no value.
  const E& error() const& { return std::get<1>(state_); }
  E&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, E> state_;
};

struct Done {};
using Status = Result<Done>;  ///< For operations whose only news is success.
/// The Error of an input that is wrong.
inline Error invalid(std::string message, std::string pointer = {}) {
  return {Code::invalid, std::move(message), std::move(pointer)};
}

}  // namespace mimus
