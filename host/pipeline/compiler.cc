#include "host/pipeline/compiler.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace mimus {
namespace {

std::shared_ptr<const Pipeline> held(const CompiledCell& cell, std::uint64_t api_revision) {
  const auto* const compiled = static_cast<const CompiledPipeline*>(cell.get());
  // A newer one may be used: an older snapshot's last exchanges then see newer bindings,
  // rather than both snapshots taking turns in compiling.
  if (compiled == nullptr || compiled->pipeline->api_revision() < api_revision) return nullptr;
  return compiled->pipeline;
}

const Pipeline* borrowed(const CompiledCell& cell, std::uint64_t api_revision) {
  const auto* const compiled = static_cast<const CompiledPipeline*>(cell.get());
  if (compiled == nullptr || compiled->pipeline->api_revision() < api_revision) return nullptr;
  return compiled->pipeline.get();
}

}  // namespace

struct Compiler::State {
  PluginHost& plugins;
  const DefinitionStore& store;
  Generations& generations;
  const std::vector<std::pair<std::string, std::string>> host_config;

  std::mutex compiling;  // one at a time: the compile thread, or the query thread's explain

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> queue;  // guarded by mutex; at most one job for each open connection
  bool stopping = false;  // guarded by mutex
  std::thread thread;

  // While it runs nobody replaces what a cell holds, so that it may be looked at without a lease.
  Result<std::shared_ptr<const Pipeline>> compile(const Job& job) {
    const std::lock_guard lock(compiling);
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
    if (auto known = held(*cell, job.api->revision)) return known;
    // The last reference may be dropped by a worker (a channel's): unbinding is not for it.
    const std::shared_ptr<const Pipeline> made(new Pipeline(plugins, target, host_config),
                                               [&reclaim = generations](const Pipeline* pipeline) {
                                                 reclaim.retire([pipeline] { delete pipeline; });
                                               });
    std::shared_ptr<const Compiled> old = cell->replace(std::make_unique<CompiledPipeline>(made));
    if (old != nullptr) {
      generations.retire([keep = std::move(old)]() mutable { keep.reset(); });
    }
    return made;
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

Compiler::Compiler(PluginHost& plugins, const DefinitionStore& store, Generations& generations,
                   std::vector<std::pair<std::string, std::string>> host_config)
    : state_(new State{plugins, store, generations, std::move(host_config), {}, {}, {}, {}, false, {}}) {
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

const Pipeline* Compiler::compiled(const ApiRecord& api) { return borrowed(*api.cell, api.revision); }
const Pipeline* Compiler::compiled(const ApiRecord& api, const EndpointRecord& endpoint) {
  return borrowed(endpoint.cell, api.revision);
}
std::shared_ptr<const Pipeline> Compiler::compiled(const ApiRecord& api, const ChannelRecord& channel) {
  return held(channel.cell, api.revision);
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
