// Errors as the admin API answers them: RFC 9457 problem+json.
#pragma once

#include <string>
#include <string_view>
#include <utility>
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

/// A problem with its usual status. REQUIRES: `find_problem` knows `code`.
Problem problem(std::string_view code, std::string detail);

/// 400 with every fault; its code is `not-available` if that is what all faults are.
Problem bad_input(std::vector<Fault> faults);

/// What an error of the store or another room comes to for a client.
Problem from_error(const Error& error);

/// The body, as problem_json writes it.
std::string render(const Problem& problem, std::string_view instance);

/// A value, or the problem why there is none.
template <class T>
using Outcome = Result<T, Problem>;

}  // namespace mimus::admin
