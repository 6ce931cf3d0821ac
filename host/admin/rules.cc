// Composition of the schemas, and the order in which a definition is checked.
#include "host/admin/rules.h"

#include <algorithm>

#include "host/plugin/loaded.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

std::size_t level_index(Kind kind) { return static_cast<std::size_t>(kind) - 1; }

mimus_str c_str(std::string_view text) { return {text.data(), text.size()}; }

/// The members of `document` that a plugin claims or reads at a level.
std::string fields_for(const Manifest& manifest, Kind kind, const Definition& from) {
  std::string out = "{";
  for (const Member& member : from.sent.members()) {
    const auto& claims = manifest.fields[level_index(kind)];
    const auto& reads = manifest.reads[level_index(kind)];
    const bool given = std::any_of(claims.begin(), claims.end(),
                                   [&](const FieldClaim& c) { return c.name == member.name; }) ||
                       std::find(reads.begin(), reads.end(), member.name) != reads.end();
    if (given) add_member(out, member.name, member.value);
  }
  return out + '}';
}

/// The nearest plugins.{id} that is an object; "" if there is none or it is switched off.
std::string nearest_settings(const Definition& next, const Definition& api, const std::string& id) {
  for (const Definition* const one : {&next, &api}) {
    if (const auto value = json::member(one->field("plugins"), id))
      return is_object(*value) ? std::string(*value) : "";
  }
  return "";
}

}  // namespace

Result<Rules> Rules::make(const PluginHost& plugins, PluginSetPtr set) {
  Rules rules(plugins, std::move(set));
  for (const Kind kind : {Kind::api, Kind::endpoint, Kind::channel}) {
    Level& level = rules.levels_[level_index(kind)];
    for (const CoreField& field : core_fields_of(kind)) {
      auto schema = Schema::compile(field.schema);
      if (!schema) return invalid("field \"" + std::string(field.name) + "\": " + schema.error().message);
      level.push_back({std::string(field.name), std::string(field.schema), *std::move(schema)});
    }
    for (const PluginPtr& plugin : rules.set_->in_order()) {
      const Manifest& manifest = plugin->manifest();
      for (const FieldClaim& claim : manifest.fields[level_index(kind)]) {
        auto schema = Schema::compile(claim.schema);
        if (!schema)
          return invalid("plugin " + manifest.id + ", field \"" + claim.name +
                         "\": " + schema.error().message);
        level.push_back({claim.name, claim.schema, *std::move(schema)});
      }
    }
  }
  for (const PluginPtr& plugin : rules.set_->in_order()) {
    const Manifest& manifest = plugin->manifest();
    if (manifest.endpoint_schema.empty()) continue;
    auto schema = Schema::compile(manifest.endpoint_schema);
    if (!schema) return invalid("plugin " + manifest.id + ", endpoint_schema: " + schema.error().message);
    rules.settings_.emplace(manifest.id, *std::move(schema));
  }
  return rules;
}

void Rules::check(const Definition& next, const std::vector<std::string>& touched, const Definition& api,
                  const std::string& base, std::vector<Fault>& faults) const {
  const std::size_t before = faults.size();
  const Level& known = level(next.kind);
  for (const std::string& name : touched) {
    if (std::any_of(known.begin(), known.end(), [&](const Field& f) { return f.name == name; })) continue;
    faults.push_back(
        {base + '/' + json::pointer_token(name),
         "is not a field of this " + std::string(noun(next.kind)) + did_you_mean(name, names(next.kind))});
  }
  for (const CoreField& field : core_fields_of(next.kind)) {
    if (field.required && !next.sent.find(field.name)) {
      faults.push_back({base + '/' + std::string(field.name), "is required"});
    }
  }
  for (const Field& field : known) {
    const auto value = next.sent.find(field.name);
    if (!value) continue;
    field.schema.check(*value, base + '/' + json::pointer_token(field.name), faults);
  }
  if (faults.size() != before) return;

  check_core(next, base, faults);
  if (std::find(touched.begin(), touched.end(), "plugins") != touched.end()) {
    check_plugin_settings(next.field("plugins"), base + "/plugins", faults);
  }
  if (faults.size() == before) ask_plugins(next, api, base, faults);
}

void Rules::check_plugin_settings(std::string_view settings, const std::string& base,
                                  std::vector<Fault>& faults) const {
  std::vector<std::string> ids;
  for (const PluginPtr& plugin : set_->in_order()) ids.push_back(plugin->manifest().id);
  json::members(settings, [&](std::string_view id, std::string_view value) {
    const std::string pointer = base + '/' + json::pointer_token(id);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
      faults.push_back({pointer, "there is no plugin of this id" + did_you_mean(id, ids)});
    } else if (value == "false") {
      return true;
    } else if (!is_object(value)) {
      faults.push_back({pointer, "must be an object, or false to switch the plugin off"});
    } else if (const auto schema = settings_.find(id); schema != settings_.end()) {
      schema->second.check(value, pointer, faults);
    } else if (!Document(value).members().empty()) {
      faults.push_back({pointer, "this plugin takes no configuration here: only {} or false"});
    }
    return true;
  });
}

void Rules::ask_plugins(const Definition& next, const Definition& api, const std::string& base,
                        std::vector<Fault>& faults) const {
  const std::string id = next.id.text(), api_id = api.id.text();
  const std::string slug = json::unquote(api.field("slug"));
  const std::string method = json::unquote(next.field("method")), path = json::unquote(next.field("path"));
  for (const PluginPtr& plugin : set_->in_order()) {
    const Manifest& manifest = plugin->manifest();
    const std::string fields = fields_for(manifest, next.kind, next);
    const std::string api_fields = fields_for(manifest, Kind::api, api);
    const std::string config = nearest_settings(next, api, manifest.id);
    mimus_view view{};
    view.size = sizeof view;
    view.level = static_cast<mimus_level>(level_index(next.kind));
    view.id = c_str(id);
    view.revision = next.revision;
    view.api_id = c_str(api_id);
    view.slug = c_str(slug);
    view.method = c_str(method);
    view.path = c_str(path);
    view.fields = c_str(fields);
    view.api_fields = c_str(api_fields);
    view.config = c_str(config);
    for (CheckFault& fault : plugins_->check(*plugin, view)) {
      faults.push_back({base + fault.pointer, std::move(fault.detail), std::move(fault.code)});
    }
  }
}

std::vector<std::string> Rules::names(Kind kind) const {
  std::vector<std::string> out;
  for (const Field& field : level(kind)) out.push_back(field.name);
  return out;
}

std::string Rules::properties(Kind kind, const std::string& component) const {
  constexpr std::string_view local_reference = "\"$ref\":\"#/";
  std::string out = "{";
  for (const Field& field : level(kind)) {
    // A schema's own root is not the document's.
    std::string text = field.text;
    const std::string root =
        "components/schemas/" + component + "/properties/" + json::pointer_token(field.name) + '/';
    for (std::size_t at = 0; (at = text.find(local_reference, at)) != std::string::npos;) {
      at += local_reference.size();
      text.insert(at, root);
    }
    add_member(out, field.name, text);
  }
  return out + '}';
}

std::string Rules::required(Kind kind) const {
  std::string out = "[";
  for (const CoreField& field : core_fields_of(kind)) {
    if (!field.required) continue;
    if (out.size() > 1) out += ',';
    json::quote(out, field.name);
  }
  return out + ']';
}

}  // namespace mimus::admin
