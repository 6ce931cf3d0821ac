// RFC 9457 problem documents: what an error on the way of a request is answered with.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "mimus/plugin.h"

namespace mimus {

inline constexpr std::string_view problem_type = "application/problem+json";

/// A kind of problem that a request can meet, for the OpenAPI document.
struct RequestProblem {
  std::string_view code, title;
};
std::span<const RequestProblem> request_problems();

/// What the connection itself refuses a request with (400, 408, 413 …), and 500 for an answer
/// that cannot be sent.
std::string_view refusal_code(int status);

/// {"type":"urn:mimus:error:<code>","title":…,"status":…,"detail":…,"instance":…} with
/// "errors" where there are faults, and `extra`: JSON members with a leading comma.
std::string problem_json(int status, std::string_view code, std::string_view detail,
                         std::string_view instance, std::span<const mimus_fault> faults = {},
                         std::string_view extra = {});

}  // namespace mimus
