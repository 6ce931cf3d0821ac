// What the plugin manager changes of the running host: definitions, generations, workers.
#pragma once

#include <functional>
#include <memory>

#include "host/admin/admin.h"
#include "host/pipeline/compiler.h"
#include "host/pipeline/generation.h"
#include "host/plugin/manager.h"
#include "host/plugin/task_pool.h"

namespace mimus {

class WorkerService;

/// Everything it is made of outlives it; `on_worker` runs work on one worker's thread, or on
/// the one that ends its loop, where `service(i)` is null.
struct StageServices {
  PluginHost* plugins = nullptr;
  Admin* admin = nullptr;
  Generations* generations = nullptr;
  Compiler* compiler = nullptr;
  TaskPool* tasks = nullptr;
  std::vector<TrafficArms>* traffic = nullptr;
  std::function<void(unsigned worker, std::function<void(WorkerService*)>)> on_worker;
  unsigned workers = 1;
};

class HostStage final : public PluginStage {
 public:
  explicit HostStage(StageServices services) : services_(std::move(services)) {}

  Status learn(const Manifest& manifest) override;
  Status prepare(const PluginSetPtr& set) override;
  void publish(PluginMix mix) override;
  void end_work(const PluginPtr& plugin) override;
  void evict(const PluginPtr& plugin) override;
  TrafficSum traffic(bool candidate) const override;

 private:
  StageServices services_;
};

}  // namespace mimus
