// Errors as the admin API answers them: RFC 9457 problem+json.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mimus/result.h"

namespace mimus::admin {

/// One thing wrong with a body or a query.
struct Fault {
  std::string pointer;  ///< RFC 6901; "/name" for a query parameter.
  std::string detail;
  std::string code = {};  ///< A problem code that says more than a plain bad value, or "".
};

/// What a call is refused with.
struct Problem {
  int status = 500;
  std::string code;
  std::string detail;
  std::vector<Fault> errors = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// A kind of problem that this room makes.
struct ProblemKind {
  int status;
  std::string_view code;
  std::string_view title;
};
std::span<const ProblemKind> problem_kinds();

/// A problem of one of `problem_kinds`. REQUIRES: `code` is among them.
Problem problem(std::string_view code, std::string detail);

/// 400 with every fault; its code is `not-available` if that is what all faults are.
Problem bad_input(std::vector<Fault> faults);

/// What an error of the store or another room comes to for a client.
Problem from_error(const Error& error);

/// The body: {"type","title","status","detail","instance"[,"errors"]}.
std::string render(const Problem& problem, std::string_view instance);

/// A value, or the problem why there is none.
template <class T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Outcome(Problem problem) : state_(std::in_place_index<1>, std::move(problem)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Problem& problem() const& { return std::get<1>(state_); }
  Problem&& problem() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Problem> state_;
};

}  // namespace mimus::admin
