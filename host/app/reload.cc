#include "host/app/reload.h"

#include "host/cli/log.h"
#include "host/cli/options.h"

namespace mimus {
namespace {

void reload_tls(const TlsFiles& files, TlsServer* tls) {
  if (tls == nullptr && files.pairs.empty()) return;
  if (tls == nullptr) return log_warn("SIGHUP: tls-cert is new; TLS is switched on by a restart only");
  if (files.pairs.empty())
    return log_error(
        "SIGHUP: tls-cert is gone; the old certificates stay, TLS is switched off by a restart only");
  if (const Status loaded = tls->reload(files); !loaded)
    return log_error("SIGHUP: " + loaded.error().message + "; the old certificates stay");
  log_info("SIGHUP: TLS certificates were read again");
}

void reload_trust(TrustOptions options, Trust& trust) {
  const bool any = !options.directory.empty();
  const Status read = trust.reread(std::move(options));
  if (!read && read.error().code != Code::conflict)
    return log_error("SIGHUP: " + read.error().message + "; the old keys and policy stay");
  if (any) log_info("SIGHUP: the keys for plugins were read again");
  if (!read) log_error("SIGHUP: " + read.error().message);
}

}  // namespace

void reload(const ServeConfig& started, const std::function<Result<ServeConfig>()>& reread, TlsServer* tls,
            Trust& trust) {
  const Result<ServeConfig> now = reread();
  if (!now) return log_error("SIGHUP: " + now.error().message + "; everything stays as it is");
  std::string keys;
  for (const std::string& key : changed_for_restart(started, *now)) keys += (keys.empty() ? "" : ", ") + key;
  if (!keys.empty()) log_warn("SIGHUP: changed in the config file, but for a restart only: " + keys);
  reload_tls(now->tls, tls);
  reload_trust(now->trust, trust);
}

}  // namespace mimus
