#include "host/cli/binding.h"

#include <poll.h>

#include "host/cli/system_clock.h"
#include "store/data_directory.h"

namespace mimus {
namespace {

constexpr int control_tries = 100;
constexpr int control_pause_ms = 20;

Result<Listener> bind_public(const ServeConfig& config, const std::string& address, const char* flag) {
  auto listener = listen_on(address, config.workers);
  if (listener) {
    constexpr std::string_view plain = "http:";
    if (!config.tls.pairs.empty() && listener->url.starts_with(plain))
      listener->url.replace(0, plain.size(), "https:");
    return listener;
  }
  return Error{listener.error().code, std::string(flag) + ": " + listener.error().message};
}

Result<Listener> bind_control(const std::string& data) {
  if (Status made = make_directory(data); !made) return std::move(made).error();
  auto listener = listen_on(control_address(data), 1);
  // The server of a parent that was killed holds it until the kernel has buried it.
  for (int left = control_tries; !listener && listener.error().code == Code::conflict && --left > 0;) {
    ::poll(nullptr, 0, control_pause_ms);
    listener = listen_on(control_address(data), 1);
  }
  if (!listener && listener.error().code == Code::conflict) {
    return Error{Code::conflict, "data directory " + data +
                                     " is in use by another Mimus; stop it, or choose another with --data"};
  }
  if (!listener) return Error{listener.error().code, "--data: " + listener.error().message};
  listener->serves_public = false;
  return listener;
}

}  // namespace

std::string control_address(const std::string& data) { return "unix:" + data + "/control.sock"; }

Result<std::vector<Listener>> bind_all(const ServeConfig& config) {
  std::vector<Listener> out;
  for (const std::string& address : config.listen) {
    auto listener = bind_public(config, address, "--listen");
    if (!listener) return std::move(listener).error();
    listener->serves_admin = config.admin_listen.empty();
    out.push_back(*std::move(listener));
  }
  if (!config.admin_listen.empty()) {
    auto listener = bind_public(config, config.admin_listen, "--admin-listen");
    if (!listener) return std::move(listener).error();
    listener->serves_public = false;
    out.push_back(*std::move(listener));
  }
  auto control = bind_control(config.data);
  if (!control) return std::move(control).error();
  out.push_back(*std::move(control));
  return out;
}

Status check_tls(const TlsFiles& files) {
  if (files.pairs.empty()) return Done{};
  const SystemClock clock;
  const auto tls = TlsServer::open(files, clock);
  if (!tls) return tls.error();
  return Done{};
}

}  // namespace mimus
