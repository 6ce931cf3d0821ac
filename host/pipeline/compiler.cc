#include "host/pipeline/compiler.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace mimus {
namespace {

// A newer one may be used: an older generation's last exchanges then see newer bindings,
// rather than both generations taking turns in compiling.
const CompiledPipeline* borrowed(const CompiledCell& cell, std::uint64_t api_revision,
                                 std::uint64_t plugins) {
  const auto* const compiled = static_cast<const CompiledPipeline*>(cell.get());
  if (compiled == nullptr || compiled->stable == nullptr || compiled->plugins < plugins ||
      compiled->stable->api_revision() < api_revision) {
    return nullptr;
  }
  return compiled;
}

/// What a cell's pipeline leaves to the next one, if that has the same revision of the API.
Pipeline::Heirloom left_by(const CompiledPipeline* compiled, std::uint64_t api_revision) {
  if (compiled == nullptr || compiled->api_revision != api_revision) return {};
  if (compiled->stable == nullptr) return compiled->left;
  Pipeline::Heirloom out{compiled->stable->bindings()};
  if (compiled->candidate != nullptr) {
    const Bindings& more = compiled->candidate->bindings();
    out.bindings.insert(out.bindings.end(), more.begin(), more.end());
  }
  return out;
}

}  // namespace

struct Compiler::State {
  const PluginHost& plugins;
  const DefinitionStore& store;
  Generations& generations;
  const std::vector<std::pair<std::string, std::string>> host_config;

  std::mutex compiling;  // one at a time: the compile thread, or the query thread's explain
  std::map<Ulid, std::weak_ptr<AddressCount>> addresses;  // guarded by compiling
  std::size_t prune_at;                                   // guarded by compiling

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> queue;  // guarded by mutex; at most one job for each open connection
  bool stopping = false;  // guarded by mutex
  std::thread thread;

  // While it runs nobody replaces what a cell holds, so that it may be looked at without a lease.
  Result<std::shared_ptr<const Pipeline>> compile(const Job& job) {
    const std::lock_guard lock(compiling);
    return compile(job, *generations.plugins());
  }

  /// REQUIRES: compiling is held
  Result<std::shared_ptr<const Pipeline>> compile(const Job& job, const PluginMix& mix) {
    BindTarget target;
    target.api = job.api->id;
    target.api_revision = job.api->revision;
    target.slug = job.api->slug;
    target.api_document = *job.api->document;
    const CompiledCell* cell = job.api->cell.get();
    std::string document;
    if (job.endpoint != nullptr) {
      cell = &job.endpoint->cell;
      Result<std::string> stored = store.document(Kind::endpoint, job.endpoint->id);
      if (!stored && stored.error().code == Code::not_found) {
        auto none = std::make_unique<CompiledPipeline>();
        none->deleted = true;
        put(*cell, std::move(none));
      }
      if (!stored) return stored.error();
      document = std::move(*stored);
      target.level = MIMUS_LEVEL_ENDPOINT;
      target.id = job.endpoint->id;
      target.revision = job.endpoint->revision;
      target.method = job.endpoint->route.method;
      target.path = job.endpoint->route.path;
      target.document = document;
    } else if (job.channel != nullptr) {
      cell = &job.channel->cell;
      target.level = MIMUS_LEVEL_CHANNEL;
      target.id = job.channel->id;
      target.revision = job.channel->revision;
      target.path = job.channel->path;
      target.document = *job.channel->document;
    } else {
      target.id = job.api->id;
      target.revision = job.api->revision;
      target.document = *job.api->document;
    }
    if (const auto* const known = borrowed(*cell, job.api->revision, mix.serial)) return known->stable;
    Pipeline::Heirloom known = left_by(static_cast<const CompiledPipeline*>(cell->get()), job.api->revision);
    if (job.channel != nullptr) known.addresses = addresses_of(job.channel->id);
    auto made = std::make_unique<CompiledPipeline>();
    made->plugins = mix.serial;
    made->api_revision = job.api->revision;
    made->stable = pipeline(*mix.stable, target, known);
    if (mix.candidate != nullptr) {
      const Bindings& stable = made->stable->bindings();
      known.bindings.insert(known.bindings.end(), stable.begin(), stable.end());
      made->candidate = pipeline(*mix.candidate, target, known);
    }
    std::shared_ptr<const Pipeline> stable = made->stable;
    put(*cell, std::move(made));
    return stable;
  }

  std::shared_ptr<const Pipeline> pipeline(const PluginSet& set, const BindTarget& target,
                                           const Pipeline::Heirloom& known) {
    // The last reference may be dropped by a worker (a channel's): unbinding is not for it.
    return {new Pipeline(plugins, set, target, known, host_config),
            [&reclaim = generations](const Pipeline* gone) { reclaim.soon([gone] { delete gone; }); }};
  }

  /// Those who are connected count under each of the endpoint's revisions, and its API's.
  std::shared_ptr<AddressCount> addresses_of(const Ulid& channel) {
    if (addresses.size() >= prune_at) {
      std::erase_if(addresses, [](const auto& one) { return one.second.expired(); });
      prune_at = 2 * addresses.size() + 64;
    }
    std::weak_ptr<AddressCount>& known = addresses[channel];
    std::shared_ptr<AddressCount> out = known.lock();
    if (out == nullptr) known = out = std::make_shared<AddressCount>();
    return out;
  }

  void put(const CompiledCell& cell, std::unique_ptr<CompiledPipeline> made) {
    std::shared_ptr<const Compiled> old = cell.replace(std::move(made));
    if (old != nullptr) generations.retire([keep = std::move(old)]() mutable { keep.reset(); });
  }

  /// Whether it was used with the plugins of that serial.
  static bool was_used(const CompiledCell& cell, std::uint64_t serial) {
    const auto* const compiled = static_cast<const CompiledPipeline*>(cell.get());
    return compiled != nullptr && compiled->stable != nullptr && compiled->plugins == serial &&
           compiled->was_used();
  }

  void forget_older(const CompiledCell& cell, const PluginMix& mix) {
    const auto* const compiled = static_cast<const CompiledPipeline*>(cell.get());
    if (compiled == nullptr || compiled->stable == nullptr || compiled->plugins >= mix.serial) return;
    auto left = std::make_unique<CompiledPipeline>();
    left->plugins = compiled->plugins;
    left->api_revision = compiled->api_revision;
    Pipeline::Heirloom known = left_by(compiled, compiled->api_revision);
    for (auto& binding : known.bindings) {
      const PluginPtr plugin = binding->plugin();
      const auto serves = [&](const PluginSetPtr& set) {
        return set != nullptr && set->find(plugin->manifest().id) == plugin.get();
      };
      if (plugin == nullptr) continue;
      if (serves(mix.stable) || serves(mix.candidate)) left->left.bindings.push_back(std::move(binding));
    }
    put(cell, std::move(left));
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return stopping || !queue.empty(); });
      if (stopping) return;
      const Job job = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      (void)compile(job);  // a failure leaves the cell empty, which the waiter sees
      job.wake->resume();
      job.wake->release();
      lock.lock();
    }
  }
};

Compiler::Compiler(const PluginHost& plugins, const DefinitionStore& store, Generations& generations,
                   std::vector<std::pair<std::string, std::string>> host_config)
    : state_(
          new State{plugins, store, generations, std::move(host_config), {}, {}, 64, {}, {}, {}, false, {}}) {
  state_->thread = std::thread([this] { state_->run(); });
}

Compiler::~Compiler() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
  for (const Job& job : state_->queue) job.wake->release();
}

const CompiledPipeline* Compiler::compiled(std::uint64_t plugins, const ApiRecord& api) {
  return borrowed(*api.cell, api.revision, plugins);
}
const CompiledPipeline* Compiler::compiled(std::uint64_t plugins, const ApiRecord& api,
                                           const EndpointRecord& endpoint) {
  return borrowed(endpoint.cell, api.revision, plugins);
}
std::shared_ptr<const Pipeline> Compiler::compiled(std::uint64_t plugins, const ApiRecord& api,
                                                   const ChannelRecord& channel) {
  const CompiledPipeline* const found = borrowed(channel.cell, api.revision, plugins);
  return found != nullptr ? found->stable : nullptr;
}

bool Compiler::deleted(const EndpointRecord& endpoint) {
  const auto* const compiled = static_cast<const CompiledPipeline*>(endpoint.cell.get());
  return compiled != nullptr && compiled->deleted;
}

void Compiler::compile_ahead(const std::shared_ptr<const Definitions>& definitions, const PluginMix& next) {
  const std::uint64_t newest = state_->generations.plugins()->serial;
  std::size_t left = max_ahead;
  const auto ahead = [&](const ApiRecord& api, const EndpointRecord* endpoint) {
    const CompiledCell& cell = endpoint != nullptr ? endpoint->cell : *api.cell;
    const std::lock_guard lock(state_->compiling);  // for each: requests may want others meanwhile
    if (left == 0 || !State::was_used(cell, newest)) return;
    --left;
    (void)state_->compile({definitions, &api, endpoint, nullptr, nullptr},
                          next);  // else the first request does
  };
  definitions->apis().each([&](const ApiRecord& api) {
    ahead(api, nullptr);
    api.endpoints.each([&](const EndpointRecord& one) { ahead(api, &one); });
  });
}

void Compiler::forget_older(const Definitions& definitions) {
  const std::lock_guard lock(state_->compiling);
  const std::shared_ptr<const PluginMix> mix = state_->generations.plugins();
  definitions.apis().each([&](const ApiRecord& api) {
    state_->forget_older(*api.cell, *mix);
    api.endpoints.each([&](const EndpointRecord& one) { state_->forget_older(one.cell, *mix); });
    api.channels.each([&](const ChannelRecord& one) { state_->forget_older(one.cell, *mix); });
  });
}

void Compiler::request(Job job) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(job));
  }
  state_->changed.notify_one();
}

Result<std::shared_ptr<const Pipeline>> Compiler::compile(const Job& job) { return state_->compile(job); }

}  // namespace mimus
