// Rendering of the OpenAPI document.
#include "host/admin/openapi.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "host/admin/json_input.h"
#include "host/admin/token_book.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

using Json = nlohmann::ordered_json;

/// A schema's mark of what is known and refused as not-available: `true` on a property, or
/// the values of the enum beside it.
constexpr const char* later = "x-later";

/// Takes away what a schema marks as coming later: nobody should read of it.
void remove_later(Json& schema) {
  if (schema.is_array()) {
    for (Json& part : schema) remove_later(part);
  }
  if (!schema.is_object()) return;
  const auto is_later = [](const Json& value) {
    return value.is_object() && value.value(later, Json()) == true;
  };
  std::vector<std::string> names;
  for (const auto& [key, value] : schema.items()) {
    if (is_later(value)) names.push_back(key);
  }
  for (const std::string& name : names) schema.erase(name);
  if (const auto marked = schema.find(later); marked != schema.end() && marked->is_array()) {
    const Json values = *marked;
    schema.erase(later);
    Json kept = Json::array();
    for (const Json& one : schema["enum"]) {
      if (std::find(values.begin(), values.end(), one) == values.end()) kept.push_back(one);
    }
    schema["enum"] = std::move(kept);
  }
  for (auto& [key, value] : schema.items()) {
    if (key != "enum" && key != "default") remove_later(value);
  }
}

std::string available(const std::string& schema) {
  if (schema.find(later) == schema.npos) return schema;
  Json parsed = Json::parse(schema);
  remove_later(parsed);
  return parsed.dump();
}

std::string ref(std::string_view schema) {
  return R"({"$ref":"#/components/schemas/)" + std::string(schema) + R"("})";
}

std::string content(std::string_view type, const std::string& schema) {
  return R"({")" + std::string(type) + R"(":{"schema":)" + schema + "}}";
}

std::string parameter(std::string_view name, std::string_view in, std::string_view schema, bool required) {
  return R"({"name":)" + json::quoted(name) + R"(,"in":)" + json::quoted(in) + R"(,"required":)" +
         (required ? "true" : "false") + R"(,"schema":)" + std::string(schema) + "}";
}

std::vector<std::string> path_parameters(std::string_view path) {
  std::vector<std::string> out;
  for (std::size_t open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    out.push_back(parameter(path.substr(open + 1, path.find('}', open) - open - 1), "path",
                            R"({"type":"string"})", true));
  }
  return out;
}

void add_filters(const std::vector<FieldSpec>& journal, std::vector<std::string>& out) {
  for (const char* const name : {"apiId", "endpointId", "method", "status", "since", "until"}) {
    out.push_back(parameter(name, "query", R"({"type":"string"})", false));
  }
  out.push_back(parameter("kind", "query", R"({"enum":["http","channel"]})", false));
  out.push_back(parameter("connectionId", "query", R"({"type":"string"})", false));
  for (std::size_t i = core_field_count; i < journal.size(); ++i) {
    if (journal[i].filter.empty()) continue;
    const char* const schema = journal[i].type == FieldType::flag      ? R"({"type":"boolean"})"
                               : journal[i].type == FieldType::integer ? R"({"type":"integer"})"
                                                                       : R"({"type":"string"})";
    out.push_back(parameter(journal[i].filter, "query", schema, false));
  }
}

std::string parameters_of(const Route& route, const std::vector<FieldSpec>& journal) {
  std::vector<std::string> all = path_parameters(route.path);
  if (route.query == Query::list || route.query == Query::requests) {
    all.push_back(
        parameter("limit", "query", R"({"type":"integer","minimum":1,"maximum":1000,"default":100})", false));
    all.push_back(parameter("cursor", "query", R"({"type":"string"})", false));
  }
  if (route.query == Query::requests) add_filters(journal, all);
  if (route.query == Query::endpoint_id)
    all.push_back(parameter("endpointId", "query", R"({"type":"string"})", true));
  if (route.query == Query::close) {
    all.push_back(parameter("code", "query", R"({"type":"integer","default":1000})", false));
    all.push_back(
        parameter("reason", "query", R"({"type":"string","description":"At most 123 bytes."})", false));
  }
  if (route.versioned && route.method != "POST") {
    all.push_back(parameter(route.method == "GET" ? "If-None-Match" : "If-Match", "header",
                            R"({"type":"string"})", false));
  }
  std::string out = "[";
  for (const std::string& one : all) out += (out.size() > 1 ? "," : "") + one;
  return out + ']';
}

/// The parts that every operation has.
std::string operation(std::string_view id, std::string_view summary, Role role, const std::string& parameters,
                      const std::string& request, const std::string& responses, bool body_optional = false) {
  std::string out = "{";
  add_member(out, "operationId", json::quoted(id));
  add_member(out, "summary", json::quoted(summary));
  add_member(out, "description", json::quoted("Needs the role " + std::string(name_of(role)) + "."));
  if (parameters != "[]") add_member(out, "parameters", parameters);
  if (!request.empty()) {
    add_member(out, "requestBody",
               std::string(R"({"required":)") + (body_optional ? "false" : "true") + R"(,"content":)" +
                   request + "}");
  }
  add_member(out, "responses",
             "{" + responses + R"(,"default":{"description":"A problem","content":)" +
                 content("application/problem+json", ref("Problem")) + "}}");
  return out + '}';
}

std::string success(int status, const std::string& schema, const std::string& headers,
                    std::string_view type = "application/json") {
  std::string out =
      '"' + std::to_string(status) + R"(":{"description":")" + (schema.empty() ? "Done" : "Success") + '"';
  if (!headers.empty()) out += R"(,"headers":{)" + headers + "}";
  if (!schema.empty()) out += R"(,"content":)" + content(type, schema);
  return out + '}';
}

std::string route_operation(const Route& route, const std::vector<FieldSpec>& journal) {
  std::string headers;
  if (route.versioned && route.status != 204) headers = R"("ETag":{"schema":{"type":"string"}})";
  if (route.status == 201 && route.versioned) headers += R"(,"Location":{"schema":{"type":"string"}})";
  std::string responses =
      route.response == event_stream
          ? success(route.status, R"({"type":"string"})", "", event_stream)
          : success(route.status, route.response.empty() ? "" : ref(route.response), headers);
  if (route.may_create)
    responses += ',' + success(201, ref(route.response), R"("Location":{"schema":{"type":"string"}})");
  if (route.versioned && route.method == "GET") responses += R"(,"304":{"description":"Not modified"})";
  const bool patch = route.method == "PATCH";
  const std::string request =
      route.request.empty() ? ""
      : route.request == raw_body
          ? R"({"application/octet-stream":{"schema":{"type":"string","format":"binary"}}})"
      : patch ? R"({"application/merge-patch+json":{"schema":)" + ref(route.request) +
                    R"(},"application/json":{"schema":)" + ref(route.request) + "}}"
              : content("application/json", ref(route.request));
  return operation(route.id, route.summary, route.role, parameters_of(route, journal), request, responses,
                   route.body_optional);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

/// The manifest's parameters, completed: "in" is the query where it says nothing.
std::string plugin_parameters(const PluginOperation& op, std::string_view path) {
  std::string out = "[";
  for (const std::string& one : path_parameters(path)) out += (out.size() > 1 ? "," : "") + one;
  json::elements(op.parameters, [&](std::string_view text) {
    Document one(text);
    if (!one.find("in")) one.set("in", "\"query\"");
    if (one.find("in") != "\"path\"") out += (out.size() > 1 ? "," : "") + one.text();
    return true;
  });
  return out + ']';
}

}  // namespace

std::vector<PluginOperation> operations_of(const Manifest& manifest) {
  std::vector<PluginOperation> out;
  json::elements(manifest.admin_operations, [&](std::string_view text) {
    const Document one(text);
    const auto string = [&](std::string_view name) { return json::unquote(one.find(name).value_or("")); };
    PluginOperation op;
    op.method = string("method");
    op.path = string("path");
    op.summary = string("summary");
    op.role = parse_role(string("role")).value_or(op.method == "GET" ? Role::viewer : Role::editor);
    op.parameters = one.find("parameters").value_or("[]");
    op.response = one.find("response").value_or("");
    out.push_back(std::move(op));
    return true;
  });
  return out;
}

std::string openapi_document(std::string_view version, const std::vector<Component>& schemas,
                             const std::vector<const Manifest*>& plugins,
                             const std::vector<FieldSpec>& journal) {
  std::vector<std::pair<std::string, std::string>> paths;  // in the order of the table
  const auto path_object = [&](const std::string& path) -> std::string& {
    const auto at =
        std::find_if(paths.begin(), paths.end(), [&](const auto& entry) { return entry.first == path; });
    return at != paths.end() ? at->second : paths.emplace_back(path, "{").second;
  };
  for (const Route& route : routes()) {
    add_member(path_object(std::string(route.path)), lower(std::string(route.method)),
               route_operation(route, journal));
  }
  for (const Manifest* const manifest : plugins) {
    const std::string root =
        manifest->admin_path.empty() ? "/admin/plugins/" + manifest->id + "/x" : manifest->admin_path;
    for (const PluginOperation& op : operations_of(*manifest)) {
      const std::string path = root + op.path;
      const std::string id = manifest->id + ":" + op.method + op.path;
      const std::string responses =
          op.response.empty() ? success(204, "", "") : success(200, op.response, "");
      add_member(path_object(path), lower(op.method),
                 operation(id, op.summary, op.role, plugin_parameters(op, path), "", responses));
    }
  }
  std::string path_members = "{", schema_members = "{";
  for (const auto& [path, object] : paths) add_member(path_members, path, object + '}');
  for (const auto& [name, schema] : schemas) add_member(schema_members, name, available(schema));
  std::string info = "{";
  add_member(info, "title", "\"Mimus admin API\"");
  add_member(info, "version", json::quoted(version));
  std::string out = "{";
  add_member(out, "openapi", "\"3.1.0\"");
  add_member(out, "info", info + '}');
  add_member(out, "security", R"([{"token":[]}])");
  add_member(out, "paths", path_members + '}');
  add_member(
      out, "components",
      R"({"securitySchemes":{"token":{"type":"http","scheme":"bearer"}},"schemas":)" + schema_members + "}}");
  return out + '}';
}

}  // namespace mimus::admin
