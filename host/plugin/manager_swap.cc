// The steps of a swap, from a file that was noticed to an instance that serves.
#include <unistd.h>

#include <algorithm>

#include "host/plugin/manager_state.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

constexpr std::size_t max_parked = 8, max_pinned = 64;  // images of one plugin

}  // namespace

PluginHost::Options PluginManager::State::options_of(const PluginSlot& slot) const {
  return [this, config = decision_of(slot.id).config](const OptionSpec& option) {
    if (const auto set = json::member(config, option.name)) return std::string(*set);
    return setup.options(option);
  };
}

std::string PluginManager::State::options_json(const PluginSlot& slot, const Manifest& manifest) const {
  const PluginHost::Options option = options_of(slot);
  std::string out = "{";
  for (const OptionSpec& spec : manifest.options) {
    if (out.size() > 1) out += ",";
    json::quote(out, spec.name);
    out += ":" + option(spec);
  }
  return out + "}";
}

std::size_t PluginManager::State::stuck(const PluginSlot& slot, std::string_view state) const {
  return static_cast<std::size_t>(
      std::count_if(slot.leaving.begin(), slot.leaving.end(),
                    [&](const LeavingPlugin& one) { return one.shown.state == state; }));
}

Status PluginManager::State::no_other_canary(const PluginSlot& slot) const {
  for (const auto& [id, other] : slots) {
    if (&other != &slot && other.trial != nullptr)
      return refusal("plugin " + id + " has a canary; one at a time");
  }
  return Done{};
}

void PluginManager::State::start_watch(PluginSlot& slot) {
  slot.since = setup.clock->now();
  slot.stable_at = setup.stage->traffic(false);
  slot.candidate_at = setup.stage->traffic(true);
}

PluginDecision PluginManager::State::decision_of(const std::string& id) const {
  const auto at = setup.decisions.find(id);
  return at == setup.decisions.end() ? PluginDecision{} : at->second;
}

Status PluginManager::State::bring(PluginSlot& slot, ImageFile file, bool forced) {
  const auto began = setup.clock->now();
  const std::string path = file.path;
  const auto refused = [&](const Error& error) -> Status {
    refuse(slot, &file, error);
    slot.files.erase(path);
    if (!Image::is_mapped(path)) setup.images->forget(path);
    return refusal(error.message);
  };
  slot.origin = file.origin;
  if (decision_of(slot.id).disabled) {
    setup.images->forget(path);
    slot.state = "disabled";
    return Done{};
  }
  const PluginPtr& newest = slot.trial != nullptr ? slot.trial : slot.serving;
  if (!forced && newest != nullptr && newest->source().sha256 == file.sha256) {
    if (const auto same = slot.files.find(newest->source().file); same != slot.files.end())
      same->second.origin = file.origin;
    setup.images->forget(path);
    return Done{};
  }
  if (const Charge* const charge = setup.quarantine.find(file.sha256);
      charge != nullptr && charge->quarantined) {
    const Status out = refused(refusal("image " + file.sha256.substr(0, 16) + " of plugin " + slot.id +
                                       " is quarantined: " + charge->reason + "; POST /admin/plugins/" +
                                       slot.id + "/enable pardons it"));
    if (slot.serving == nullptr) slot.state = "quarantined";
    const bool kept = file.origin == kept_path(slot.id, false) || file.origin == kept_path(slot.id, true);
    if (slot.serving == nullptr && !kept) bring_last_good(slot);
    return out;
  }
  if (setup.supervision.safe_mode)
    return refused(
        refusal("safe mode: after repeated crashes only built-in plugins are loaded; POST "
                "/admin/plugins/" +
                slot.id + "/enable tries this one again"));
  if (stuck(slot, "parked") >= max_parked)
    return refused(refusal(std::to_string(max_parked) + " older images of plugin " + slot.id +
                           " are parked: what holds them must end first"));
  if (stuck(slot, "pinned") >= max_pinned)
    return refused(refusal(std::to_string(max_pinned) + " older images of plugin " + slot.id +
                           " stayed mapped: restart the host, and build with -fno-gnu-unique"));
  if (slot.builtin && compare_versions(file.manifest.version, slot.builtin->manifest.version) < 0)
    return refused(refusal(file.origin + " is version " + file.manifest.version + " of " + slot.id +
                           ", lower than the built-in " + slot.builtin->manifest.version));
  const auto& loaded = setup.supervision.loaded;  // before a crash that was not theirs
  const bool known = std::find(loaded.begin(), loaded.end(), file.sha256) != loaded.end();
  if (setup.probe && !known) {
    if (const Status tried = setup.probe(path, options_json(slot, file.manifest)); !tried) {
      return refused(refusal("plugin " + slot.id + " (" + file.origin + ") " + tried.error().message));
    }
  }
  if (const Status learnt = setup.stage->learn(file.manifest); !learnt) return refused(learnt.error());
  PluginSource source{file.manifest, path, false, nullptr, file.granted, file.sha256};
  slot.files.insert_or_assign(path, file);
  auto image = Image::load(std::move(source));
  if (!image) return refused(image.error());
  auto plugin = setup.plugins->make(*std::move(image), options_of(slot));
  if (!plugin) return refused(plugin.error());
  if ((*plugin)->manifest().unload_never) never_unloaded.push_back((*plugin)->image);
  if (Status served = serve(slot, *plugin, began); !served) {
    refuse(slot, &file, served.error());
    return refusal(served.error().message);
  }
  // Once for each image, not at each reload.
  if (!warned.insert(file.sha256).second) return Done{};
  for (const std::string& warning : file.warnings) setup.log(MIMUS_LOG_WARN, file.origin + ": " + warning);
  return Done{};
}

Status PluginManager::State::bring_builtin(PluginSlot& slot, const char* what) {
  if (!slot.builtin)
    return Error{Code::not_found, "plugin " + slot.id + " is not built in, and its file is gone"};
  const auto began = setup.clock->now();
  std::shared_ptr<const Image> image;
  if (slot.serving != nullptr && slot.serving->source().builtin) {
    image = slot.serving->image;
  } else {
    auto loaded = Image::load(*slot.builtin);
    if (!loaded) return loaded.error();
    image = *std::move(loaded);
  }
  auto plugin = setup.plugins->make(std::move(image), options_of(slot));
  if (!plugin) return plugin.error();
  event(slot, what, *plugin, "the built-in version");
  return serve(slot, *plugin, began);
}

Status PluginManager::State::serve(PluginSlot& slot, PluginPtr plugin, std::chrono::microseconds began) {
  // A built-in that takes a file's place is what there is to fall back on.
  const bool fallback =
      plugin->source().builtin && (slot.serving == nullptr || slot.serving->image != plugin->image);
  const bool watched = setup.probation.count() > 0 && !fallback;
  const bool as_canary = slot.canary_percent > 0 && slot.canary_percent < 100 && slot.serving != nullptr;
  if (as_canary) {
    if (const Status only = no_other_canary(slot); !only) {
      leave(slot, std::move(plugin));
      return only;
    }
  }
  const TrafficSum until_now = setup.stage->traffic(false);
  const PluginPtr was_serving = slot.serving, was_trial = slot.trial;
  if (as_canary) {
    slot.trial = plugin;
  } else {
    slot.serving = plugin;
    slot.trial = nullptr;
  }
  if (const Status published = republish(); !published) {
    slot.serving = was_serving;
    slot.trial = was_trial;
    leave(slot, std::move(plugin));
    return published;
  }
  // Newer than what was on trial: that goes, and the last good one stays what a rollback brings back.
  if (was_trial != nullptr) leave(slot, was_trial);
  if (!as_canary && was_serving != nullptr) {
    const bool unproven = slot.state == "probation";
    if (unproven || !watched) leave(slot, was_serving);
    if (watched && !unproven) slot.former = was_serving;
    if (!watched && slot.former != nullptr) leave(slot, std::exchange(slot.former, nullptr));
  }
  slot.before = until_now;
  slot.before -= last_change;
  last_change = until_now;
  start_watch(slot);
  // What a start finds is proven, but for what a crash found on trial.
  const auto& unproven = setup.supervision.unproven;
  const bool proven =
      !started && std::find(unproven.begin(), unproven.end(), plugin->source().sha256) == unproven.end();
  slot.state = as_canary ? "canary" : watched && !proven ? "probation" : "active";
  set_probation(plugin->image->slot(), slot.state != "active");
  event(slot, slot.state, plugin, as_canary ? std::to_string(slot.canary_percent) + " % of the requests" : "",
        (setup.clock->now() - began).count());
  if (slot.state == "active") accept(slot);
  return Done{};
}

Status PluginManager::State::republish() {
  std::vector<PluginPtr> stable;
  const PluginSlot* canary = nullptr;
  for (const auto& [id, slot] : slots) {
    if (slot.serving != nullptr) stable.push_back(slot.serving);
    if (slot.trial != nullptr) canary = &slot;
  }
  auto set = PluginSet::make(std::move(stable));
  if (!set) return set.error();
  PluginMix mix{*set};
  if (canary != nullptr) {
    auto candidate = PluginSet::make((*set)->with(canary->trial));
    if (!candidate) return candidate.error();
    mix.candidate = *candidate;
    mix.share = canary->canary_percent * 100;
    if (const Status prepared = setup.stage->prepare(*candidate); !prepared) return prepared;
  }
  if (const Status prepared = setup.stage->prepare(*set); !prepared) return prepared;
  setup.stage->publish(std::move(mix));
  setup.plugins->use(*set);  // what operators see serves already
  return Done{};
}

void PluginManager::State::accept(PluginSlot& slot) {
  if (slot.former != nullptr) leave(slot, std::exchange(slot.former, nullptr));
  if (slot.state != "active") {
    slot.state = "active";
    event(slot, "active", slot.serving, "after its probation");
  }
  set_probation(slot.serving->image->slot(), false);
  keep(slot);
}

void PluginManager::State::give_up(PluginSlot& slot, const std::string& what, const std::string& why) {
  const PluginPtr bad = std::exchange(slot.serving, std::exchange(slot.former, nullptr));
  slot.state = slot.serving != nullptr ? "active" : "rejected";
  set_probation(bad->image->slot(), false);
  condemn(slot, bad, what, why);
  if (slot.serving == nullptr && slot.builtin) (void)bring_builtin(slot, "active");
  if (slot.serving == nullptr) bring_last_good(slot);
  (void)republish();
  leave(slot, bad);
}

void PluginManager::State::condemn(PluginSlot& slot, const PluginPtr& bad, const std::string& what,
                                   const std::string& why) {
  event(slot, what, bad, why);
  setup.log(MIMUS_LOG_WARN, "plugin " + slot.id + " " + bad->manifest().version + ": " + what + ": " + why);
  if (slot.serving != nullptr && slot.serving->image == bad->image) {  // what failed is its configuration
    setup.decisions[slot.id].config = slot.former_config;
    (void)write_decisions(setup.data, setup.decisions);
  } else if (!bad->source().builtin && what == "rolled-back") {
    (void)quarantine(bad, what + ": " + why, "probation");
  }
}

Status PluginManager::State::quarantine(const PluginPtr& bad, std::string reason, std::string by) {
  Charge charge;
  charge.id = bad->manifest().id;
  charge.version = bad->manifest().version;
  charge.hash = bad->source().sha256;
  charge.reason = std::move(reason);
  charge.quarantined = true;
  charge.by = std::move(by);
  setup.quarantine.add(std::move(charge));
  return write_quarantine(setup.data, setup.quarantine);
}

void PluginManager::State::end_canary(PluginSlot& slot, const std::string& what, const std::string& why) {
  const PluginPtr bad = std::exchange(slot.trial, nullptr);
  slot.canary_percent = 0;
  slot.state = "active";
  set_probation(bad->image->slot(), false);
  condemn(slot, bad, what, why);
  (void)republish();
  leave(slot, bad);
  accept(slot);  // it may not have been yet
}

void PluginManager::State::promote(PluginSlot& slot) {
  const PluginPtr old = std::exchange(slot.serving, std::exchange(slot.trial, nullptr));
  slot.canary_percent = 0;
  slot.state = "active";
  (void)republish();
  event(slot, "promoted", slot.serving, "it served as well as " + old->manifest().version);
  leave(slot, old);
  accept(slot);
}

std::vector<PluginPtr> PluginManager::State::take_out(PluginSlot& slot) {
  std::vector<PluginPtr> out;
  for (PluginPtr* one : {&slot.serving, &slot.former, &slot.trial}) {
    if (*one != nullptr) out.push_back(std::exchange(*one, nullptr));
  }
  slot.canary_percent = 0;
  return out;
}

void PluginManager::State::leave(PluginSlot& slot, PluginPtr plugin) {
  PluginHost::quiesce(*plugin);
  setup.stage->end_work(plugin);
  LeavingPlugin one;
  one.shown = {plugin->manifest().version, plugin->source().sha256, plugin->source().file, "draining", "",
               setup.clock->wall_us()};
  one.since = setup.clock->now();
  one.plugin = plugin;
  slot.leaving.push_front(std::move(one));
}

}  // namespace mimus
