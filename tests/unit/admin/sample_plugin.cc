// A plugin for the admin API's tests, linked in.
#include "mimus/json_text.h"
#include "mimus/plugin.hpp"
#include "tests/unit/admin/world.h"

namespace mimus {
namespace {

constexpr const char* manifest =
    R"({ "id": "test.sample", "version": "1.2.3", "abi": {"major": 1, "minor": 0},
  "summary": "For tests", "order": {"phase": "edge", "after": [], "before": []}, "fail": "open",
  "fields": {
    "api": {"sampleApi": {"type": "boolean"}},
    "endpoint": {
      "sample": {"type": "integer", "minimum": 1, "maximum": 10},
      "sampleName": {"type": "string", "pattern": "^[a-z]+$"},
      "sampleList": {"type": "array", "items": {"$ref": "#/definitions/one"},
                     "definitions": {"one": {"type": "object", "additionalProperties": false, "required": ["kind"],
                       "properties": {"kind": {"enum": ["a", "b"]}, "json": {}}}}}},
    "channel": {"sampleEvents": {"type": "array"}}},
  "endpoint_schema": {"type": "object", "additionalProperties": false, "properties": {"depth": {"type": "integer"}}},
  "options": [],
  "journal": [{"name": "sampled", "type": "flag", "indexed": true, "filter": "sampled"},
              {"name": "sampleCode", "type": "text", "filter": "sampleCode"}],
  "admin": {"path": "/admin/sample", "operations": [
    {"method": "GET", "path": "", "summary": "Counts", "role": "viewer",
     "parameters": [{"name": "by", "schema": {"type": "string"}}], "response": {"type": "object"}},
    {"method": "DELETE", "path": "", "summary": "Forgets", "role": "editor"}]},
  "resets": ["samples"] })";

class Sample {
 public:
  struct Binding {};
  explicit Sample(Host&) {}

  void check(const View& view, Report& report) {
    const auto sample = json::member(view.fields, "sample");
    if (sample == "7") report.add("/sample", "must not be 7 on " + std::string(view.path));
    if (sample == "8") report.add("/sample", "8 is not available", "not-available");
    if (sample == "9" && json::member(view.api_fields, "sampleApi") == "true")
      report.add("/sample", "9 needs another API");
    if (sample == "10" && json::member(view.config, "depth") == "3") report.add("/sample", "10 at depth 3");
  }
  Result<std::unique_ptr<Binding>> bind(const View&) { return std::unique_ptr<Binding>(); }

  void admin(const AdminRequest& request, AdminReply& reply) {
    if (request.path == "/broken") return reply.problem(418, "teapot", "short and stout");
    if (request.path == "/status") return reply.json(42, "{}");
    if (request.path == "/html") return reply.json(200, "<html>");
    if (request.path == "/twice") reply.json(200, R"({"resets":"first"})");
    if (request.method == "DELETE") return reply.json(204, "");
    reply.json(200,
               "{\"resets\":" + std::to_string(resets_) + ",\"query\":" + json::quoted(request.query) + "}");
  }
  void reset(std::string_view) { ++resets_; }
  void replay(std::string_view session, AdminReply& reply) {
    if (session.find("teapot") != std::string_view::npos) return reply.problem(418, "teapot", "short");
    reply.json(200, "{\"sampleGone\":null,\"sampleEvents\":[" + std::string(session) + "]}");
  }

 private:
  int resets_ = 0;
};

const mimus_plugin* entry(std::uint32_t, std::uint32_t) {
  static const mimus_plugin table = wall::Tables<Sample>::plugin("test.sample", "1.2.3");
  return &table;
}

}  // namespace

PluginSource sample_plugin() {
  auto parsed = parse_manifest(manifest);
  EXPECT_TRUE(parsed) << parsed.error().message;
  PluginSource source;
  source.manifest = *std::move(parsed);
  source.builtin = true;
  source.entry = entry;
  return source;
}

}  // namespace mimus
