#include "host/pipeline/generation.h"

#include <cassert>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "host/plugin/plugin_set.h"
#include "host/route/definitions.h"

namespace mimus {

struct Generations::State {
  mutable std::mutex mutex;
  std::condition_variable changed;
  // All guarded by mutex:
  std::shared_ptr<const PluginMix> plugins;        // the newest
  std::deque<std::unique_ptr<Generation>> living;  // oldest first; the last is current
  struct Retired {
    std::uint64_t serial;  // may be destroyed once no generation up to this lives
    std::function<void()> destroy;
  };
  std::deque<Retired> retired;
  std::vector<std::function<void()>> unused;  // may be destroyed at once
  bool dropped = false;                       // some generation lost its last holder
  bool stopping = false;
  std::function<void()> poke;

  std::thread reclaim;

  /// Destroys, outside the lock, what nothing can reach any more.
  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return dropped || stopping; });
      dropped = false;
      // In order: what a newer generation shares with an older one is destroyed with the
      // newer one at the earliest.
      std::vector<std::unique_ptr<Generation>> dead;
      while (!living.empty() && living.front()->holders.load(std::memory_order_acquire) == 0) {
        dead.push_back(std::move(living.front()));
        living.pop_front();
      }
      std::vector<std::function<void()>> due;
      due.swap(unused);
      while (!retired.empty() && (living.empty() || retired.front().serial < living.front()->serial)) {
        due.push_back(std::move(retired.front().destroy));
        retired.pop_front();
      }
      const bool last = stopping;
      lock.unlock();
      dead.clear();
      for (const auto& destroy : due) destroy();
      lock.lock();
      if (last) return;
    }
  }
};

Generations::Generations(const PluginHost& plugins) : state_(std::make_unique<State>()) {
  state_->plugins = std::make_shared<const PluginMix>(PluginMix{plugins.current()});
  state_->reclaim = std::thread([this] { state_->run(); });
}

Generations::~Generations() {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->living.empty()) state_->living.back()->holders.fetch_sub(1);
    state_->stopping = true;
  }
  state_->changed.notify_one();
  state_->reclaim.join();
  state_->living.clear();
  while (!state_->retired.empty() || !state_->unused.empty()) {  // destroying may bring more
    for (const auto& destroy : std::exchange(state_->unused, {})) destroy();
    if (state_->retired.empty()) continue;
    const std::function<void()> destroy = std::move(state_->retired.front().destroy);
    state_->retired.pop_front();
    destroy();
  }
}

void Generations::publish(std::shared_ptr<const Definitions> definitions) {
  publish(std::move(definitions), nullptr);
}

void Generations::publish(PluginMix mix) { publish(nullptr, std::make_shared<PluginMix>(std::move(mix))); }

void Generations::publish(std::shared_ptr<const Definitions> definitions, std::shared_ptr<PluginMix> mix) {
  auto made = std::make_unique<Generation>();
  made->holders = 1;
  std::function<void()> poke;
  {
    const std::lock_guard lock(state_->mutex);
    if (mix != nullptr) {
      mix->serial = state_->plugins->serial + 1;
      state_->plugins = std::move(mix);
    }
    if (definitions == nullptr && !state_->living.empty()) definitions = state_->living.back()->definitions;
    if (definitions == nullptr) return;  // nothing serves yet
    made->definitions = std::move(definitions);
    made->plugins = state_->plugins;
    poke = state_->poke;
    const std::uint64_t serial = serial_.load(std::memory_order_relaxed) + 1;
    made->serial = serial;
    if (!state_->living.empty() && state_->living.back()->holders.fetch_sub(1) == 1) state_->dropped = true;
    state_->living.push_back(std::move(made));
    serial_.store(serial, std::memory_order_release);
  }
  state_->changed.notify_one();
  if (poke) poke();
}

void Generations::renew() { publish(nullptr, nullptr); }

void Generations::on_publish(std::function<void()> poke) {
  const std::lock_guard lock(state_->mutex);
  state_->poke = std::move(poke);
}

std::shared_ptr<const Definitions> Generations::definitions() const {
  const std::lock_guard lock(state_->mutex);
  return state_->living.empty() ? nullptr : state_->living.back()->definitions;
}

std::shared_ptr<const PluginMix> Generations::plugins() const {
  const std::lock_guard lock(state_->mutex);
  return state_->plugins;
}

void Generations::retire(std::function<void()> destroy) {
  const std::lock_guard lock(state_->mutex);
  state_->retired.push_back({serial_.load(std::memory_order_relaxed), std::move(destroy)});
}

void Generations::soon(std::function<void()> destroy) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->unused.push_back(std::move(destroy));
    state_->dropped = true;
  }
  state_->changed.notify_one();
}

Generation* Generations::take_current() {
  const std::lock_guard lock(state_->mutex);
  Generation* const current = state_->living.back().get();
  current->holders.fetch_add(1, std::memory_order_relaxed);
  return current;
}

void Generations::drop(Generation& generation) {
  if (generation.holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->dropped = true;
  }
  state_->changed.notify_one();
}

Generations::Lease::~Lease() {
  for (const Held& held : held_) {
    assert(held.uses == 0);
    generations_.drop(*held.generation);
  }
}

const Generation* Generations::Lease::acquire() {
  if (generations_.serial_.load(std::memory_order_acquire) != serial_) refresh();
  ++held_.back().uses;
  return held_.back().generation;
}

void Generations::Lease::release(const Generation* generation) {
  if (held_.back().generation == generation) {
    --held_.back().uses;
    return;
  }
  for (std::size_t i = 0; i + 1 < held_.size(); ++i) {
    if (held_[i].generation != generation) continue;
    if (--held_[i].uses == 0) {
      generations_.drop(*held_[i].generation);
      held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return;
  }
}

void Generations::Lease::refresh() {
  if (generations_.serial_.load(std::memory_order_acquire) == serial_) return;
  Generation* const current = generations_.take_current();
  serial_ = current->serial;
  if (!held_.empty() && held_.back().uses == 0) {
    generations_.drop(*held_.back().generation);
    held_.pop_back();
  }
  held_.push_back({current, 0});
}

}  // namespace mimus
