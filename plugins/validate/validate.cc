// The feature `validate`: checks request bodies against the endpoint's schema.
#include "mimus/json_text.h"
#include "mimus/plugin.hpp"
#include "plugins/validate/schema.h"

namespace mimus::validate {

class Validate {
 public:
  struct Binding {
    std::unique_ptr<Schema> schema;
    bool enforce = true;
  };

  explicit Validate(Host&) {}

  void check(const View& view, Report& report) {
    if (view.level != MIMUS_LEVEL_ENDPOINT) return;
    const auto text = json::member(view.fields, "requestSchema");
    if (!text) return;
    Schema::compile(*text, "/requestSchema", [&](const std::string& pointer, const std::string& detail) {
      report.add(pointer, detail);
    });
  }

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    const auto text = json::member(view.fields, "requestSchema");
    if (view.level != MIMUS_LEVEL_ENDPOINT || !text) return std::unique_ptr<Binding>();
    std::string wrong;
    auto schema = Schema::compile(
        *text, "/requestSchema",
        [&](const std::string& pointer, const std::string& detail) { wrong = pointer + " " + detail; });
    if (!schema) return invalid(wrong);
    const bool enforce = json::member(view.fields, "validationMode") != "\"report\"";
    return std::make_unique<Binding>(Binding{std::move(schema), enforce});
  }

  mimus_action on_request(Binding& b, Request& r) {
    const auto body = r.request_body();
    return body ? on_request_body(b, r, *body) : mimus_action{MIMUS_NEED_BODY};
  }

  mimus_action on_request_body(Binding& b, Request& r, std::string_view whole) {
    const auto violations = b.schema->violations(whole);
    if (violations.empty()) return MIMUS_NEXT;
    if (!b.enforce) {
      r.record_error("request-invalid");
      return MIMUS_NEXT;
    }
    std::vector<mimus_fault> faults;
    for (const auto& v : violations) faults.push_back({str(v.pointer), str(v.detail)});
    return r.problem(400, "request-invalid", "the request's body does not match the endpoint's requestSchema",
                     faults);
  }
};

}  // namespace mimus::validate

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::validate::Validate, "mimus.validate", "0.1.0")
