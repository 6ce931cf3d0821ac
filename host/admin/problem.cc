// Problems of the admin API, from the host's table.
#include "host/admin/problem.h"

#include <algorithm>
#include <cassert>

#include "host/pipeline/problem.h"

namespace mimus::admin {

Problem problem(std::string_view code, std::string detail) {
  const ProblemKind* const kind = find_problem(code);
  assert(kind != nullptr);
  return {kind->status, std::string(code), std::move(detail)};
}

Problem bad_input(std::vector<Fault> faults) {
  const bool missing = !faults.empty() && std::all_of(faults.begin(), faults.end(), [](const Fault& f) {
    return f.code == "not-available";
  });
  Problem out{400, missing ? "not-available" : "invalid-input", ""};
  if (faults.size() == 1) {
    out.detail = faults[0].pointer.empty() ? faults[0].detail : faults[0].pointer + " " + faults[0].detail;
  } else {
    out.detail = std::to_string(faults.size()) + " things are wrong";
  }
  out.errors = std::move(faults);
  return out;
}

Problem from_error(const Error& error) {
  switch (error.code) {
    case Code::invalid:
      return bad_input({{error.pointer, error.message}});
    case Code::not_found:
      return problem("no-such-resource", error.message);
    case Code::conflict: {
      Problem out = problem("conflict", error.message);
      if (!error.pointer.empty()) out.errors.push_back({error.pointer, error.message});
      return out;
    }
    case Code::unavailable:
      return problem("unavailable", error.message);
    case Code::corrupt:
      return problem("stored-data-corrupt", error.message);
  }
  return problem("internal-error", error.message);
}

std::string render(const Problem& problem, std::string_view instance) {
  std::vector<ProblemFault> faults;
  for (const Fault& fault : problem.errors) faults.push_back({fault.pointer, fault.detail, fault.code});
  return problem_json(problem.status, problem.code, problem.detail, instance, faults);
}

}  // namespace mimus::admin
