// The plugins thread, and the way of commands to it.
#include "host/plugin/manager.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "host/plugin/manager_state.h"

namespace mimus {
namespace {

constexpr int look_ms = 100;  // while something is on trial or leaving
constexpr int low_priority = 19;

}  // namespace

PluginManager::PluginManager(std::unique_ptr<State> state) : state_(std::move(state)) {}
PluginManager::~PluginManager() { stop(); }

PluginManager::State::~State() {
  if (wake_fd >= 0) ::close(wake_fd);
}

Result<std::unique_ptr<PluginManager>> PluginManager::open(ManagerSetup setup) {
  auto state = std::make_unique<State>(std::move(setup));
  std::error_code failed;
  const std::string installed = state->installed_directory();
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
    slot.state = slot.serving != nullptr                ? "active"
                 : state->decision_of(slot.id).disabled ? "disabled"
                                                        : "quarantined";
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
      for (const DirectoryWatch::Change& change : watch->take()) {
        notice(change);
        show();
      }
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

PluginOverview PluginManager::overview() const {
  PluginOverview out;
  {
    const std::lock_guard lock(state_->shown_mutex);
    out = state_->shown;
  }
  for (PluginStatus& one : out.plugins) {
    if (one.canary_version.empty()) continue;
    const TrafficSum canary_at = one.canary, stable_at = one.stable;
    one.canary = state_->setup.stage->traffic(true);
    one.canary -= canary_at;
    one.stable = state_->setup.stage->traffic(false);
    one.stable -= stable_at;
  }
  return out;
}

}  // namespace mimus
