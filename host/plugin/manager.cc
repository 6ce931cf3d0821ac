// The plugins thread and the commands that it runs.
#include "host/plugin/manager.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/plugin/durable_file.h"
#include "host/plugin/manager_state.h"

namespace mimus {
namespace {

constexpr int look_ms = 100;  // while something is on trial or leaving
constexpr int low_priority = 19;

std::string installed_directory(const std::string& data) { return data + "/plugins/installed"; }

/// What is wrong with a value for an option, "" if nothing.
std::string unfit(const OptionSpec& option, const nlohmann::json& value) {
  if (value.is_null()) return "";
  switch (option.type) {
    case OptionSpec::Type::text:
      return value.is_string() ? "" : "must be a string";
    case OptionSpec::Type::flag:
      return value.is_boolean() ? "" : "must be true or false";
    case OptionSpec::Type::integer:
      break;
  }
  if (!value.is_number_integer()) return "must be a whole number";
  const auto number = value.get<std::int64_t>();
  if (option.minimum && number < *option.minimum)
    return "must be at least " + std::to_string(*option.minimum);
  if (option.maximum && number > *option.maximum) return "must be at most " + std::to_string(*option.maximum);
  return "";
}

}  // namespace

PluginManager::PluginManager(std::unique_ptr<State> state) : state_(std::move(state)) {}
PluginManager::~PluginManager() { stop(); }

PluginManager::State::~State() {
  if (wake_fd >= 0) ::close(wake_fd);
}

Result<std::unique_ptr<PluginManager>> PluginManager::open(ManagerSetup setup) {
  auto state = std::make_unique<State>(std::move(setup));
  std::error_code failed;
  const std::string installed = installed_directory(state->setup.data);
  std::filesystem::create_directories(installed, failed);
  std::filesystem::create_directories(state->setup.data + "/plugins/kept", failed);
  if (failed) return Error{Code::unavailable, "cannot make " + installed + ": " + failed.message()};
  std::vector<std::string> directories = state->setup.directories;
  directories.push_back(installed);
  auto watch = DirectoryWatch::open(std::move(directories), *state->setup.clock);
  if (!watch) return watch.error();
  state->watch = *std::move(watch);
  state->wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (state->wake_fd < 0) return Error{Code::unavailable, "no eventfd can be made"};
  state->setup.images->sweep({});
  const PluginSetPtr set = state->setup.plugins->current();
  for (const PluginSource& source : state->setup.builtin) {
    PluginSlot& slot = state->slots[source.manifest.id];
    slot.id = source.manifest.id;
    slot.builtin = source;
    for (const PluginPtr& plugin : set->in_order()) {
      if (plugin->manifest().id == slot.id) slot.serving = plugin;
    }
    const bool disabled =
        state->setup.decisions.contains(slot.id) && state->setup.decisions[slot.id].disabled;
    slot.state = slot.serving != nullptr ? "active" : disabled ? "disabled" : "quarantined";
  }
  state->show();
  return std::unique_ptr<PluginManager>(new PluginManager(std::move(state)));
}

void PluginManager::start() {
  State& state = *state_;
  state.setup.plugins->on_released([&state] { state.wake(); });
  state.thread = std::thread([&state] { state.run(); });
  (void)state.on_thread([&state]() -> Status {
    // Copies in the directory settle while the host serves; what lies there already is loaded now.
    for (const DirectoryWatch::Change& change : state.watch->take()) state.notice(change);
    state.started = true;
    return Done{};
  });
}

void PluginManager::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) return;
    state_->stopping = true;
  }
  state_->wake();
  if (state_->thread.joinable()) state_->thread.join();
  state_->setup.plugins->on_released({});
  for (auto& [id, slot] : state_->slots) {
    slot.serving = nullptr;  // the host quiesces what serves
    for (const PluginPtr& plugin : state_->take_out(slot)) state_->leave(slot, plugin);
  }
  const std::lock_guard lock(state_->mutex);
  state_->queue.clear();  // their commands are told that nobody runs them
}

void PluginManager::State::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_fd, &one, sizeof one);
}

int PluginManager::State::next_timeout() const {
  int timeout = -1;
  for (const auto& [id, slot] : slots) {
    const bool leaves = std::any_of(slot.leaving.begin(), slot.leaving.end(),
                                    [](const LeavingPlugin& one) { return !one.final; });
    if (leaves || slot.former != nullptr || slot.trial != nullptr || slot.state == "probation")
      timeout = look_ms;
  }
  if (const auto next = watch->next()) {
    const int ms = static_cast<int>(std::min<std::int64_t>(next->count(), 60'000));
    timeout = timeout < 0 ? ms : std::min(timeout, ms);
  }
  return timeout;
}

void PluginManager::State::run() {
  // What it does, its probes too, is not to take the workers' time.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), low_priority);
  for (;;) {
    std::deque<std::packaged_task<Status()>> work;
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
      work.swap(queue);
    }
    for (auto& task : work) task();
    if (started) {
      for (const DirectoryWatch::Change& change : watch->take()) notice(change);
    }
    look();
    show();
    pollfd ready[] = {{wake_fd, POLLIN, 0}, {watch->fd(), POLLIN, 0}};
    (void)::poll(ready, 2, next_timeout());
    std::uint64_t count = 0;
    (void)!::read(wake_fd, &count, sizeof count);
  }
}

Status PluginManager::State::on_thread(std::function<Status()> work) {
  const Error ended{Code::unavailable, "the host is stopping"};
  std::packaged_task<Status()> task([this, work = std::move(work)] {
    Status done = work();
    show();
    return done;
  });
  std::future<Status> done = task.get_future();
  {
    const std::lock_guard lock(mutex);
    if (stopping) return ended;
    queue.push_back(std::move(task));
  }
  wake();
  try {
    return done.get();
  } catch (const std::future_error&) {
    return ended;
  }
}

Result<PluginSlot*> PluginManager::State::slot_of(const std::string& id) {
  const auto at = slots.find(id);
  if (at == slots.end()) return Error{Code::not_found, "there is no plugin " + id.substr(0, 100)};
  return &at->second;
}

Status PluginManager::State::reload(PluginSlot& slot) {
  if (setup.decisions.contains(slot.id) && setup.decisions[slot.id].disabled)
    return Error{Code::conflict, "plugin " + slot.id + " is disabled; POST …/enable first"};
  if (!slot.origin.empty()) return bring_file(slot.origin, true);
  return bring_builtin(slot, "reloaded");
}

Status PluginManager::State::disable(PluginSlot& slot) {
  PluginDecisions next = setup.decisions;
  next[slot.id].disabled = true;
  if (Status kept = write_decisions(setup.data, next); !kept) return kept;
  setup.decisions = std::move(next);
  const std::vector<PluginPtr> old = take_out(slot);
  slot.state = "disabled";
  event(slot, "disabled", nullptr, "by an operator");
  const Status published = republish();
  for (const PluginPtr& plugin : old) leave(slot, plugin);
  return published;
}

Status PluginManager::State::enable(PluginSlot& slot) {
  PluginDecisions next = setup.decisions;
  next[slot.id].disabled = false;
  if (next[slot.id] == PluginDecision{}) next.erase(slot.id);
  if (Status kept = write_decisions(setup.data, next); !kept) return kept;
  setup.decisions = std::move(next);
  std::vector<std::string> pardoned;
  for (const Charge& charge : setup.quarantine.charges()) {
    if (charge.id == slot.id) pardoned.push_back(charge.hash);
  }
  for (const std::string& hash : pardoned) setup.quarantine.pardon(hash);
  if (!pardoned.empty()) {
    if (Status kept = write_quarantine(setup.data, setup.quarantine); !kept) return kept;
    event(slot, "pardoned", nullptr, "by an operator");
  }
  const bool was_safe = std::exchange(setup.supervision.safe_mode, false);
  if (CrashPage* const page = crash_page()) page->safe_mode = false;
  if (slot.serving != nullptr && pardoned.empty() && !was_safe) return Done{};
  if (!slot.origin.empty()) return bring_file(slot.origin, slot.serving == nullptr);
  return slot.serving != nullptr ? Status(Done{}) : bring_builtin(slot, "enabled");
}

Status PluginManager::State::rollback(PluginSlot& slot) {
  if (slot.trial != nullptr) {
    end_canary(slot, "rolled-back", "by an operator");
    return Done{};
  }
  if (slot.state == "probation" && slot.former != nullptr) {
    give_up(slot, "rolled-back", "by an operator");
    return Done{};
  }
  const Error nothing{Code::not_found, "plugin " + slot.id + " has nothing to roll back to"};
  if (slot.serving == nullptr || slot.serving->source().builtin) return nothing;
  const PluginPtr now = slot.serving;
  slot.canary_percent = 0;
  const std::string previous = kept_path(slot.id, true);
  const Status back = ::access(previous.c_str(), R_OK) == 0 ? bring_kept(slot, previous)
                      : slot.builtin                        ? bring_builtin(slot, "restored")
                                                            : Status(nothing);
  if (!back) return back;
  if (slot.state == "probation") accept(slot);  // an operator's word ends it
  event(slot, "rolled-back", now, "by an operator");
  return quarantine(now, "rolled back", "an operator");
}

Status PluginManager::State::configure(PluginSlot& slot, const std::string& json) {
  if (slot.serving == nullptr)
    return Error{Code::conflict, "plugin " + slot.id + " does not serve: it is " + slot.state};
  if (slot.trial != nullptr)
    return Error{Code::conflict,
                 "plugin " + slot.id + " has a canary; end it first: PUT …/canary {\"percent\":0}"};
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_object()) return invalid("must be a JSON object of options", "");
  const std::vector<OptionSpec>& known = slot.serving->manifest().options;
  for (const auto& [name, value] : parsed.items()) {
    const auto option =
        std::find_if(known.begin(), known.end(), [&](const OptionSpec& one) { return one.name == name; });
    if (option == known.end()) return invalid("plugin " + slot.id + " has no such option", "/" + name);
    if (const std::string wrong = unfit(*option, value); !wrong.empty()) return invalid(wrong, "/" + name);
  }
  PluginDecisions next = setup.decisions;
  next[slot.id].config = parsed.empty() ? "" : parsed.dump();
  if (next[slot.id] == PluginDecision{}) next.erase(slot.id);
  std::swap(setup.decisions, next);
  if (slot.state != "probation") {
    const auto old = next.find(slot.id);
    slot.former_config = old == next.end() ? "" : old->second.config;
  }
  const auto began = setup.clock->now();
  auto made = setup.plugins->make(slot.serving->image, options_of(slot));
  Status done = made ? serve(slot, *made, began) : Status(made.error());
  if (done) done = write_decisions(setup.data, setup.decisions);
  if (!done) std::swap(setup.decisions, next);
  return done;
}

Status PluginManager::State::install(const std::string& id, std::string_view image) {
  auto file = setup.images->take_bytes(image, id, true);
  if (!file) return Error{Code::conflict, file.error().message};
  if (file->manifest.id != id) {
    setup.images->forget(file->path);
    return Error{Code::conflict, "the image is of plugin " + file->manifest.id + ", not of " + id};
  }
  const std::string path = installed_path(id);
  file->origin = path;
  PluginSlot& slot = slots[id];
  slot.id = id;
  const std::string origin = slot.origin;
  if (Status brought = bring(slot, *std::move(file), true); !brought) {
    slot.origin = origin;  // nothing was installed
    return brought;
  }
  ids[path] = id;
  return replace_file(path, image);
}

Status PluginManager::State::remove(PluginSlot& slot) {
  if (slot.origin.empty())
    return Error{Code::conflict, "plugin " + slot.id + " is built in; POST …/disable switches it off"};
  if (slot.origin != installed_path(slot.id))
    return Error{Code::conflict, "plugin " + slot.id + " comes from " + slot.origin + "; remove that file"};
  std::error_code failed;
  std::filesystem::remove(slot.origin, failed);
  if (failed) return Error{Code::unavailable, "cannot remove " + slot.origin + ": " + failed.message()};
  notice({slot.origin, true});
  return Done{};
}

Status PluginManager::State::canary(PluginSlot& slot, std::uint32_t percent) {
  if (percent > 100) return invalid("must be from 0 to 100", "/percent");
  for (const auto& [id, other] : slots) {
    if (&other != &slot && other.trial != nullptr)
      return Error{Code::conflict, "plugin " + id + " has a canary; one at a time"};
  }
  slot.canary_percent = percent;
  if (slot.trial != nullptr && percent == 0) {
    end_canary(slot, "canary-ended", "by an operator");
  } else if (slot.trial != nullptr && percent == 100) {
    promote(slot);
    return Done{};
  } else if (slot.trial == nullptr && slot.state == "probation" && slot.former != nullptr && percent > 0 &&
             percent < 100) {
    slot.trial = std::exchange(slot.serving, std::exchange(slot.former, nullptr));
    slot.state = "canary";
    event(slot, "canary", slot.trial, std::to_string(percent) + " % of the requests");
  }
  if (const Status published = republish(); !published) return published;
  slot.since = setup.clock->now();
  slot.stable_at = setup.stage->traffic(false);
  slot.candidate_at = setup.stage->traffic(true);
  return Done{};
}

namespace {

template <class S, class Work>
Status on_slot(S& state, const std::string& id, Work work) {
  return state.on_thread([&state, id, work]() -> Status {
    auto slot = state.slot_of(id);
    if (!slot) return slot.error();
    return work(**slot);
  });
}

}  // namespace

Status PluginManager::reload(const std::string& id) {
  return on_slot(*state_, id, [this](PluginSlot& slot) { return state_->reload(slot); });
}
Status PluginManager::disable(const std::string& id) {
  return on_slot(*state_, id, [this](PluginSlot& slot) { return state_->disable(slot); });
}
Status PluginManager::enable(const std::string& id) {
  return on_slot(*state_, id, [this](PluginSlot& slot) { return state_->enable(slot); });
}
Status PluginManager::rollback(const std::string& id) {
  return on_slot(*state_, id, [this](PluginSlot& slot) { return state_->rollback(slot); });
}
Status PluginManager::configure(const std::string& id, const std::string& json) {
  return on_slot(*state_, id, [this, &json](PluginSlot& slot) { return state_->configure(slot, json); });
}
Status PluginManager::remove(const std::string& id) {
  return on_slot(*state_, id, [this](PluginSlot& slot) { return state_->remove(slot); });
}
Status PluginManager::canary(const std::string& id, std::uint32_t percent) {
  return on_slot(*state_, id, [this, percent](PluginSlot& slot) { return state_->canary(slot, percent); });
}
Status PluginManager::install(const std::string& id, std::string_view image) {
  return state_->on_thread([this, &id, image] { return state_->install(id, image); });
}

std::vector<PluginStatus> PluginManager::status() const {
  const std::lock_guard lock(state_->shown_mutex);
  return state_->shown;
}

std::optional<PluginStatus> PluginManager::status(const std::string& id) const {
  const std::lock_guard lock(state_->shown_mutex);
  for (const PluginStatus& one : state_->shown) {
    if (one.id == id) return one;
  }
  return std::nullopt;
}

Supervision PluginManager::supervision() const {
  const std::lock_guard lock(state_->shown_mutex);
  return state_->shown_supervision;
}

}  // namespace mimus
