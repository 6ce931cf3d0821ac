// Which plugins serve: ordered sets of instances, and the mix of sets that a generation runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/plugin_host.h"

namespace mimus {

/// The instances of one pipeline order, outermost first. Immutable.
class PluginSet {
 public:
  /// Errors: conflict - as solve_order
  static Result<PluginSetPtr> make(std::vector<PluginPtr> plugins);
  ~PluginSet();
  PluginSet(const PluginSet&) = delete;
  PluginSet& operator=(const PluginSet&) = delete;

  const std::vector<PluginPtr>& in_order() const { return order_; }
  /// nullptr: there is none of that id. Lives as long as the set.
  const PluginHost::Loaded* find(std::string_view id) const;
  /// The plugin whose admin path is `path` or a prefix of it up to a "/".
  const PluginHost::Loaded* admin_owner(std::string_view path) const;
  /// The same with `instance` in the place of the one of its id, or added.
  std::vector<PluginPtr> with(PluginPtr instance) const;
  std::vector<PluginPtr> without(std::string_view id) const;

 private:
  explicit PluginSet(std::vector<PluginPtr> order);
  std::vector<PluginPtr> order_;
};

/// What a generation's requests run: all the stable set, or a share of them a candidate.
struct PluginMix {
  PluginSetPtr stable;
  PluginSetPtr candidate = {};  ///< nullptr but while a canary runs.
  std::uint32_t share = 0;      ///< Requests of 10,000 that the candidate serves.
  std::uint64_t serial = 1;     ///< Of the publication; pipelines are compiled for one.
};

}  // namespace mimus
