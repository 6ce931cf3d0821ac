#include "host/app/startup.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "host/cli/log.h"
#include "mimus/json_text.h"
#include "store/ulid.h"

namespace mimus {
namespace {

/// Adds the addresses of this machine's interfaces where a wildcard stands for them.
void name_interfaces(std::vector<std::string>& own) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return;
  const std::vector<std::string> listeners = own;
  for (const std::string& listener : listeners) {
    if (!listener.starts_with("0.0.0.0:") && !listener.starts_with("[::]:")) continue;
    const std::string port = listener.substr(listener.rfind(':'));
    for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
      char host[NI_MAXHOST];
      const int family = at->ifa_addr == nullptr ? AF_UNSPEC : at->ifa_addr->sa_family;
      if (family != AF_INET && family != AF_INET6) continue;
      const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
      if (getnameinfo(at->ifa_addr, size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0) continue;
      own.push_back(family == AF_INET ? host + port : "[" + std::string(host) + "]" + port);
    }
  }
  freeifaddrs(all);
}

/// "address:port" of a listener's URL.
std::string authority(const std::string& url) {
  const std::size_t at = url.find("://");
  return at == std::string::npos ? url : url.substr(at + 3);
}

}  // namespace

Result<AdminToken> admin_token(const ServeConfig& config) {
  if (!config.admin_token.empty()) return AdminToken{config.admin_token, "from MIMUS_ADMIN_TOKEN"};
  const std::string file = config.data + "/admin-token";
  std::string secret;
  std::ifstream in(file);
  if (in >> secret) return AdminToken{secret, "in " + file};
  secret = "mimus_";
  constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  while (secret.size() < 38) {
    std::uint64_t random = random_seed();
    for (int i = 0; i < 8; ++i, random >>= 8) secret += alphabet[random & 63];
  }
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Error{Code::unavailable, "cannot write " + file};
  const std::string line = secret + "\n";
  const bool written =
      write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && fsync(fd) == 0;
  close(fd);
  if (!written) return Error{Code::unavailable, "cannot write " + file};
  return AdminToken{secret, "in " + file};
}

Result<std::string> read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return Error{Code::not_found, file + " cannot be read: " + std::strerror(errno)};
  return text.str();
}

void print_ready(const std::vector<Listener>& listeners, const AdminToken& token) {
  std::string urls, admin;
  for (const Listener& listener : listeners) {
    if (listener.serves_public) {
      urls += (urls.empty() ? "" : ", ") + listener.url;
      continue;
    }
    if (listener.url.starts_with("unix:") && listener.url.ends_with("/control.sock")) continue;
    admin += "; admin on " + listener.url;
  }
  std::printf("mimus ready on %s (admin token: %s)%s\n", urls.c_str(), token.where.c_str(), admin.c_str());
  std::fflush(stdout);
}

std::string serving_again(const Supervision& supervision, std::chrono::microseconds now) {
  const PastCrash& crash = supervision.crashes.back();
  std::string out =
      "serving again after " + std::to_string((now.count() - supervision.died_us) / 1000) + " ms";
  if (supervision.safe_mode) out += " in safe mode, with built-in plugins only";
  if (crash.quarantined)
    return out + "; quarantined " + crash.id + " " + crash.version + " (" + crash.reason + ")";
  return out + " (" + crash.reason + (crash.id.empty() ? "" : " of " + crash.id + " " + crash.version) + ")";
}

std::string option_value(const ServeConfig& config, SharedFiles& files, const OptionSpec& option) {
  if (const auto at = config.plugin_options.find(option.name); at != config.plugin_options.end())
    return at->second;
  const std::string text = json::unquote(option.fallback);
  constexpr std::string_view share = "@share/";
  if (!text.starts_with(share)) return option.fallback;
  const Result<std::string> path = files.path(text.substr(share.size()));
  if (path) return json::quoted(*path);
  log_error(option.name + ": " + path.error().message);
  return option.fallback;  // which the plugin will say that it cannot open
}

void log_for_plugins(mimus_log_level level, std::string_view text) {
  if (level >= MIMUS_LOG_ERROR) return log_error(text);
  if (level == MIMUS_LOG_WARN) return log_warn(text);
  if (level == MIMUS_LOG_INFO) return log_info(text);
}

std::vector<std::string> own_addresses(const std::vector<Listener>& listeners) {
  std::vector<std::string> out;
  for (const Listener& listener : listeners) {
    if (!listener.url.starts_with("unix:")) out.push_back(authority(listener.url));
  }
  name_interfaces(out);
  return out;
}

}  // namespace mimus
