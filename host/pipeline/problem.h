// RFC 9457 problem documents: what an error on the way of a request is answered with.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mimus {

inline constexpr std::string_view problem_type = "application/problem+json";

/// A kind of problem that the host makes; plugins have more.
struct ProblemKind {
  int status;  ///< That it mostly has.
  std::string_view code, title;
};
/// All of them, each once.
std::span<const ProblemKind> problem_kinds();
/// nullptr: none of the host's.
const ProblemKind* find_problem(std::string_view code);

/// One thing wrong with a body, a definition or a query.
struct ProblemFault {
  std::string_view pointer;  ///< RFC 6901.
  std::string_view detail;
  std::string_view code = {};  ///< "" for a plain bad value.
};

/// What the connection itself refuses a request with (400, 408, 413 …), and 500 for an answer
/// that cannot be sent.
std::string_view refusal_code(int status);

/// {"type":"urn:mimus:error:<code>","title":…,"status":…,"detail":…,"instance":…} with
/// "errors" where there are faults, and `extra`: JSON members with a leading comma.
std::string problem_json(int status, std::string_view code, std::string_view detail,
                         std::string_view instance, std::span<const ProblemFault> faults = {},
                         std::string_view extra = {});

}  // namespace mimus
