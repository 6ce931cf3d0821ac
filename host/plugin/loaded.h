// One loaded plugin.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "host/plugin/plugin_host.h"

namespace mimus {

struct PluginHost::Loaded {
  PluginSource source;
  const mimus_plugin* table = nullptr;
  mimus_inst* instance = nullptr;
  const mimus_admin_v1* admin = nullptr;
  const mimus_record_v1* record = nullptr;
  const mimus_peer_v1* peer = nullptr;
  std::string state = "active";        ///< As GET /admin/plugins shows it.
  std::string options;                 ///< The JSON that configure was given.
  std::atomic<std::uint64_t> failures{0};  ///< Requests that its fail policy had to decide.
  std::atomic<std::uint64_t> bindings{0};  ///< Living ones.

  const Manifest& manifest() const { return source.manifest; }
};

}  // namespace mimus
