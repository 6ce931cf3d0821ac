#include "host/plugin/plugin_host.h"

#include <algorithm>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/plugin/fetch.h"
#include "host/plugin/loaded.h"
#include "host/plugin/plugin_set.h"
#include "host/plugin/task_pool.h"

namespace mimus {
namespace {

mimus_str str(std::string_view text) { return {text.data(), text.size()}; }

/// A mimus_reply is the AdminAnswer that is being made. The first one counts.
void take_reply(mimus_reply* to, std::int32_t status, mimus_str code, mimus_str text) {
  AdminAnswer& answer = *reinterpret_cast<AdminAnswer*>(to);
  if (std::exchange(answer.given, true)) return;
  answer.status = status;
  answer.code.assign(code.p, code.n);
  answer.body.assign(text.p, text.n);
}

std::string because(const PluginHost::Loaded& plugin, const char* step, mimus_rc rc) {
  std::string why = plugin.host.take_error();
  if (why.empty()) why = "error " + std::to_string(rc);
  return plugin.image->name() + " failed to " + step + ": " + why;
}

Status configure(PluginHost::Loaded& plugin, const PluginHost::Options& option) {
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
    plugin.session =
        static_cast<const mimus_session_v1*>(table.get_extension(plugin.instance, "mimus.session/1"));
  }
  return Done{};
}

/// Where a plugin's fail policy outlives it. No plugin's own keys begin with NUL.
std::string policy_key(const std::string& id) { return std::string("\0policy\0", 8) + id; }

Status activate_one(const PluginHost::Loaded& plugin) {
  const Manifest& manifest = plugin.manifest();
  if (KvStore* const kv = plugin.host.services.kv; kv != nullptr) {
    const Status kept = kv->put(policy_key(manifest.id), manifest.fail_closed ? "closed" : "open", 0);
    if (!kept) return kept.error();
    // A third party's may end the server at once: without its policy it would fail closed after that.
    if (!plugin.source().builtin) {
      if (const Status flushed = kv->flush(); !flushed) return flushed.error();
    }
  }
  const CrumbScope crumb(plugin.host.slot, Hook::activate);
  if (MIMUS_HAS(plugin.table, self_test) && plugin.table->self_test != nullptr) {
    if (const mimus_rc rc = plugin.table->self_test(plugin.instance); rc != MIMUS_OK)
      return invalid(because(plugin, "pass its self-test", rc));
  }
  if (plugin.table->activate == nullptr) return Done{};
  if (const mimus_rc rc = plugin.table->activate(plugin.instance); rc != MIMUS_OK) {
    return invalid(because(plugin, "activate", rc));
  }
  return Done{};
}

}  // namespace

void end_work(mimus_host& host, unsigned worker) {
  end_timers(host, worker);
  if (worker < host.fetching.size()) end_fetches(host, worker);
}

struct PluginHost::State {
  PluginServices services;

  mutable std::mutex mutex;
  // Guarded by mutex:
  PluginSetPtr current;
  std::vector<std::unique_ptr<Loaded>> released;  // by their last holder
  std::function<void()> wake;

  FieldNumbers fields;                   // core and plugins'
  std::vector<mimus_record*> enriching;  // the journal thread's scratch

  /// The holder of an instance: the last one to let go leaves it to bury.
  std::shared_ptr<Loaded> own(std::unique_ptr<Loaded> plugin) {
    std::shared_ptr<Loaded> out(plugin.release(), [this](Loaded* gone) {
      std::function<void()> poke;
      {
        const std::lock_guard lock(mutex);
        released.emplace_back(gone);
        poke = wake;
      }
      if (poke) poke();
    });
    out->host.self = out;
    return out;
  }

  std::shared_ptr<Loaded> prepare(std::shared_ptr<const Image> image) {
    std::shared_ptr<Loaded> plugin = own(std::make_unique<Loaded>(std::move(image)));
    plugin->host.services = services;
    plugin->host.fields = &fields;
    plugin->host.slot = plugin->image->slot();
    offer_services(plugin->host);
    plugin->breaker.on_change([on = plugin.get()](bool open) {
      const std::string what = on->image->name() + (open ? " failed too often: it is left out for a while"
                                                         : " is back: a request that tried it went well");
      if (on->host.services.log != nullptr) on->host.services.log(MIMUS_LOG_WARN, what);
    });
    return plugin;
  }
};

PluginHost::PluginHost() : state_(std::make_unique<State>()) {}

PluginHost::~PluginHost() {
  if (const PluginSetPtr set = current(); set != nullptr) {
    for (const PluginPtr& plugin : set->in_order()) {
      plugin->host.services.server = nullptr;  // its loops have ended: new timers are refused
      for (unsigned i = 0; i < plugin->host.services.workers; ++i) end_work(plugin->host, i);
      if (TaskPool* const tasks = plugin->host.services.tasks; tasks != nullptr) tasks->end(plugin->host);
    }
  }
  on_released({});
  use(nullptr);
  (void)bury();
}

Result<std::unique_ptr<PluginHost>> PluginHost::load(std::vector<PluginSource> sources,
                                                     PluginServices services, const Options& options) {
  std::unique_ptr<PluginHost> out(new PluginHost);
  State& state = *out->state_;
  state.services = services;
  std::vector<const Manifest*> manifests;
  for (const PluginSource& source : sources) manifests.push_back(&source.manifest);
  const Result<std::vector<std::size_t>> order = solve_order(manifests);
  if (!order) return order.error();
  for (const std::size_t i : *order) {
    const Manifest& manifest = sources[i].manifest;
    if (const Status numbered = state.fields.add(manifest.journal); !numbered)
      return invalid("plugin " + manifest.id + ": " + numbered.error().message);
  }
  std::vector<PluginPtr> plugins;
  for (const std::size_t i : *order) {
    auto image = Image::load(std::move(sources[i]));
    if (!image) return image.error();
    const std::shared_ptr<Loaded> plugin = state.prepare(*std::move(image));
    if (const Status status = configure(*plugin, options); !status) return status.error();
    plugins.push_back(plugin);
  }
  auto set = PluginSet::make(std::move(plugins));
  if (!set) return set.error();
  out->use(*std::move(set));
  return out;
}

Status PluginHost::activate(const PluginServices& services) {
  state_->services = services;
  if (services.journal != nullptr) {
    if (const Status attached = state_->fields.attach(*services.journal); !attached) return attached;
  }
  const PluginSetPtr set = current();
  for (const PluginPtr& plugin : set->in_order()) {
    plugin->host.services = services;
    if (const Status status = activate_one(*plugin); !status) return status;
  }
  return Done{};
}

void PluginHost::quiesce() {
  const PluginSetPtr set = current();
  for (const PluginPtr& plugin : set->in_order()) quiesce(*plugin);
}

void PluginHost::quiesce(const Loaded& plugin) {
  plugin.host.ending = true;
  const CrumbScope crumb(plugin.host.slot, Hook::quiesce);
  if (plugin.table->quiesce != nullptr) plugin.table->quiesce(plugin.instance);
}

PluginSetPtr PluginHost::current() const {
  const std::lock_guard lock(state_->mutex);
  return state_->current;
}

void PluginHost::use(PluginSetPtr set) {
  const std::lock_guard lock(state_->mutex);
  state_->current.swap(set);  // what was current goes after the lock
}

Result<PluginPtr> PluginHost::make(std::shared_ptr<const Image> image, const Options& options) {
  const std::shared_ptr<Loaded> plugin = state_->prepare(std::move(image));
  if (const Status status = configure(*plugin, options); !status) return status.error();
  if (const Status status = activate_one(*plugin); !status) return status.error();
  return PluginPtr(plugin);
}

void PluginHost::on_released(std::function<void()> wake) {
  const std::lock_guard lock(state_->mutex);
  state_->wake = std::move(wake);
}

std::vector<PluginHost::Buried> PluginHost::bury() {
  std::vector<std::unique_ptr<Loaded>> released;
  {
    const std::lock_guard lock(state_->mutex);
    released.swap(state_->released);
  }
  std::vector<Buried> out;
  for (std::unique_ptr<Loaded>& plugin : released) {
    if (plugin->instance != nullptr) {
      const CrumbScope crumb(plugin->host.slot, Hook::destroy);
      plugin->table->destroy(plugin->instance);
    }
    Buried one{plugin->manifest().id, plugin->manifest().version, plugin->source().file};
    one.kept = plugin->manifest().unload_never;
    const std::weak_ptr<const Image> image = plugin->image;
    plugin.reset();
    one.code_gone = image.expired();
    one.mapped = !one.file.empty() && Image::is_mapped(one.file);
    out.push_back(std::move(one));
  }
  return out;
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
  const PluginSetPtr set = current();
  for (const PluginPtr& plugin : set->in_order()) {
    const CrumbScope crumb(plugin->host.slot, Hook::enrich);
    if (plugin->record != nullptr) plugin->record->enrich(plugin->instance, scratch.data(), scratch.size());
  }
}

std::vector<CheckFault> PluginHost::check(const Loaded& plugin, const mimus_view& view) const {
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
  if (state_->services.kv == nullptr) return true;
  const auto key = policy_key(id);
  const auto pause = std::make_shared<std::promise<void>>();
  bool closed = true;
  const auto read = [&closed](std::string_view policy) { closed = policy != "open"; };
  const auto found = state_->services.kv->get(key, read, [pause] { pause->set_value(); });
  if (found != KvStore::Found::pending) return closed;
  if (pause->get_future().wait_for(std::chrono::seconds(2)) == std::future_status::ready) {
    (void)state_->services.kv->get(key, read, {});
  }
  return closed;
}

AdminAnswer PluginHost::admin(const Loaded& plugin, std::string_view method, std::string_view below,
                              std::string_view query, std::string_view body) const {
  AdminAnswer out{404, "no-such-resource", "plugin " + plugin.manifest().id + " has no routes"};
  if (plugin.admin == nullptr) return out;
  out = {500, "plugin-failed", "plugin " + plugin.manifest().id + " did not answer"};
  const mimus_admin_request request{sizeof(mimus_admin_request), str(method), str(below), str(query),
                                    str(body)};
  const CrumbScope crumb(plugin.host.slot, Hook::admin);
  plugin.admin->handle(plugin.instance, &request, reinterpret_cast<mimus_reply*>(&out), take_reply);
  return out;
}

AdminAnswer PluginHost::replay(const Loaded& plugin, std::string_view session) const {
  AdminAnswer out{500, "plugin-failed", "plugin " + plugin.manifest().id + " did not answer"};
  const CrumbScope crumb(plugin.host.slot, Hook::admin);
  plugin.session->replay(plugin.instance, str(session), reinterpret_cast<mimus_reply*>(&out), take_reply);
  return out;
}

Status PluginHost::reset(std::string_view what) {
  const PluginSetPtr set = current();
  for (const PluginPtr& plugin : set->in_order()) {
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
