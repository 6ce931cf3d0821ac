// What `mimus serve` was told: flags over environment over config file over defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "host/channel/engine.h"
#include "host/cli/config_file.h"
#include "host/net/server.h"
#include "host/net/tls.h"
#include "host/plugin/manifest.h"
#include "host/plugin/trust.h"
#include "mimus/result.h"

namespace mimus {

enum class JournalMode : std::uint8_t { lossless, lossy, off };

struct ServeConfig {
  std::vector<std::string> listen{"127.0.0.1:3000"};
  std::string admin_listen;  ///< "" for the same as listen.
  std::string data = "./mimus-data";
  std::vector<std::string> definitions;  ///< Files.
  std::string default_api;
  std::vector<std::string> plugin_directories;
  std::chrono::milliseconds plugin_probation{60'000};  ///< 0: none.
  std::chrono::milliseconds plugin_drain{30'000};      ///< Until what holds an old version is ended.
  unsigned workers = 0;                                ///< 0 was resolved to the number of CPUs.
  JournalMode journal = JournalMode::lossless;
  std::chrono::seconds journal_age{std::chrono::hours(24 * 7)};
  std::uint64_t journal_bytes = 1u << 30;
  TlsFiles tls;                     ///< Each pair has both files.
  bool proxy_allow_private = true;  ///< Resolved.
  bool production = false;          ///< Then trust requires signatures, and no private address is allowed.
  TrustOptions trust;
  bool json_log = false;
  std::string log_level = "info";
  bool supervise = true;
  std::chrono::seconds plugin_hang{5};
  Limits limits;
  EngineOptions engine;                               ///< Its pings are those of raw WebSockets, too.
  std::chrono::milliseconds connect_timeout{45'000};  ///< For a Socket.IO client's first namespace.
  std::vector<std::string> trusted_proxies;           ///< CIDRs, from the config file.
  std::string admin_token;                            ///< From MIMUS_ADMIN_TOKEN, else "".
  /// Plugins' options that were set, by name, as JSON text; and `plugins` of the config
  /// file by plugin id, as JSON text.
  std::map<std::string, std::string> plugin_options;
  std::map<std::string, std::string> plugin_config;
  ConfigFile file;  ///< As it was read.
};

}  // namespace mimus
