// The schemas as text; those of definitions and records are composed of their fields.
#include "host/admin/components.h"

#include "host/admin/json_input.h"
#include "host/pipeline/problem.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

constexpr std::pair<std::string_view, std::string_view> fixed[] =
    {
        {"Patch",
         R"({"type":"object","description":"A JSON Merge Patch (RFC 7386): null takes a field back to its default."})"},
        {"ImportCounts",
         R"({"type":"object","required":["apis","endpoints","websocketEndpoints"],"additionalProperties":{"type":"object","required":["created","updated","unchanged"],"additionalProperties":{"type":"integer","minimum":0}}})"},
        {"ResetDone",
         R"({"type":"object","required":["reset"],"properties":{"reset":{"type":"array","items":{"type":"string"}}}})"},
        {"Event",
         R"({"type":"object","description":"An event by its name, or a text, or a binary.","additionalProperties":false,"properties":{"name":{"type":"string","minLength":1,"maxLength":200},"payload":{"description":"Any JSON, the event's only argument; null where it is absent."},"args":{"type":"array","description":"Instead of payload: its arguments."},)"
         R"("text":{"type":"string"},"base64":{"type":"string"},"room":{"type":"string","minLength":1,"maxLength":128,"description":"Only to those who are in it."},"connectionId":{"type":"string","description":"Only to this one."}}})"},
        {"Applied",
         R"({"type":"object","required":["applied","closed"],"properties":{"applied":{"type":"integer","minimum":0,"description":"How many connections have the definition of now."},"closed":{"type":"integer","minimum":0}}})"},
        {"Recording",
         R"({"type":"object","additionalProperties":false,"properties":{"connectionId":{"type":"string","description":"The newest that has messages, where it is absent."},"path":{"type":"string","description":"Where the definition is stored."}}})"},
        {"BroadcastDone",
         R"({"type":"object","required":["sent"],"properties":{"sent":{"type":"integer","minimum":0,"description":"How many connections it was sent to."}}})"},
        {"Connection",
         R"({"type":"object","required":["id","endpointId","protocol","clientIp","country","since","messagesIn","messagesOut","bytesIn","bytesOut"],"properties":{"id":{"type":"string"},"endpointId":{"type":"string"},"protocol":{"enum":["websocket","socket.io"]},"clientIp":{"type":"string"},"country":{"type":["string","null"],"description":"Its code, as the journal has it."},"since":{"type":"string"},"messagesIn":{"type":"integer"},"messagesOut":{"type":"integer"},"bytesIn":{"type":"integer"},"bytesOut":{"type":"integer"}}})"},
        {"Plugin", R"({"type":"object","required":["id","version","summary","state","phase","builtin","file","sha256","signature","adminPath","fields","capabilities","failures","breaker","bindings","options","config","formerVersion","canary","warnings"],"properties":{"id":{"type":"string"},"version":{"type":"string","description":"Empty where none serves."},"summary":{"type":"string"},)"
                   R"("state":{"enum":["active","probation","canary","disabled","rejected","quarantined","removed"]},"phase":{"type":["string","null"]},"builtin":{"type":"boolean"},"file":{"type":["string","null"]},"sha256":{"type":["string","null"]},"signature":{"type":["string","null"]},"adminPath":{"type":["string","null"]},"fields":{"type":"object"},)"
                   R"("capabilities":{"type":"array","items":{"type":"string"}},"failures":{"type":"integer"},"breaker":{"enum":["closed","open","half-open"]},"bindings":{"type":"integer"},"options":{"type":"object"},"config":{"type":"object"},"formerVersion":{"type":["string","null"],"description":"What a rollback brings back."},)"
                   R"("canary":{"type":["object","null"],"properties":{"percent":{"type":"integer"},"version":{"type":["string","null"]},"stable":{"type":"object"},"canary":{"type":"object"}}},"warnings":{"type":"array","items":{"type":"string"}},)"
                   R"("images":{"type":"array","description":"Of one plugin alone: what became of its former images.","items":{"type":"object","properties":{"version":{"type":"string"},"sha256":{"type":["string","null"]},"state":{"enum":["draining","parked","pinned","unloaded","destroyed"]},"detail":{"type":["string","null"]},"since":{"type":"string"}}}},)"
                   R"("history":{"type":"array","description":"Of one plugin alone, newest first.","items":{"type":"object","properties":{"time":{"type":"string"},"event":{"type":"string"},"version":{"type":["string","null"]},"sha256":{"type":["string","null"]},"detail":{"type":["string","null"]},"tookMicros":{"type":["integer","null"]}}}}}})"},
        {"PluginConfig",
         R"({"type":"object","description":"Options by name; null is as if it were not set."})"},
        {"Canary",
         R"({"type":"object","required":["percent"],"additionalProperties":false,"properties":{"percent":{"type":"integer","minimum":0,"maximum":100,"description":"0 ends the canary, 100 promotes it. Without a new version it is for the next one."}}})"},
        {"Pipeline",
         R"({"type":"array","description":"In the order of the request direction.","items":{"type":"object","required":["plugin","version","phase","fail","bound","why"],"properties":{"plugin":{"type":"string"},"version":{"type":"string"},"phase":{"type":"string"},"fail":{"enum":["open","closed"]},"bound":{"type":"boolean","description":"False: it could not be bound, and its fail policy decides."},"why":{"type":"string"}}}})"},
        {"Token",
         R"({"type":"object","required":["id","name","role","createdAt"],"properties":{"id":{"type":"string"},"name":{"type":"string"},"role":{"enum":["viewer","editor","admin"]},"createdAt":{"type":"string"}}})"},
        {"NewToken",
         R"({"type":"object","required":["id","name","role","createdAt","secret"],"properties":{"id":{"type":"string"},"name":{"type":"string"},"role":{"enum":["viewer","editor","admin"]},"createdAt":{"type":"string"},"secret":{"type":"string"}}})"},
        {"TokenInput",
         R"({"type":"object","required":["name","role"],"additionalProperties":false,"properties":{"name":{"type":"string","minLength":1,"maxLength":200},"role":{"enum":["viewer","editor","admin"]}}})"},
        {"Backup",
         R"({"type":"object","required":["directory"],"additionalProperties":false,"properties":{"directory":{"type":"string","minLength":1,"maxLength":4096,"description":"An absolute path on the host; must not exist."}}})"},
        {"OpenApi", R"({"type":"object","required":["openapi","info","paths"]})"},
};

constexpr std::string_view checked[] = {"Event", "Recording", "TokenInput", "Backup", "Reset", "Canary"};

constexpr std::string_view identity =
    R"("id":{"type":"string"},"createdAt":{"type":"string"},"updatedAt":{"type":"string"},"revision":{"type":"integer"})";

std::string without_braces(const std::string& object) { return object.substr(1, object.size() - 2); }

void add_definition(const Rules& rules, Kind kind, const std::string& name, std::vector<Component>& out) {
  const std::string owner = kind == Kind::api ? "" : R"("apiId":{"type":"string"},)";
  const std::string owner_required = kind == Kind::api ? "" : R"("apiId",)";
  const std::string required = without_braces(rules.required(kind));
  const auto properties = [&](const std::string& component) {
    return R"("properties":{)" + owner + std::string(identity) + ',' +
           without_braces(rules.properties(kind, component)) + "}}";
  };
  out.emplace_back(name + "Input", R"({"type":"object","additionalProperties":false,"required":[)" +
                                       required + "]," + properties(name + "Input"));
  out.emplace_back(name, R"({"type":"object","required":["id",)" + owner_required + required +
                             R"(,"createdAt","updatedAt","revision"],)" + properties(name));
}

std::string list_of(const std::string& name, const std::string& more = "") {
  return R"({"type":"object","required":["items","nextCursor"],"properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/)" +
         name + R"("}},"nextCursor":{"type":["string","null"]})" + more + "}}";
}

/// Of records of channels alone, each only where it is there.
constexpr std::string_view channel_fields =
    R"("connectionId":{"type":"string","description":"Of the record that was written when it was let in, that record's own id."},"protocol":{"enum":["websocket","socket.io"]},)"
    R"("direction":{"enum":["in","out"],"description":"Of a message: from the client, or to it."},"messageType":{"enum":["text","binary","event","ack"]},"event":{"type":"string"},)"
    R"("data":{"type":"string","description":"The text; a binary in base64; of an event or ack its arguments, a JSON array in which {\"_placeholder\":true,\"num\":i} stands for the binary i."},"binaries":{"type":"array","items":{"type":"string"},"description":"In base64."},)"
    R"("ack":{"type":"integer","description":"What the event wants to be acknowledged under, or what is acknowledged."},"truncated":{"type":"boolean","description":"There was more than 64 KiB."},)"
    R"("closeCode":{"type":"integer","description":"What the first of both sides said; 1005: nothing, 1006: the connection was lost."},"closeReason":{"type":"string"},"messagesIn":{"type":"integer"},"messagesOut":{"type":"integer"})";

std::string request_schema(const std::vector<FieldSpec>& journal) {
  std::string properties =
      R"("id":{"type":"string"},"time":{"type":"string"},"kind":{"enum":["http","channel"],"description":"Of a channel there is one record for each connection, written when it is let in or refused; where its API captures bodies also one for each message and one for the end."},)"
      R"("apiId":{"type":["string","null"]},"endpointId":{"type":["string","null"]},)"
      R"("method":{"type":"string"},"path":{"type":"string"},"query":{"type":"string"},"status":{"type":"integer"},)"
      R"("durationMicros":{"type":"integer"},"requestSize":{"type":"integer"},"responseSize":{"type":"integer"},)"
      R"("clientIp":{"type":["string","null"]},"userAgent":{"type":["string","null"]},"traceId":{"type":["string","null"]},)"
      R"("error":{"type":["string","null"]},"requestHeaders":{},"responseHeaders":{},"requestBody":{"type":"string"},"responseBody":{"type":"string"},)" +
      std::string(channel_fields);
  std::string required =
      R"("id","time","kind","apiId","endpointId","method","path","query","status","durationMicros","requestSize","responseSize","clientIp","userAgent","traceId","error")";
  for (std::size_t i = core_field_count; i < journal.size(); ++i) {
    const FieldType type = journal[i].type;
    properties += ',' + json::quoted(journal[i].name) + ':' +
                  (type == FieldType::flag      ? R"({"type":"boolean"})"
                   : type == FieldType::integer ? R"({"type":["integer","null"]})"
                                                : R"({"type":["string","null"]})");
    required += ',' + json::quoted(journal[i].name);
  }
  return R"({"type":"object","required":[)" + required + R"(],"properties":{)" + properties + "}}";
}

std::string problem_schema() {
  std::string codes;
  for (const ProblemKind& kind : problem_kinds()) {
    if (!codes.empty()) codes += ", ";
    codes += kind.code;
  }
  return R"({"type":"object","description":"RFC 9457","required":["type","title","status","detail","instance"],"properties":{"type":{"type":"string","description":)" +
         json::quoted("urn:mimus:error:CODE, where CODE is one of " + codes + "; plugins' routes have more") +
         R"(},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},"instance":{"type":"string"},)"
         R"("errors":{"type":"array","items":{"type":"object","required":["pointer","detail"],"properties":{"pointer":{"type":"string"},"detail":{"type":"string"},"code":{"type":"string"}}}}}})";
}

}  // namespace

std::vector<Component> components(const Rules& rules, const std::vector<std::string>& resets,
                                  const std::vector<FieldSpec>& journal) {
  std::vector<Component> out;
  out.emplace_back("Problem", problem_schema());
  const std::pair<Kind, const char*> kinds[] = {
      {Kind::api, "ApiDefinition"}, {Kind::endpoint, "Endpoint"}, {Kind::channel, "WebSocketEndpoint"}};
  for (const auto& [kind, name] : kinds) add_definition(rules, kind, name, out);
  out.emplace_back(
      "Definitions",
      R"({"type":"object","required":["apis"],"additionalProperties":false,"properties":{"version":{"enum":[1]},)"
      R"("apis":{"type":"array","items":{"type":"object","description":"An ApiDefinition with what belongs to it.",)"
      R"("required":["slug"],"properties":{"endpoints":{"type":"array","items":{"$ref":"#/components/schemas/EndpointInput"}},)"
      R"("websocketEndpoints":{"type":"array","items":{"$ref":"#/components/schemas/WebSocketEndpointInput"}}}}}}})");
  for (const auto& [name, schema] : fixed) out.emplace_back(name, schema);
  std::string names;
  for (const std::string& what : resets)
    names += (names.empty() ? "" : ",") + json::quoted(what) + R"(:{"type":"boolean"})";
  out.emplace_back("Reset", R"({"type":"object","additionalProperties":false,"properties":{)" + names + "}}");
  out.emplace_back("Request", request_schema(journal));
  const std::pair<const char*, const char*> lists[] = {{"ApiList", "ApiDefinition"},
                                                       {"EndpointList", "Endpoint"},
                                                       {"WebSocketEndpointList", "WebSocketEndpoint"},
                                                       {"ConnectionList", "Connection"},
                                                       {"TokenList", "Token"}};
  for (const auto& [list, item] : lists) out.emplace_back(list, list_of(item));
  out.emplace_back(
      "PluginList",
      list_of(
          "Plugin",
          R"(,"restarts":{"type":"integer"},"safeMode":{"type":"boolean"},"crashes":{"type":"array","items":{"type":"object"}})"));
  out.emplace_back("RequestList", list_of("Request", R"(,"stale":{"type":"boolean"})"));
  return out;
}

bool is_checked_body(std::string_view component) {
  for (const std::string_view name : checked) {
    if (name == component) return true;
  }
  return false;
}

}  // namespace mimus::admin
