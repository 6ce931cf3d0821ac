// Coding of definitions, and the schemas of the core fields.
#include "host/admin/definition.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "host/plugin/request_filters.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

constexpr CoreField api_fields[] = {
    {"slug",
     R"({"type":"string","minLength":1,"maxLength":63,"description":"Lower-case letters, digits and \"-\"; the name in /mock/{slug}."})",
     "", true},
    {"name", R"({"type":"string","maxLength":200})", "\"\""},
    {"description", R"({"type":"string","maxLength":10000})", "\"\""},
    {"hosts",
     R"({"type":"array","maxItems":100,"items":{"type":"string","minLength":1,"maxLength":255},"description":"Host names that this API answers at /, too."})",
     "[]"},
    {"capture",
     R"({"type":"object","additionalProperties":false,"properties":{"requestHeaders":{"type":"boolean"},"responseHeaders":{"type":"boolean"},"bodies":{"type":"boolean"}}})",
     R"({"requestHeaders":false,"responseHeaders":false,"bodies":false})"},
    {"plugins",
     R"({"type":"object","maxProperties":100,"description":"By plugin id: its configuration, or false to switch it off."})",
     "{}"},
};

constexpr CoreField endpoint_fields[] = {
    {"name", R"({"type":"string","maxLength":200})", "\"\""},
    {"enabled", R"({"type":"boolean"})", "true"},
    {"priority", R"({"type":"integer","minimum":-1000000,"maximum":1000000})", "0"},
    {"method", R"({"type":"string","minLength":1,"maxLength":32,"description":"A method token, or ANY."})",
     "", true},
    {"path",
     R"({"type":"string","minLength":1,"maxLength":8192,"description":"Literal segments, :name or {name}, and *name as the last."})",
     "", true},
    {"plugins",
     R"({"type":"object","maxProperties":100,"description":"By plugin id: its configuration, or false to switch it off."})",
     "{}"},
};

constexpr CoreField channel_fields[] = {
    {"path", R"({"type":"string","minLength":5,"maxLength":1024,"description":"Begins with /ws/."})", "",
     true},
    {"enabled", R"({"type":"boolean"})", "true"},
    {"subprotocols",
     R"({"type":"array","maxItems":20,"items":{"type":"string","minLength":1,"maxLength":100}})", "[]"},
    {"origins", R"({"type":"array","maxItems":100,"items":{"type":"string","minLength":1,"maxLength":300}})",
     ""},
    {"requireToken", R"({"type":["string","null"],"minLength":1,"maxLength":4096})", "null"},
    {"maxConnectionsPerIp",
     R"({"type":"integer","minimum":0,"maximum":1000000,"description":"Open at once from one address; 0 is no limit. One more is refused with 429."})",
     "0"},
    {"maxAttemptsPerMinute",
     R"({"type":"integer","minimum":0,"maximum":1000000,"description":"Handshakes of one address, refused ones too; 0 is no limit. One more is refused with 429."})",
     "0"},
    {"maxMessagesPerSecond",
     R"({"type":"integer","minimum":0,"maximum":1000000,"description":"Of one connection; 0 is no limit. One more closes it with 1008."})",
     "0"},
    {"plugins",
     R"({"type":"object","maxProperties":100,"description":"By plugin id: its configuration, or false to switch it off."})",
     "{}"},
};

constexpr std::string_view host_fields[] = {"id", "apiId", "createdAt", "updatedAt", "revision"};
constexpr std::string_view loaded_field = "loadedRevision";

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void add_text(std::string& object, std::string_view name, std::string_view text) {
  add_member(object, name, json::quoted(text));
}

void add_identity(std::string& object, const Definition& definition) {
  add_text(object, "id", definition.id.text());
  if (definition.kind != Kind::api) add_text(object, "apiId", definition.api.text());
}

void add_history(std::string& object, const Definition& definition) {
  add_text(object, "createdAt", rfc3339(definition.created_us));
  add_text(object, "updatedAt", rfc3339(definition.updated_us));
  add_member(object, "revision", std::to_string(definition.revision));
}

}  // namespace

std::span<const CoreField> core_fields_of(Kind kind) {
  switch (kind) {
    case Kind::api:
      return api_fields;
    case Kind::endpoint:
      return endpoint_fields;
    case Kind::channel:
      return channel_fields;
  }
  return {};
}

bool is_host_field(std::string_view name) {
  return std::find(std::begin(host_fields), std::end(host_fields), name) != std::end(host_fields);
}

std::string_view Definition::field(std::string_view name) const {
  if (const auto value = sent.find(name)) return *value;
  for (const CoreField& core : core_fields_of(kind)) {
    if (core.name == name) return core.fallback;
  }
  return {};
}

std::string stored_text(const Definition& definition) {
  std::string out = "{";
  add_identity(out, definition);
  for (const Member& member : definition.sent.members()) add_member(out, member.name, member.value);
  add_history(out, definition);
  if (definition.loaded) add_member(out, loaded_field, std::to_string(*definition.loaded));
  return out + '}';
}

Definition parse_stored(Kind kind, std::string_view text) {
  Definition out;
  out.kind = kind;
  json::members(text, [&](std::string_view name, std::string_view value) {
    if (name == "id") {
      out.id = Ulid::parse(json::unquote(value)).value_or(Ulid{});
    } else if (name == "apiId") {
      out.api = Ulid::parse(json::unquote(value)).value_or(Ulid{});
    } else if (name == "createdAt") {
      out.created_us = parse_rfc3339(json::unquote(value)).value_or(0);
    } else if (name == "updatedAt") {
      out.updated_us = parse_rfc3339(json::unquote(value)).value_or(0);
    } else if (name == "revision") {
      out.revision = number(value);
    } else if (name == loaded_field) {
      out.loaded = number(value);
    } else {
      out.sent.set(name, std::string(value));
    }
    return true;
  });
  if (kind == Kind::api) out.api = out.id;
  return out;
}

std::string shown_text(const Definition& definition) {
  std::string out = "{";
  add_identity(out, definition);
  const auto core = core_fields_of(definition.kind);
  for (const CoreField& field : core) {
    if (const auto value = definition.field(field.name); !value.empty()) add_member(out, field.name, value);
  }
  for (const Member& member : definition.sent.members()) {
    const bool shown =
        std::any_of(core.begin(), core.end(), [&](const CoreField& f) { return f.name == member.name; });
    if (!shown) add_member(out, member.name, member.value);
  }
  add_history(out, definition);
  return out + '}';
}

std::string rfc3339(std::int64_t wall_us) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{floor<milliseconds>(microseconds(wall_us))};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(time - day);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

std::string_view noun(Kind kind) {
  switch (kind) {
    case Kind::api:
      return "API";
    case Kind::endpoint:
      return "endpoint";
    case Kind::channel:
      return "WebSocket endpoint";
  }
  return "definition";
}

}  // namespace mimus::admin
