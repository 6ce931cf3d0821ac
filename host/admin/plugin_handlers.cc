// Plugins: what became of them, and what operators have done with them.
#include <algorithm>
#include <charconv>

#include "host/admin/service.h"
#include "host/plugin/loaded.h"
#include "host/plugin/plugin_set.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

std::string text_or_null(const std::string& text) { return text.empty() ? "null" : json::quoted(text); }

std::string names_json(const std::vector<FieldClaim>& claims) {
  std::string out = "[";
  for (const FieldClaim& claim : claims) {
    if (out.size() > 1) out += ',';
    json::quote(out, claim.name);
  }
  return out + ']';
}

template <class Item, class Write>
std::string array_of(const std::vector<Item>& items, Write write) {
  std::string out = "[";
  for (const Item& item : items) {
    if (out.size() > 1) out += ',';
    out += write(item);
  }
  return out + ']';
}

std::string event_json(const PluginEvent& event) {
  std::string out = "{";
  add_member(out, "time", json::quoted(rfc3339(event.time_us)));
  add_member(out, "event", json::quoted(event.what));
  add_member(out, "version", text_or_null(event.version));
  add_member(out, "sha256", text_or_null(event.sha256));
  add_member(out, "detail", text_or_null(event.detail));
  add_member(out, "tookMicros", event.took_us < 0 ? "null" : std::to_string(event.took_us));
  return out + '}';
}

std::string ending_json(const EndingStatus& ending) {
  std::string out = "{";
  add_member(out, "version", json::quoted(ending.version));
  add_member(out, "sha256", text_or_null(ending.sha256));
  add_member(out, "state", json::quoted(ending.state));
  add_member(out, "detail", text_or_null(ending.detail));
  add_member(out, "since", json::quoted(rfc3339(ending.since_us)));
  return out + '}';
}

std::string traffic_json(const TrafficSum& sum) {
  std::string out = "{";
  add_member(out, "requests", std::to_string(sum.requests));
  add_member(out, "errors", std::to_string(sum.errors));
  return out + '}';
}

std::string canary_json(const PluginStatus& status) {
  if (status.canary_percent == 0) return "null";
  std::string out = "{";
  add_member(out, "percent", std::to_string(status.canary_percent));
  add_member(out, "version", text_or_null(status.canary_version));
  add_member(out, "stable", traffic_json(status.stable));
  add_member(out, "canary", traffic_json(status.canary));
  return out + '}';
}

std::string breaker_name(const Breaker& breaker) {
  switch (breaker.state()) {
    case Breaker::State::open:
      return "open";
    case Breaker::State::trial:
      return "half-open";
    default:
      return "closed";
  }
}

/// `plugin` is the one that serves, or null.
std::string plugin_json(const PluginStatus& status, const PluginHost::Loaded* plugin, bool whole) {
  const Manifest none;
  const Manifest& manifest = plugin != nullptr ? plugin->manifest() : none;
  std::string fields = "{";
  add_member(fields, "api", names_json(manifest.fields[MIMUS_LEVEL_API]));
  add_member(fields, "endpoint", names_json(manifest.fields[MIMUS_LEVEL_ENDPOINT]));
  add_member(fields, "channel", names_json(manifest.fields[MIMUS_LEVEL_CHANNEL]));
  fields += '}';
  const auto quoted = [](const std::string& text) { return json::quoted(text); };
  std::string out = "{";
  add_member(out, "id", json::quoted(status.id));
  add_member(out, "version", json::quoted(manifest.version));
  add_member(out, "summary", json::quoted(manifest.summary));
  add_member(out, "state", json::quoted(status.state));
  add_member(out, "phase", plugin != nullptr ? json::quoted(name_of(manifest.phase)) : "null");
  add_member(out, "builtin", status.builtin ? "true" : "false");
  add_member(out, "file", text_or_null(status.origin.empty() ? status.file : status.origin));
  add_member(out, "sha256", text_or_null(status.sha256));
  add_member(out, "signature", text_or_null(status.signature));
  add_member(out, "adminPath", text_or_null(manifest.admin_path));
  add_member(out, "fields", fields);
  add_member(out, "capabilities",
             plugin != nullptr ? array_of(names_of(plugin->host.granted), quoted) : std::string("[]"));
  add_member(out, "failures",
             std::to_string(plugin != nullptr ? plugin->failures.load(std::memory_order_relaxed) : 0));
  add_member(out, "breaker", json::quoted(plugin != nullptr ? breaker_name(plugin->breaker) : "closed"));
  add_member(
      out, "bindings",
      std::to_string(plugin != nullptr ? plugin->holders.bindings.load(std::memory_order_relaxed) : 0));
  add_member(out, "options",
             plugin == nullptr || plugin->options.empty() ? "{}" : std::string_view(plugin->options));
  add_member(out, "config", status.config.empty() ? "{}" : std::string_view(status.config));
  add_member(out, "formerVersion", text_or_null(status.former_version));
  add_member(out, "canary", canary_json(status));
  add_member(out, "warnings", array_of(status.warnings, quoted));
  if (whole) {
    add_member(out, "images", array_of(status.endings, ending_json));
    add_member(out, "history", array_of(status.events, event_json));
  }
  return out + '}';
}

std::string crash_json(const PastCrash& crash) {
  std::string out = "{";
  add_member(out, "time", json::quoted(rfc3339(crash.time_us)));
  add_member(out, "reason", json::quoted(crash.reason));
  add_member(out, "plugin", text_or_null(crash.id));
  add_member(out, "version", text_or_null(crash.version));
  add_member(out, "quarantined", crash.quarantined ? "true" : "false");
  return out + '}';
}

}  // namespace

PluginOverview Service::plugin_overview() const {
  if (manager_ != nullptr) return manager_->overview();
  PluginOverview out{services_.plugins->current(), {}, {}};
  for (const PluginPtr& plugin : out.serving->in_order()) {
    PluginStatus one;
    one.id = plugin->manifest().id;
    one.state = "active";
    one.file = plugin->source().file;
    one.builtin = plugin->source().builtin;
    out.plugins.push_back(std::move(one));
  }
  return out;
}

Answer Service::list_plugins(const Call& call) {
  auto page = page_request(call);
  if (!page) return std::move(page).error();
  const auto [serving, all, supervision] = plugin_overview();
  auto at = all.begin();
  if (!page->cursor.empty()) {
    at =
        std::find_if(all.begin(), all.end(), [&](const PluginStatus& one) { return one.id == page->cursor; });
    if (at == all.end()) return bad_input({{"/cursor", "is not a cursor of this list"}});
    ++at;
  }
  std::vector<std::string> items;
  for (; at != all.end() && items.size() < page->limit; ++at) {
    items.push_back(plugin_json(*at, serving->find(at->id), false));
  }
  std::string out = page_json(items, at == all.end() ? "" : std::prev(at)->id);
  if (manager_ == nullptr) return {200, out};
  out.pop_back();
  add_member(out, "restarts", std::to_string(supervision.restarts));
  add_member(out, "safeMode", supervision.safe_mode ? "true" : "false");
  add_member(out, "crashes", array_of(supervision.crashes, crash_json));
  return {200, out + '}'};
}

Answer Service::get_plugin(const Call& call) {
  const auto [serving, all, supervision] = plugin_overview();
  for (const PluginStatus& one : all) {
    if (one.id == call.params[0]) return {200, plugin_json(one, serving->find(one.id), true)};
  }
  return problem("no-such-resource", "there is no plugin " + call.params[0].substr(0, 100));
}

Answer Service::changed(const std::string& id, const Status& done) {
  if (!done && done.error().code == Code::invalid) {
    return bad_input({{done.error().pointer, done.error().message}});
  }
  if (!done) return from_error(done.error());
  Call again{};
  again.params = {id};
  return get_plugin(again);
}

template <class Command>
Answer Service::change_plugin(const Call& call, Command command) {
  if (manager_ == nullptr) return problem("conflict", "plugins cannot be changed here");
  return changed(call.params[0], command(*manager_, call.params[0]));
}

Answer Service::reload_plugin(const Call& call) {
  return change_plugin(call, [](PluginManager& to, const std::string& id) { return to.reload(id); });
}
Answer Service::disable_plugin(const Call& call) {
  return change_plugin(call, [](PluginManager& to, const std::string& id) { return to.disable(id); });
}
Answer Service::enable_plugin(const Call& call) {
  return change_plugin(call, [](PluginManager& to, const std::string& id) { return to.enable(id); });
}
Answer Service::roll_back_plugin(const Call& call) {
  return change_plugin(call, [](PluginManager& to, const std::string& id) { return to.rollback(id); });
}
Answer Service::configure_plugin(const Call& call) {
  return change_plugin(call, [&](PluginManager& to, const std::string& id) {
    return to.configure(id, std::string(call.body));
  });
}
Answer Service::install_plugin(const Call& call) {
  if (call.body.empty()) return bad_input({{"", "send the image's bytes as the body"}});
  return change_plugin(call,
                       [&](PluginManager& to, const std::string& id) { return to.install(id, call.body); });
}
Answer Service::remove_plugin(const Call& call) {
  if (manager_ == nullptr) return problem("conflict", "plugins cannot be changed here");
  const Status removed = manager_->remove(call.params[0]);
  if (!removed) return from_error(removed.error());
  return {204, ""};
}

Answer Service::set_canary(const Call& call) {
  std::uint32_t percent = 0;
  const std::string_view text = json::member(call.body, "percent").value_or("0");
  std::from_chars(text.data(), text.data() + text.size(), percent);
  return change_plugin(call,
                       [&](PluginManager& to, const std::string& id) { return to.canary(id, percent); });
}

}  // namespace mimus::admin
