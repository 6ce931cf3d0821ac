// What time brings: verdicts, ends of drains, and what operators are shown.
#include <algorithm>

#include "host/plugin/judge.h"
#include "host/plugin/manager_state.h"

namespace mimus {
namespace {

constexpr std::size_t max_events = 50, max_endings = 16;
constexpr std::uint64_t canary_requests = 50;

std::string counted(std::uint32_t n, const char* what) {
  return n == 0 ? "" : std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

/// "2 channels, 1 timer".
std::string holders_of(const PluginHost::Loaded& plugin) {
  std::string out;
  const Holders& held = plugin.holders;
  for (const std::string& one :
       {counted(held.channels, "channel"), counted(held.timers, "timer"),
        counted(plugin.host.fetches, "fetch in flight"), counted(plugin.host.tasks, "task"),
        counted(held.bindings, "binding"), counted(held.sets, "plugin set")}) {
    if (!one.empty()) out += (out.empty() ? "" : ", ") + one;
  }
  return out.empty() ? "a call that has not returned" : out;
}

/// `file` may be null.
std::string why_mapped(const ImageFile* file) {
  if (file != nullptr && file->manifest.unload_never) return "its manifest says \"unload\": \"never\"";
  std::string out;
  if (file != nullptr) {
    for (const std::string& warning : file->warnings) out += (out.empty() ? "" : "; ") + warning;
  }
  return out.empty() ? "the loader keeps it: a thread-local destructor or a unique symbol, perhaps" : out;
}

}  // namespace

void PluginManager::State::look() {
  judge_slots();
  bury();
  for (auto& [id, slot] : slots) press(slot);
}

void PluginManager::State::judge_slots() {
  for (auto& [id, slot] : slots) {
    if (slot.trial == nullptr && slot.state != "probation") continue;
    Evidence evidence;
    evidence.age = setup.clock->now() - slot.since;
    evidence.trial = setup.probation;
    TrafficSum stable = setup.stage->traffic(false);
    stable -= slot.stable_at;
    if (slot.trial != nullptr) {
      evidence.before = stable;
      evidence.since = setup.stage->traffic(true);
      evidence.since -= slot.candidate_at;
      evidence.failures = slot.trial->failures.load(std::memory_order_relaxed);
      evidence.least = canary_requests;
    } else {
      evidence.before = slot.before;
      evidence.since = stable;
      evidence.failures = slot.serving->failures.load(std::memory_order_relaxed);
    }
    const Judgement judgement = judge(evidence);
    if (judgement.ruling == Ruling::reject && slot.trial != nullptr) {
      end_canary(slot, "rolled-back", judgement.why);
    } else if (judgement.ruling == Ruling::reject) {
      give_up(slot, "rolled-back", judgement.why);
    } else if (judgement.ruling == Ruling::accept && slot.trial != nullptr) {
      promote(slot);
    } else if (judgement.ruling == Ruling::accept) {
      accept(slot);
    }
  }
}

void PluginManager::State::bury() {
  for (const PluginHost::Buried& gone : setup.plugins->bury()) {
    const auto at = slots.find(gone.id);
    if (at == slots.end()) continue;
    PluginSlot& slot = at->second;
    // Of several instances of one image the oldest is meant: they go in any order, but look alike.
    const auto one = std::find_if(slot.leaving.rbegin(), slot.leaving.rend(), [&](const LeavingPlugin& left) {
      return !left.final && left.shown.file == gone.file && left.plugin.expired();
    });
    const auto file = slot.files.find(gone.file);
    const bool unmapped = gone.code_gone && !gone.mapped;
    // A built-in one that came back is mapped once, though it was loaded twice.
    const bool shared = slot.serving != nullptr && slot.serving->source().file == gone.file;
    if (one != slot.leaving.rend()) {
      one->final = true;
      one->shown.state = gone.file.empty() || shared || (!gone.code_gone && !gone.kept) ? "destroyed"
                         : unmapped                                                     ? "unloaded"
                                                                                        : "pinned";
      one->shown.detail =
          one->shown.state == "pinned" ? why_mapped(file != slot.files.end() ? &file->second : nullptr) : "";
      PluginEvent happened{setup.clock->wall_us(), one->shown.state,
                           gone.version,           one->shown.sha256,
                           one->shown.detail,      (setup.clock->now() - one->since).count()};
      slot.events.push_front(std::move(happened));
    }
    if (unmapped && file != slot.files.end()) {
      setup.images->forget(gone.file);
      slot.files.erase(file);
    }
  }
}

void PluginManager::State::press(PluginSlot& slot) {
  for (LeavingPlugin& one : slot.leaving) {
    const PluginPtr plugin = one.final ? nullptr : one.plugin.lock();
    if (plugin == nullptr) continue;
    const auto age = setup.clock->now() - one.since;
    one.shown.detail = holders_of(*plugin);
    if (age >= setup.drain && !one.evicted) {
      one.evicted = true;
      setup.stage->evict(plugin);
    }
    if (age >= setup.drain + setup.park && one.shown.state == "draining") {
      one.shown.state = "parked";
      setup.log(MIMUS_LOG_WARN,
                "plugin " + slot.id + " " + one.shown.version + " is parked by " + one.shown.detail);
      event(slot, "parked", plugin, "by " + one.shown.detail);
    }
  }
  const auto is_final = [](const LeavingPlugin& one) { return one.final && one.shown.state != "pinned"; };
  while (slot.leaving.size() > max_endings) {
    const auto last = std::find_if(slot.leaving.rbegin(), slot.leaving.rend(), is_final);
    if (last == slot.leaving.rend()) break;
    slot.leaving.erase(std::next(last).base());
  }
  while (slot.events.size() > max_events) slot.events.pop_back();
}

void PluginManager::State::event(PluginSlot& slot, const std::string& what, const PluginPtr& about,
                                 const std::string& detail, std::int64_t took_us) {
  PluginEvent happened{setup.clock->wall_us(), what, "", "", detail, took_us};
  if (about != nullptr) {
    happened.version = about->manifest().version;
    happened.sha256 = about->source().sha256;
  }
  std::string line = "plugin " + slot.id;
  if (!happened.version.empty()) line += " " + happened.version;
  line += ": " + what;
  if (!detail.empty()) line += ": " + detail;
  setup.log(MIMUS_LOG_INFO, line);
  slot.events.push_front(std::move(happened));
}

void PluginManager::State::refuse(PluginSlot& slot, const ImageFile* file, const Error& error) {
  PluginEvent happened{setup.clock->wall_us(), "rejected", "", "", error.message, -1};
  if (file != nullptr) {
    happened.version = file->manifest.version;
    happened.sha256 = file->sha256;
  }
  if (slot.serving == nullptr && slot.state != "disabled") slot.state = "rejected";
  // A file that lay there at the start is told again when it has settled.
  const PluginEvent* const last = slot.events.empty() ? nullptr : &slot.events.front();
  if (last != nullptr && last->what == happened.what && last->sha256 == happened.sha256 &&
      last->detail == happened.detail)
    return;
  setup.log(MIMUS_LOG_ERROR, "plugin " + slot.id + " is not loaded: " + error.message);
  slot.events.push_front(std::move(happened));
}

void PluginManager::State::show() {
  const auto shown_of = [this](const PluginSlot& slot) {
    PluginStatus out;
    out.id = slot.id;
    out.state = slot.state;
    out.origin = slot.serving != nullptr ? served_from(slot) : slot.origin;
    if (slot.serving != nullptr) {
      const PluginSource& source = slot.serving->source();
      out.version = source.manifest.version;
      out.sha256 = source.sha256;
      out.file = source.file;
      out.builtin = source.builtin;
      if (const auto file = slot.files.find(source.file); file != slot.files.end()) {
        out.warnings = file->second.warnings;
        out.signature = name_of(file->second.signature.state);
        if (!file->second.signature.key.empty()) out.signature += " (" + file->second.signature.key + ")";
      }
    } else if (slot.builtin) {
      out.builtin = true;
    }
    out.config = decision_of(slot.id).config;
    if (slot.former != nullptr) out.former_version = slot.former->manifest().version;
    out.canary_percent = slot.canary_percent;
    if (slot.trial != nullptr) {
      out.canary_version = slot.trial->manifest().version;
      out.canary = slot.candidate_at;  // counted from there by who asks
      out.stable = slot.stable_at;
    }
    for (const LeavingPlugin& one : slot.leaving) out.endings.push_back(one.shown);
    out.events.assign(slot.events.begin(), slot.events.end());
    return out;
  };
  PluginOverview next{setup.plugins->current(), {}, setup.supervision};
  for (const PluginPtr& plugin : next.serving->in_order()) {
    if (const auto at = slots.find(plugin->manifest().id); at != slots.end())
      next.plugins.push_back(shown_of(at->second));
  }
  for (const auto& [id, slot] : slots) {
    if (next.serving->find(id) == nullptr) next.plugins.push_back(shown_of(slot));
  }
  const std::lock_guard lock(shown_mutex);
  std::swap(shown, next);  // the set that was shown goes after the lock
}

}  // namespace mimus
