#include "host/plugin/plugin_set.h"

#include <algorithm>

#include "host/plugin/loaded.h"

namespace mimus {

PluginSet::PluginSet(std::vector<PluginPtr> order) : order_(std::move(order)) {
  for (const PluginPtr& plugin : order_) plugin->holders.sets.fetch_add(1, std::memory_order_relaxed);
}

PluginSet::~PluginSet() {
  for (const PluginPtr& plugin : order_) plugin->holders.sets.fetch_sub(1, std::memory_order_relaxed);
}

Result<PluginSetPtr> PluginSet::make(std::vector<PluginPtr> plugins) {
  std::vector<const Manifest*> manifests;
  for (const PluginPtr& plugin : plugins) manifests.push_back(&plugin->manifest());
  const Result<std::vector<std::size_t>> order = solve_order(manifests);
  if (!order) return order.error();
  std::vector<PluginPtr> ordered;
  for (const std::size_t i : *order) ordered.push_back(plugins[i]);
  return PluginSetPtr(new PluginSet(std::move(ordered)));
}

const PluginHost::Loaded* PluginSet::find(std::string_view id) const {
  for (const PluginPtr& plugin : order_) {
    if (plugin->manifest().id == id) return plugin.get();
  }
  return nullptr;
}

const PluginHost::Loaded* PluginSet::admin_owner(std::string_view path) const {
  for (const PluginPtr& plugin : order_) {
    const std::string& own = plugin->manifest().admin_path;
    if (own.empty() || plugin->admin == nullptr || !path.starts_with(own)) continue;
    if (path.size() == own.size() || path[own.size()] == '/') return plugin.get();
  }
  return nullptr;
}

std::vector<PluginPtr> PluginSet::without(std::string_view id) const {
  std::vector<PluginPtr> out;
  for (const PluginPtr& plugin : order_) {
    if (plugin->manifest().id != id) out.push_back(plugin);
  }
  return out;
}

std::vector<PluginPtr> PluginSet::with(PluginPtr instance) const {
  std::vector<PluginPtr> out = without(instance->manifest().id);
  out.push_back(std::move(instance));
  return out;
}

}  // namespace mimus
