#include "host/app/plugin_stage.h"

#include "host/app/worker_service.h"
#include "host/plugin/loaded.h"
#include "store/field_numbers.h"

namespace mimus {

Status HostStage::learn(const Manifest& manifest) {
  return services_.plugins->fields().add(manifest.journal);
}

Status HostStage::prepare(const PluginSetPtr& set) { return services_.admin->prepare(set); }

void HostStage::publish(PluginMix mix) {
  services_.admin->use(mix.stable);
  if (const auto definitions = services_.generations->definitions(); definitions != nullptr) {
    mix.serial = services_.generations->plugins()->serial + 1;
    services_.compiler->compile_ahead(definitions, mix);
  }
  services_.generations->publish(std::move(mix));
  // Cells hold pipelines of older sets until they are hit again, which may be never.
  if (const auto definitions = services_.generations->definitions(); definitions != nullptr) {
    services_.compiler->forget_older(*definitions);
    services_.generations->renew();
  }
}

void HostStage::end_work(const PluginPtr& plugin) {
  services_.tasks->cancel(plugin->host);
  for (unsigned i = 0; i < services_.workers; ++i) {
    services_.on_worker(i, [plugin, i](WorkerService*) { mimus::end_work(plugin->host, i); });
  }
}

void HostStage::evict(const PluginPtr& plugin) {
  for (unsigned i = 0; i < services_.workers; ++i) {
    services_.on_worker(i, [plugin](WorkerService* service) {
      if (service != nullptr) service->evict(*plugin);
    });
  }
}

TrafficSum HostStage::traffic(bool candidate) const {
  TrafficSum out;
  for (const TrafficArms& arms : *services_.traffic) out += (candidate ? arms.candidate : arms.stable).read();
  return out;
}

}  // namespace mimus
