#include "host/channel/handshake.h"

#include "host/channel/framing.h"
#include "mimus/header_text.h"

namespace mimus {
namespace {

bool lists(const RequestHead& request, std::string_view name, std::string_view token) {
  for (unsigned nth = 0;; ++nth) {
    const std::string_view* const value = request.find(name, nth);
    if (value == nullptr) return false;
    if (header::lists(*value, token)) return true;
  }
}

}  // namespace

std::string_view field_of(const RequestHead& request, std::string_view name) {
  const std::string_view* const value = request.find(name);
  return value == nullptr ? std::string_view{} : *value;
}

std::string_view bearer_token(const RequestHead& request) {
  constexpr std::string_view scheme = "bearer ";
  const std::string_view given = field_of(request, "authorization");
  return same_name(given.substr(0, scheme.size()), scheme) ? given.substr(scheme.size()) : std::string_view{};
}

bool asks_for_websocket(const RequestHead& request) {
  return lists(request, "upgrade", "websocket") && lists(request, "connection", "upgrade");
}

std::string handshake_accept(const RequestHead& request) {
  const std::string_view* const version = request.find("sec-websocket-version");
  const std::string_view* const key = request.find("sec-websocket-key");
  if (request.method != "GET" || request.minor_version == 0 || version == nullptr || *version != "13" ||
      key == nullptr) {
    return {};
  }
  const bool repeated = request.find("sec-websocket-version", 1) != nullptr ||
                        request.find("sec-websocket-key", 1) != nullptr;  // RFC 6455, 11.3.1 and 11.3.5
  return repeated ? std::string() : websocket_accept(*key);
}

}  // namespace mimus
