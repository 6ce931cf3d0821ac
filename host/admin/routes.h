// The one table of admin routes: dispatch, 405, validation and OpenAPI are made from it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/admin/problem.h"
#include "mimus/json_text.h"
#include "store/tokens.h"
#include "store/ulid.h"

namespace mimus {
struct AdminCall;
}

namespace mimus::admin {

class Service;

/// A call whose route, role, query names and body's schema have been checked.
struct Call {
  std::string_view method;
  std::string_view path;
  std::vector<std::string> params;  ///< What stood for {…}, in order.
  std::string_view query;           ///< Raw.
  std::string_view body;            ///< JSON text without white space around it; "" if the route takes none.
  std::string_view if_match, if_none_match;

  /// A query parameter's value, "" if it is absent.
  std::string parameter(std::string_view name) const;
};

/// What a route answers: JSON, no body with 204 and 304, or a problem; or what AdminResult has
/// instead.
struct Answer {
  Answer(int status_code, std::string json, std::vector<std::pair<std::string, std::string>> fields = {})
      : status(status_code), body(std::move(json)), headers(std::move(fields)) {}
  explicit Answer(const Ulid& watched) : status(200), stream(watched) {}
  explicit Answer(std::shared_ptr<AdminCall> call) : status(200), next(std::move(call)) {}
  Answer(Problem refused) : status(refused.status), problem(std::move(refused)), refused_(true) {}

  bool refused() const { return refused_; }

  int status;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  Problem problem;
  std::optional<Ulid> stream;
  std::shared_ptr<AdminCall> next;  ///< Without its authorization.

 private:
  bool refused_ = false;
};

enum class Thread : std::uint8_t { query, definitions, plugins };

/// Stands for Route::request where the body is bytes.
inline constexpr std::string_view raw_body = "*";
/// Stands for Route::response where the body is Server-Sent Events.
inline constexpr std::string_view event_stream = "text/event-stream";

/// What the query of a route may hold.
enum class Query : std::uint8_t { none, list, endpoint_id, requests, close };

struct Route {
  std::string_view method;
  std::string_view path;  ///< From /admin on, with {names}.
  std::string_view id;    ///< operationId.
  std::string_view summary;
  Role role;
  Thread thread;
  Query query;
  std::string_view request;   ///< A component schema's name, "" for no body.
  int status;                 ///< Of success.
  std::string_view response;  ///< A component schema's name, "" for no body.
  bool versioned;             ///< Has an ETag; takes If-Match, or If-None-Match with GET.
  Answer (Service::*handler)(const Call&);
  bool body_optional = false;  ///< No body is as good as {}.
  bool may_create = false;     ///< Or 201, with a Location.
};

std::span<const Route> routes();

/// What later versions bring: refused as not-available, and in no list of methods.
struct Missing {
  std::string_view method, path, feature;
};
std::span<const Missing> missing_routes();

/// True if `path` fits `pattern`; then `params` are what stands for its {names}, none empty.
bool path_fits(std::string_view pattern, std::string_view path, std::vector<std::string>& params);

/// The methods that routes of the table have at `path`, in its order.
std::vector<std::string_view> methods_at(std::string_view path);

}  // namespace mimus::admin
