#include "host/kit/definitions.h"

#include <functional>

namespace mimus::kit {
namespace {

using testing::Definition;
using Json = Values::Json;
using Make = std::function<Json(const Json& schema)>;

constexpr auto replace = Json::error_handler_t::replace;

/// The claimed fields of one level, each made from its schema.
std::string fields_of(const Manifest& manifest, mimus_level level, const Make& make) {
  Json out = Json::object();
  for (const FieldClaim& claim : manifest.fields[static_cast<std::size_t>(level)])
    out[claim.name] = make(Json::parse(claim.schema, nullptr, false));
  return out.dump(-1, ' ', false, replace);
}

std::string config_of(const Manifest& manifest, const Make& make) {
  if (manifest.endpoint_schema.empty()) return "{}";
  return make(Json::parse(manifest.endpoint_schema, nullptr, false)).dump(-1, ' ', false, replace);
}

Definition blank(mimus_level level) {
  Definition out{.level = level};
  if (level != MIMUS_LEVEL_ENDPOINT) out.method.clear();
  if (level == MIMUS_LEVEL_API) {
    out.path.clear();
    out.id = out.api_id;
  }
  if (level == MIMUS_LEVEL_CHANNEL) out.id = "01JCHANNEL000000000000000A";
  return out;
}

Definition filled(const Manifest& manifest, mimus_level level, const Make& make) {
  Definition out = blank(level);
  out.fields = fields_of(manifest, level, make);
  out.api_fields = fields_of(manifest, MIMUS_LEVEL_API, make);
  out.config = config_of(manifest, make);
  return out;
}

}  // namespace

std::vector<Definition> definitions(const Manifest& manifest) {
  std::vector<Definition> out;
  Values values(0);
  for (const mimus_level level : {MIMUS_LEVEL_API, MIMUS_LEVEL_ENDPOINT, MIMUS_LEVEL_CHANNEL}) {
    out.push_back(blank(level));
    out.push_back(blank(level));
    out.back().config = "{}";
    out.push_back(filled(manifest, level, [&](const Json& schema) { return values.example(schema); }));
  }
  return out;
}

Definition any_definition(const Manifest& manifest, Values& values, std::uint64_t number, bool wrong) {
  const auto make = [&](const Json& schema) { return wrong ? values.nearly(schema) : values.valid(schema); };
  Definition out = filled(manifest, static_cast<mimus_level>(number % 3), make);
  out.revision = number;
  return out;
}

std::map<std::string, std::string> any_options(const Manifest& manifest, Values& values, bool wrong) {
  std::map<std::string, std::string> out;
  for (const OptionSpec& option : manifest.options) {
    Json schema = Json::object();
    schema["type"] = option.type == OptionSpec::Type::integer ? "integer"
                     : option.type == OptionSpec::Type::flag  ? "boolean"
                                                              : "string";
    if (option.minimum) schema["minimum"] = *option.minimum;
    if (option.maximum) schema["maximum"] = *option.maximum;
    out[option.name] = (wrong ? values.nearly(schema) : values.valid(schema)).dump(-1, ' ', false, replace);
  }
  return out;
}

}  // namespace mimus::kit
