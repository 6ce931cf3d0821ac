// Opening, and the way of a call to its handler.
#include "host/admin/admin.h"

#include <algorithm>

#include "host/admin/components.h"
#include "host/admin/openapi.h"
#include "host/admin/service.h"
#include "host/pipeline/generation.h"
#include "host/plugin/loaded.h"
#include "host/plugin/plugin_set.h"
#include "host/plugin/request_filters.h"
#include "mimus/json_text.h"
#include "store/field_numbers.h"

namespace mimus {
namespace admin {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_json_type(std::string_view content_type) {
  std::string type(trimmed(content_type.substr(0, content_type.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

/// What the query of a route may hold; requests' own filters are checked by their handler.
std::optional<Problem> unknown_parameter(const Route& route, std::string_view query) {
  if (route.query == Query::requests) return std::nullopt;
  for (const QueryPair& pair : split_query(query)) {
    const bool known = route.query == Query::list          ? pair.name == "limit" || pair.name == "cursor"
                       : route.query == Query::endpoint_id ? pair.name == "endpointId"
                       : route.query == Query::close       ? pair.name == "code" || pair.name == "reason"
                                                           : false;
    if (!known)
      return bad_input(
          {{'/' + json::pointer_token(pair.name), "the query parameter \"" + pair.name + "\" is not known"}});
  }
  return std::nullopt;
}

Problem forbidden(Role needed) {
  return problem("forbidden", "this needs a token of the role " + std::string(name_of(needed)));
}

AdminResult result_of(Answer answer, const AdminCall& call) {
  AdminResult out;
  out.status = answer.status;
  if (answer.refused()) {
    out.headers = std::move(answer.problem.headers);
    if (answer.status == 503) out.headers.emplace_back("Retry-After", "1");  // a disk may have room by then
    out.headers.emplace_back("Content-Type", "application/problem+json");
    std::string instance;
    json::quote(instance, call.path);
    out.body = render(answer.problem, json::unquote(instance));
    return out;
  }
  if (answer.next != nullptr) {
    answer.next->authorization = call.authorization;
    out.next = std::move(answer.next);
    return out;
  }
  out.headers = std::move(answer.headers);
  out.stream = answer.stream;
  if (out.stream) out.headers.emplace_back("Content-Type", event_stream);
  if (!answer.body.empty()) out.headers.emplace_back("Content-Type", "application/json");
  out.body = std::move(answer.body);
  return out;
}

}  // namespace

Service::Service(AdminServices services, std::unique_ptr<TokenBook> tokens)
    : services_(std::move(services)),
      tokens_(std::move(tokens)),
      seed_{random_seed()},
      definition_ids_(random_seed()) {}

Result<Service::BookPtr> Service::make_book(const PluginSetPtr& set) const {
  auto rules = Rules::make(*services_.plugins, set);
  if (!rules) return std::move(rules).error();
  return std::make_shared<Book>(set, *std::move(rules));
}

Service::BookPtr Service::book() const {
  const std::lock_guard lock(book_mutex_);
  return book_;
}

Status Service::prepare(const PluginSetPtr& set) {
  auto made = make_book(set);
  if (!made) return std::move(made).error();
  prepared_ = *std::move(made);
  return Done{};
}

void Service::use(const PluginSetPtr& set) {
  BookPtr next = std::exchange(prepared_, nullptr);
  if (next == nullptr || next->set != set) {
    auto made = make_book(set);
    if (!made) return;
    next = *std::move(made);
  }
  const std::lock_guard lock(book_mutex_);
  book_.swap(next);
}

const std::vector<FieldSpec>& Service::journal_fields() const { return services_.plugins->fields().all(); }

const Service::Documents& Service::documents(Book& of) const {
  std::call_once(of.made, [&] {
    std::vector<std::string> resets{"journal"};
    std::vector<const Manifest*> manifests;
    for (const PluginPtr& plugin : of.set->in_order()) {
      manifests.push_back(&plugin->manifest());
      for (const std::string& what : plugin->manifest().resets) resets.push_back(what);
    }
    const std::vector<FieldSpec>& fields = journal_fields();
    const auto schemas = components(of.rules, resets, fields);
    for (const auto& [name, text] : schemas) {
      if (!is_checked_body(name)) continue;
      if (auto compiled = Schema::compile(text)) of.documents.bodies.emplace(name, *std::move(compiled));
    }
    of.documents.openapi = openapi_document(services_.version, schemas, manifests, fields);
  });
  return of.documents;
}

DefinitionsPtr Service::snapshot() const { return services_.generations->definitions(); }

bool Service::allows(std::string_view authorization, Role role) const {
  const auto has = tokens_->role_of(authorization);
  return has && *has >= role;
}

bool Service::belongs_on(Thread thread, std::string_view method, std::string_view path) const {
  std::vector<std::string> params;
  return std::any_of(routes().begin(), routes().end(), [&](const Route& route) {
    return route.thread == thread && route.method == method && path_fits(route.path, path, params);
  });
}

bool Service::writes_definitions(std::string_view method, std::string_view path) const {
  return belongs_on(Thread::definitions, method, path);
}

bool Service::changes_plugins(std::string_view method, std::string_view path) const {
  return belongs_on(Thread::plugins, method, path);
}

AdminResult Service::handle(const AdminCall& call) {
  try {
    if (const Status loaded = wait_until_loaded(); !loaded)
      return result_of(from_error(loaded.error()), call);
    return result_of(answer(call), call);
  } catch (const std::exception& e) {
    return result_of(problem("internal-error", e.what()), call);
  }
}

Answer Service::answer(const AdminCall& call) {
  const auto role = tokens_->role_of(call.authorization);
  if (!role) {
    Problem refused = problem("unauthorized", call.authorization.empty() ? "send Authorization: Bearer TOKEN"
                                                                         : "the token is not known");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refused;
  }
  const std::string_view method = call.method == "HEAD" ? "GET" : std::string_view(call.method);
  std::vector<std::string> params;
  for (const Missing& later : missing_routes()) {
    if (later.method == method && path_fits(later.path, call.path, params)) {
      return problem("not-available", std::string(later.feature) + " is not available in this version");
    }
  }
  for (const Route& route : routes()) {
    if (route.method != method || !path_fits(route.path, call.path, params)) continue;
    if (*role < route.role) return forbidden(route.role);
    return run(route, call, std::move(params));
  }
  if (auto answered = plugin_route(call, *role)) return *std::move(answered);
  const auto methods = methods_at(call.path);
  if (methods.empty()) return problem("no-such-resource", "there is no such admin path");
  std::string allow;
  for (const std::string_view one : methods) allow += (allow.empty() ? "" : ", ") + std::string(one);
  Problem refused = problem("method-not-allowed", "this resource has " + allow);
  refused.headers.emplace_back("Allow", allow);
  return refused;
}

Outcome<std::string> Service::read_body(const AdminCall& call, std::string_view schema) const {
  if (!call.content_type.empty() && !is_json_type(call.content_type)) {
    return problem("unsupported-media-type", "send the body as application/json");
  }
  const std::string_view body = trimmed(call.body);
  if (auto checked = check_json(body, services_.max_json_depth); !checked) {
    Problem refused = problem("invalid-json", checked.error().message);
    if (!checked.error().pointer.empty())
      refused.errors.push_back({checked.error().pointer, checked.error().message});
    return refused;
  }
  if (!is_object(body)) return bad_input({{"", "the body must be a JSON object"}});
  const BookPtr now = book();
  const auto& bodies = documents(*now).bodies;
  if (const auto found = bodies.find(schema); found != bodies.end()) {
    std::vector<Fault> faults;
    found->second.check(body, "", faults);
    if (!faults.empty()) return bad_input(std::move(faults));
  }
  return std::string(body);
}

Answer Service::run(const Route& route, const AdminCall& call, std::vector<std::string> params) {
  if (auto unknown = unknown_parameter(route, call.query)) return *std::move(unknown);
  std::string body;
  if (route.request == raw_body) {
    body = call.body;
  } else if (route.body_optional && trimmed(call.body).empty()) {
    body = "{}";
  } else if (!route.request.empty()) {
    auto read = read_body(call, route.request);
    if (!read) return std::move(read).error();
    body = *std::move(read);
  }
  return (this->*route.handler)(
      {route.method, call.path, std::move(params), call.query, body, call.if_match, call.if_none_match});
}

std::optional<Answer> Service::plugin_route(const AdminCall& call, Role role) {
  constexpr std::string_view plugins = "/admin/plugins/";
  const PluginSetPtr set = services_.plugins->current();
  const PluginHost::Loaded* plugin = set->admin_owner(call.path);
  std::string_view below = call.path;
  if (plugin != nullptr) {
    below.remove_prefix(plugin->manifest().admin_path.size());
  } else if (below.starts_with(plugins)) {
    below.remove_prefix(plugins.size());
    const std::size_t end = std::min(below.find('/'), below.size());
    plugin = set->find(below.substr(0, end));
    below.remove_prefix(end);
    if (plugin == nullptr || !(below == "/x" || below.starts_with("/x/"))) return std::nullopt;
    below.remove_prefix(2);
  } else {
    return std::nullopt;
  }
  const std::string_view method = call.method == "HEAD" ? "GET" : std::string_view(call.method);
  Role needed = method == "GET" ? Role::viewer : Role::admin;
  std::string allow;
  bool declared = false;
  std::vector<std::string> params;
  for (const PluginOperation& op : operations_of(plugin->manifest())) {
    if (!path_fits(op.path, below, params)) continue;
    allow += (allow.empty() ? "" : ", ") + op.method;
    if (op.method != method) continue;
    declared = true;
    needed = op.role;
  }
  if (!declared && !allow.empty()) {
    Problem refused = problem("method-not-allowed", "this resource has " + allow);
    refused.headers.emplace_back("Allow", allow);
    return refused;
  }
  if (role < needed) return forbidden(needed);
  if (!trimmed(call.body).empty()) {
    if (auto body = read_body(call, ""); !body) return std::move(body).error();
  }
  AdminAnswer answered = services_.plugins->admin(*plugin, method, below, call.query, trimmed(call.body));
  const bool is_status = answered.status >= 200 && answered.status <= 599;
  const bool fine = answered.status >= 400 || answered.body.empty() ||
                    static_cast<bool>(check_json(answered.body, services_.max_json_depth));
  if (!is_status || !fine) {
    return Problem{500, "plugin-failed",
                   "plugin " + plugin->manifest().id + " answered with " +
                       (is_status ? "what is no JSON" : "the status " + std::to_string(answered.status))};
  }
  if (answered.status >= 400)
    return Problem{answered.status, std::move(answered.code), std::move(answered.body)};
  return Answer{answered.status, answered.status == 204 ? "" : std::move(answered.body)};
}

Answer Service::openapi(const Call&) { return {200, documents(*book()).openapi}; }

}  // namespace admin

Result<std::unique_ptr<Admin>> Admin::open(AdminServices services) {
  const PluginSetPtr set = services.plugins->current();
  auto tokens = admin::TokenBook::open(services.database->tokens(), services.admin_token);
  if (!tokens) return std::move(tokens).error();
  auto service = std::make_unique<admin::Service>(std::move(services), *std::move(tokens));
  if (auto ready = service->prepare(set); !ready) return std::move(ready).error();
  service->use(set);
  if (auto loaded = service->start_loading(); !loaded) return std::move(loaded).error();
  return std::unique_ptr<Admin>(std::move(service));
}

}  // namespace mimus
