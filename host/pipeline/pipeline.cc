#include "host/pipeline/pipeline.h"

#include <algorithm>

#include "mimus/json_text.h"

namespace mimus {
namespace {

mimus_str str(std::string_view text) { return {text.data(), text.size()}; }

/// The nearest plugins.{id}: of the endpoint, its API, the host's config. "" for none.
std::string nearest_config(const BindTarget& target, const std::string& id,
                           const std::vector<std::pair<std::string, std::string>>& host_config) {
  for (const std::string_view document : {target.document, target.api_document}) {
    const auto plugins = json::member(document, "plugins");
    if (!plugins) continue;
    if (const auto own = json::member(*plugins, id)) return std::string(*own);
  }
  for (const auto& [plugin, config] : host_config) {
    if (plugin == id) return config;
  }
  return {};
}

bool flag(std::string_view object, std::string_view name) { return json::member(object, name) == "true"; }

/// Which constraints hold between `me` and the other plugins here: ", after a, before b (its wish)".
std::string wishes(const Manifest& me, const std::vector<Step>& steps) {
  const auto has = [](const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  std::string out;
  const auto list = [&](const std::vector<std::string>& mine, const char* word, bool theirs_after) {
    for (const std::string& id : mine) {
      const auto at = std::find_if(steps.begin(), steps.end(),
                                   [&](const Step& step) { return step.plugin->manifest().id == id; });
      out += std::string(", ") + word + " " + id;
      if (at == steps.end()) {
        out += " (not in this pipeline)";
      } else if (at->plugin->manifest().phase != me.phase) {
        out += " (without effect: another phase)";
      }
    }
    for (const Step& step : steps) {
      const Manifest& other = step.plugin->manifest();
      if (other.phase == me.phase && has(theirs_after ? other.after : other.before, me.id) &&
          !has(mine, other.id))
        out += std::string(", ") + word + " " + other.id + " (its wish)";
    }
  };
  list(me.after, "after", false);
  list(me.before, "before", true);
  return out;
}

}  // namespace

bool AddressCount::enter(const std::string& address, std::uint64_t limit) {
  const std::lock_guard lock(mutex_);
  std::uint64_t& open = open_[address];
  if (limit != 0 && open >= limit) return false;
  ++open;
  return true;
}

void AddressCount::leave(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto at = open_.find(address);
  if (at != open_.end() && --at->second == 0) open_.erase(at);
}

std::vector<std::string> given_fields(const Manifest& manifest, mimus_level level) {
  const auto at = static_cast<std::size_t>(level);
  std::vector<std::string> out = manifest.reads[at];
  for (const FieldClaim& claim : manifest.fields[at]) out.push_back(claim.name);
  return out;
}

std::string pick_fields(std::string_view document, const std::vector<std::string>& names) {
  std::string out = "{";
  if (!names.empty()) {
    json::members(document, [&](std::string_view name, std::string_view value) {
      if (std::find(names.begin(), names.end(), name) == names.end()) return true;
      if (out.size() > 1) out += ",";
      json::quote(out, name);
      out.append(":").append(value);
      return true;
    });
  }
  return out += "}";
}

Binding::Binding(const PluginPtr& plugin, const mimus_view& view) : of_(plugin) {
  const CrumbScope crumb(plugin->host.slot, Hook::bind);
  broken_ = plugin->table->bind(plugin->instance, &view, &bound_) != MIMUS_OK;
  if (takes_part()) plugin_ = plugin;
  if (bound_ != nullptr) plugin_->holders.bindings.fetch_add(1, std::memory_order_relaxed);
}

Binding::~Binding() {
  if (bound_ == nullptr) return;
  const CrumbScope crumb(plugin_->host.slot, Hook::unbind);
  plugin_->table->unbind(plugin_->instance, bound_);
  plugin_->holders.bindings.fetch_sub(1, std::memory_order_relaxed);
}

Pipeline::Pipeline(const PluginHost& plugins, const PluginSet& set, const BindTarget& target,
                   const Heirloom& known, const std::vector<std::pair<std::string, std::string>>& host_config)
    : addresses_(known.addresses != nullptr ? known.addresses : std::make_shared<AddressCount>()),
      id_(target.id),
      revision_(target.revision),
      api_revision_(target.api_revision) {
  if (const auto capture = json::member(target.api_document, "capture")) {
    capture_ = {flag(*capture, "requestHeaders"), flag(*capture, "responseHeaders"),
                flag(*capture, "bodies")};
  }
  const std::string id = target.id.text();
  const std::string api_id = target.api.text();
  const auto bind = [&](const PluginPtr& plugin) -> std::shared_ptr<const Binding> {
    for (const auto& one : known.bindings) {
      if (one->is_of(plugin)) return one;
    }
    if (target.level == MIMUS_LEVEL_CHANNEL && plugin->peer == nullptr) return nullptr;  // nothing to call
    const Manifest& manifest = plugin->manifest();
    const std::string config = nearest_config(target, manifest.id, host_config);
    if (config == "false") return nullptr;
    const std::string fields = pick_fields(target.document, given_fields(manifest, target.level));
    const std::string api_fields = pick_fields(target.api_document, given_fields(manifest, MIMUS_LEVEL_API));
    const mimus_view view{
        sizeof(mimus_view), target.level,     str(id),     target.revision, str(api_id), str(target.slug),
        str(target.method), str(target.path), str(fields), str(api_fields), str(config)};
    return std::make_shared<const Binding>(plugin, view);
  };
  for (const PluginPtr& plugin : set.in_order()) {
    auto binding = bind(plugin);
    if (binding == nullptr) continue;
    if (binding->takes_part())
      steps_.push_back({plugin.get(), plugin->table, binding->bound(), binding->broken()});
    bindings_.push_back(std::move(binding));
  }
  for (const std::string_view document : {target.document, target.api_document}) {
    json::members(json::member(document, "plugins").value_or("{}"), [&](std::string_view name,
                                                                        std::string_view) {
      const std::string named(name);
      const bool absent = set.find(named) == nullptr && nearest_config(target, named, host_config) != "false";
      if (absent && plugins.absent_fails_closed(named)) missing_ = named;
      return true;
    });
  }
}

std::string Pipeline::explain() const {
  std::string out = "[";
  for (const Step& step : steps_) {
    const Manifest& m = step.plugin->manifest();
    if (out.size() > 1) out += ",";
    const std::string why = "phase " + std::string(name_of(m.phase)) + wishes(m, steps_);
    out += "{\"plugin\":" + json::quoted(m.id) + ",\"version\":" + json::quoted(m.version) +
           ",\"phase\":" + json::quoted(name_of(m.phase)) + ",\"fail\":\"" +
           (m.fail_closed ? "closed" : "open") + "\",\"bound\":" + (step.broken ? "false" : "true") +
           ",\"why\":" + json::quoted(why) + "}";
  }
  return out += "]";
}

}  // namespace mimus
