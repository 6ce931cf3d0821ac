#include "host/plugin/plugin_host.h"

#include <boost/dll/shared_library.hpp>

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>

#include "host/plugin/fetch.h"
#include "host/plugin/loaded.h"
#include "host/plugin/task_pool.h"

namespace mimus {
namespace {

namespace dll = boost::dll;

mimus_str str(std::string_view text) { return {text.data(), text.size()}; }

std::string what_of(const PluginHost::Loaded& plugin) {
  return "plugin " + plugin.manifest().id +
         (plugin.source.file.empty() ? " (linked in)" : " (" + plugin.source.file + ")");
}

/// Maps the code (RTLD_NOW, RTLD_LOCAL, an absolute path) and takes the plugin's table.
Status map_code(PluginHost::Loaded& plugin) {
  const Manifest& manifest = plugin.manifest();
  plugin.host.slot =
      add_image(manifest.id, manifest.version, image_hash(plugin.source), plugin.source.builtin);
  const CrumbScope crumb(plugin.host.slot, Hook::load);
  mimus_entry_fn entry = plugin.source.entry;
  if (entry == nullptr) {
    boost::system::error_code failed;
    auto library = std::make_shared<dll::shared_library>();
    library->load(plugin.source.file, failed, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
    if (failed) return invalid(what_of(plugin) + " does not load: " + failed.message());
    if (!library->has(MIMUS_ENTRY_SYMBOL)) {
      return invalid(what_of(plugin) + " exports no " MIMUS_ENTRY_SYMBOL ": use the MIMUS_PLUGIN macro");
    }
    entry = &library->get<const mimus_plugin*(std::uint32_t, std::uint32_t)>(MIMUS_ENTRY_SYMBOL);
    plugin.image = std::move(library);
  }
  locate_image(plugin.host.slot, reinterpret_cast<const void*>(entry));
  plugin.table = entry(MIMUS_ABI_MAJOR, MIMUS_ABI_MINOR);
  if (plugin.table == nullptr) return invalid(what_of(plugin) + " refuses this host's plugin ABI");
  const mimus_plugin& table = *plugin.table;
  if (table.id == nullptr || plugin.manifest().id != table.id || table.version == nullptr ||
      plugin.manifest().version != table.version) {
    return invalid(what_of(plugin) + " says another id or version in its code than in its manifest");
  }
  if (table.create == nullptr || table.destroy == nullptr || table.bind == nullptr ||
      table.unbind == nullptr) {
    return invalid(what_of(plugin) + " lacks create, destroy, bind or unbind");
  }
  return Done{};
}

std::string because(PluginHost::Loaded& plugin, const char* step, mimus_rc rc) {
  std::string why = plugin.host.take_error();
  if (why.empty()) why = "error " + std::to_string(rc);
  return what_of(plugin) + " failed to " + step + ": " + why;
}

Status make_instance(PluginHost::Loaded& plugin,
                     const std::function<std::string(const OptionSpec&)>& option) {
  const mimus_plugin& table = *plugin.table;
  const auto create = [&] {
    const CrumbScope crumb(plugin.host.slot, Hook::create);
    return table.create(&plugin.host.api, &plugin.host, &plugin.instance);
  };
  if (const mimus_rc rc = create(); rc != MIMUS_OK) {
    return invalid(because(plugin, "create", rc));
  }
  plugin.host.instance = plugin.instance;
  plugin.options = "{";
  for (const OptionSpec& spec : plugin.manifest().options) {
    if (plugin.options.size() > 1) plugin.options += ",";
    plugin.options += nlohmann::json(spec.name).dump() + ":" + option(spec);
  }
  plugin.options += "}";
  const CrumbScope crumb(plugin.host.slot, Hook::configure);
  if (table.configure != nullptr) {
    if (const mimus_rc rc = table.configure(plugin.instance, str(plugin.options)); rc != MIMUS_OK) {
      return invalid(because(plugin, "configure", rc));
    }
  }
  if (table.get_extension != nullptr) {
    plugin.admin = static_cast<const mimus_admin_v1*>(table.get_extension(plugin.instance, "mimus.admin/1"));
    plugin.record =
        static_cast<const mimus_record_v1*>(table.get_extension(plugin.instance, "mimus.record/1"));
    plugin.peer = static_cast<const mimus_peer_v1*>(table.get_extension(plugin.instance, "mimus.peer/1"));
  }
  return Done{};
}

/// Where a plugin's fail policy outlives it. No plugin's own keys begin with NUL.
std::string policy_key(const std::string& id) { return std::string("\0policy\0", 8) + id; }

}  // namespace

struct PluginHost::State {
  KvStore* kv = nullptr;  // from activate on
  std::vector<std::unique_ptr<Loaded>> owned;
  std::vector<Loaded*> order;
  FieldNumbers fields;                   // core and plugins'
  std::vector<mimus_record*> enriching;  // the journal thread's scratch
};

PluginHost::PluginHost() : state_(std::make_unique<State>()) {}

PluginHost::~PluginHost() {
  for (const auto& plugin : state_->owned) {
    if (plugin->instance == nullptr) continue;
    plugin->host.services.server = nullptr;  // its loops have ended: new timers are refused
    end_timers(plugin->host);
    for (unsigned worker = 0; worker < plugin->host.fetching.size(); ++worker)
      end_fetches(plugin->host, worker);
    if (TaskPool* const tasks = plugin->host.services.tasks; tasks != nullptr) tasks->end(plugin->host);
    const CrumbScope crumb(plugin->host.slot, Hook::destroy);
    plugin->table->destroy(plugin->instance);
  }
}

Result<std::unique_ptr<PluginHost>> PluginHost::load(
    std::vector<PluginSource> sources, PluginServices services,
    const std::function<std::string(const OptionSpec&)>& options) {
  std::unique_ptr<PluginHost> out(new PluginHost);
  State& state = *out->state_;
  for (PluginSource& source : sources) state.owned.push_back(std::make_unique<Loaded>(std::move(source)));
  std::vector<const Manifest*> manifests;
  for (const auto& plugin : state.owned) manifests.push_back(&plugin->manifest());
  const Result<std::vector<std::size_t>> order = solve_order(manifests);
  if (!order) return order.error();
  for (const std::size_t i : *order) {
    state.order.push_back(state.owned[i].get());
    if (const Status numbered = state.fields.add(state.owned[i]->manifest().journal); !numbered) {
      return invalid(what_of(*state.owned[i]) + ": " + numbered.error().message);
    }
  }
  for (Loaded* plugin : state.order) {
    plugin->host.services = services;
    plugin->host.fields = &state.fields;
    offer_services(plugin->host);
    plugin->breaker.on_change([plugin](bool open) {
      const std::string what = what_of(*plugin) + (open ? " failed too often: it is left out for a while"
                                                        : " is back: a request that tried it went well");
      if (plugin->host.services.log != nullptr) plugin->host.services.log(MIMUS_LOG_WARN, what);
    });
    if (const Status status = map_code(*plugin); !status) return status.error();
    if (const Status status = make_instance(*plugin, options); !status) return status.error();
  }
  return out;
}

Status PluginHost::activate(const PluginServices& services) {
  state_->kv = services.kv;
  if (services.journal != nullptr) {
    if (const Status attached = state_->fields.attach(*services.journal); !attached) return attached;
  }
  for (Loaded* plugin : state_->order) {
    plugin->host.services = services;
    const Manifest& manifest = plugin->manifest();
    if (services.kv != nullptr) {
      const Status kept =
          services.kv->put(policy_key(manifest.id), manifest.fail_closed ? "closed" : "open", 0);
      if (!kept) return kept.error();
    }
    const CrumbScope crumb(plugin->host.slot, Hook::activate);
    if (MIMUS_HAS(plugin->table, self_test) && plugin->table->self_test != nullptr) {
      if (const mimus_rc rc = plugin->table->self_test(plugin->instance); rc != MIMUS_OK)
        return invalid(because(*plugin, "pass its self-test", rc));
    }
    if (plugin->table->activate == nullptr) continue;
    if (const mimus_rc rc = plugin->table->activate(plugin->instance); rc != MIMUS_OK) {
      return invalid(because(*plugin, "activate", rc));
    }
  }
  return Done{};
}

void PluginHost::quiesce() {
  for (Loaded* plugin : state_->order) {
    const CrumbScope crumb(plugin->host.slot, Hook::quiesce);
    if (plugin->table->quiesce != nullptr) plugin->table->quiesce(plugin->instance);
  }
}

std::span<PluginHost::Loaded* const> PluginHost::in_order() const { return state_->order; }

const PluginHost::Loaded* PluginHost::find(std::string_view id) const {
  for (const Loaded* plugin : state_->order) {
    if (plugin->manifest().id == id) return plugin;
  }
  return nullptr;
}

std::vector<FieldSpec> PluginHost::journal_fields() const {
  const std::vector<FieldSpec>& all = state_->fields.all();
  return {all.begin() + core_field_count, all.end()};
}

FieldNumbers& PluginHost::fields() { return state_->fields; }

void PluginHost::enrich(std::span<Record* const> records) {
  auto& scratch = state_->enriching;
  scratch.assign(reinterpret_cast<mimus_record* const*>(records.data()),
                 reinterpret_cast<mimus_record* const*>(records.data()) + records.size());
  for (const Loaded* plugin : state_->order) {
    const CrumbScope crumb(plugin->host.slot, Hook::enrich);
    if (plugin->record != nullptr) plugin->record->enrich(plugin->instance, scratch.data(), scratch.size());
  }
}

std::vector<CheckFault> PluginHost::check(const Loaded& plugin, const mimus_view& view) {
  std::vector<CheckFault> faults;
  if (plugin.table->check == nullptr) return faults;
  const auto add = [](mimus_report* report, mimus_str pointer, mimus_str detail, mimus_str code) {
    const auto text = [](mimus_str s) { return s.n == 0 ? std::string() : std::string(s.p, s.n); };
    reinterpret_cast<std::vector<CheckFault>*>(report)->push_back({text(pointer), text(detail), text(code)});
  };
  const CrumbScope crumb(plugin.host.slot, Hook::check);
  const mimus_rc rc =
      plugin.table->check(plugin.instance, &view, reinterpret_cast<mimus_report*>(&faults), add);
  if (rc != MIMUS_OK)
    faults.push_back({"", "plugin " + plugin.manifest().id + " could not check this definition", ""});
  return faults;
}

bool PluginHost::absent_fails_closed(const std::string& id) const {
  if (state_->kv == nullptr) return true;
  const auto key = policy_key(id);
  const auto pause = std::make_shared<std::promise<void>>();
  bool closed = true;
  const auto read = [&closed](std::string_view policy) { closed = policy != "open"; };
  const auto found = state_->kv->get(key, read, [pause] { pause->set_value(); });
  if (found != KvStore::Found::pending) return closed;
  if (pause->get_future().wait_for(std::chrono::seconds(2)) == std::future_status::ready) {
    (void)state_->kv->get(key, read, {});
  }
  return closed;
}

const PluginHost::Loaded* PluginHost::admin_owner(std::string_view path) const {
  for (const Loaded* plugin : state_->order) {
    const std::string& own = plugin->manifest().admin_path;
    if (own.empty() || plugin->admin == nullptr || !path.starts_with(own)) continue;
    if (path.size() == own.size() || path[own.size()] == '/') return plugin;
  }
  return nullptr;
}

AdminAnswer PluginHost::admin(const Loaded& plugin, std::string_view method, std::string_view below,
                              std::string_view query, std::string_view body) {
  AdminAnswer out{404, "no-such-resource", "plugin " + plugin.manifest().id + " has no routes"};
  if (plugin.admin == nullptr) return out;
  out = {500, "plugin-failed", "plugin " + plugin.manifest().id + " did not answer"};
  const mimus_admin_request request{sizeof(mimus_admin_request), str(method), str(below), str(query),
                                    str(body)};
  const auto reply = [](mimus_reply* to, std::int32_t status, mimus_str code, mimus_str text) {
    AdminAnswer& answer = *reinterpret_cast<AdminAnswer*>(to);
    answer.status = status;
    answer.code.assign(code.p, code.n);
    answer.body.assign(text.p, text.n);
  };
  const CrumbScope crumb(plugin.host.slot, Hook::admin);
  plugin.admin->handle(plugin.instance, &request, reinterpret_cast<mimus_reply*>(&out), reply);
  return out;
}

Status PluginHost::reset(std::string_view what) {
  for (const Loaded* plugin : state_->order) {
    const auto& resets = plugin->manifest().resets;
    if (plugin->admin == nullptr || std::find(resets.begin(), resets.end(), what) == resets.end()) continue;
    const CrumbScope crumb(plugin->host.slot, Hook::reset);
    if (plugin->admin->reset(plugin->instance, str(what)) == MIMUS_OK) return Done{};
    return Error{Code::unavailable,
                 "plugin " + plugin->manifest().id + " could not reset " + std::string(what)};
  }
  return Error{Code::not_found, "nothing is called " + std::string(what) + " that could be reset"};
}

}  // namespace mimus
