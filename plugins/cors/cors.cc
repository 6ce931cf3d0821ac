// The feature `cors`: answers preflights, and tells browsers who may read an answer.
#include "mimus/plugin.hpp"

#include "mimus/json_text.h"
#include "plugins/cors/policy.h"

namespace mimus::cors {
namespace {

constexpr std::string_view allow_origin = "Access-Control-Allow-Origin";
constexpr std::string_view allow_credentials = "Access-Control-Allow-Credentials";
constexpr std::string_view expose_headers = "Access-Control-Expose-Headers";
constexpr std::string_view exposed = "ETag, Age, Location, X-Mock-Proxied, X-Mock-Deduplicated";

}  // namespace

class Cors {
 public:
  struct Binding {
    Policy policy;
  };

  explicit Cors(Host&) {}

  void check(const View& view, Report& report) {
    if (view.level != MIMUS_LEVEL_API) return;
    cors::check(json::member(view.fields, "cors").value_or(""),
                [&](const std::string& pointer, const std::string& detail) { report.add(pointer, detail); });
  }

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    if (view.level == MIMUS_LEVEL_CHANNEL) return std::unique_ptr<Binding>();
    auto policy = compile(json::member(view.api_fields, "cors").value_or(""));
    if (!policy) return std::unique_ptr<Binding>();
    return std::make_unique<Binding>(Binding{std::move(*policy)});
  }

  mimus_action on_request(Binding& b, Request& r) {
    if (r.attr(MIMUS_METHOD) != "OPTIONS") return MIMUS_NEXT;
    const auto method = r.get(MIMUS_REQUEST_HEADERS, "Access-Control-Request-Method");
    if (!method) return MIMUS_NEXT;
    r.context() = &b;  // answered here: on_response has nothing to add
    return preflight(b.policy, r, *method);
  }

  mimus_action on_response(Binding& b, Request& r) {
    if (r.context() != nullptr || r.get(MIMUS_RESPONSE_HEADERS, allow_origin)) return MIMUS_NEXT;
    if (b.policy.varies()) r.vary("Origin");
    const auto origin = r.get(MIMUS_REQUEST_HEADERS, "Origin");
    if (!origin) return MIMUS_NEXT;
    const auto allowed = b.policy.allow_origin(*origin);
    if (!allowed) return MIMUS_NEXT;
    r.set(allow_origin, *allowed);
    if (b.policy.credentials && !r.get(MIMUS_RESPONSE_HEADERS, allow_credentials))
      r.set(allow_credentials, "true");
    if (!r.get(MIMUS_RESPONSE_HEADERS, expose_headers)) r.set(expose_headers, exposed);
    return MIMUS_NEXT;
  }

 private:
  static mimus_action preflight(const Policy& policy, Request& r, std::string_view method) {
    mimus_field headers[6];
    std::size_t n = 0;
    if (policy.varies()) headers[n++] = field("Vary", "Origin");
    const auto allowed = policy.allow_origin(r.get(MIMUS_REQUEST_HEADERS, "Origin").value_or(""));
    std::string wanted;
    if (allowed) {
      headers[n++] = field(allow_origin, *allowed);
      if (policy.credentials) headers[n++] = field(allow_credentials, "true");
      headers[n++] = field("Access-Control-Allow-Methods", policy.any_method ? method : policy.methods);
      for (std::uint32_t i = 0; policy.any_header; ++i) {
        const auto more = r.get(MIMUS_REQUEST_HEADERS, "Access-Control-Request-Headers", i);
        if (!more) break;
        if (i > 0) wanted += ", ";
        wanted += *more;
      }
      const std::string_view names = policy.any_header ? std::string_view(wanted) : policy.headers;
      if (!names.empty()) headers[n++] = field("Access-Control-Allow-Headers", names);
      headers[n++] = field("Access-Control-Max-Age", policy.max_age);
    }
    return r.respond(204, std::span(headers, n), {});
  }
};

}  // namespace mimus::cors

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::cors::Cors, "mimus.cors", "0.1.0")
