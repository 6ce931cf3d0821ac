#include "host/cli/running_host.h"

#include <fstream>

#include "host/cli/binding.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

/// The host's problem document as an Error.
Error problem(const AdminReply& reply) {
  const Code code = reply.status == 404   ? Code::not_found
                    : reply.status == 409 ? Code::conflict
                    : reply.status >= 500 ? Code::unavailable
                                          : Code::invalid;
  std::string detail;
  for (const char* const key : {"detail", "title"}) {
    const auto text = json::member(reply.body, key);
    if (detail.empty() && text && text->starts_with('"')) detail = json::unquote(*text);
  }
  const char* const mend = reply.status == 401 ? "; give it with --token or MIMUS_ADMIN_TOKEN" : "";
  return {code,
          "the host answered " + std::to_string(reply.status) + (detail.empty() ? "" : ": " + detail) + mend};
}

}  // namespace

std::vector<Flag> host_flags() {
  return {
      {"data", "DIR", "data directory, also to find a running host (default ./mimus-data)"},
      {"admin", "URL", "a running host: http://ADDR:PORT, https://NAME:PORT or unix:PATH"},
      {"token", "TOKEN", "its admin token (default: MIMUS_ADMIN_TOKEN, or the one in the data directory)"}};
}

std::string data_directory(const ParsedFlags& flags, const Surroundings& surroundings) {
  const std::string told = surroundings.environment("MIMUS_DATA");
  return flags.value("data", told.empty() ? "./mimus-data" : told);
}

Result<std::optional<RunningHost>> RunningHost::find(const ParsedFlags& flags,
                                                     const Surroundings& surroundings) {
  const std::string data = data_directory(flags, surroundings);
  std::string token = flags.value("token", surroundings.environment("MIMUS_ADMIN_TOKEN"));
  const std::string admin = flags.value("admin");
  if (token.empty()) {
    std::ifstream in(data + "/admin-token");
    in >> token;
  }
  if (!admin.empty() && token.empty()) return invalid("--admin needs --token or MIMUS_ADMIN_TOKEN");
  const std::string at = admin.empty() ? control_address(data) : admin;
  const auto alive = admin_request(at, token, "GET", "/healthz");
  if (!alive && admin.empty() && alive.error().code == Code::not_found) return std::optional<RunningHost>();
  if (!alive) return alive.error();
  return std::optional<RunningHost>(RunningHost(at, token));
}

Result<std::string> RunningHost::ask(std::string_view method, const std::string& path,
                                     const std::string& body) const {
  auto reply = admin_request(at_, token_, method, path, body);
  if (!reply) return std::move(reply).error();
  if (reply->status < 200 || reply->status > 299) return problem(*reply);
  return std::move(reply->body);
}

}  // namespace mimus
